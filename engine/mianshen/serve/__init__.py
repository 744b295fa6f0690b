"""The product over HTTP: an API, and pages for the counter, the operator and the policy desk.

In: settings. Out: a server. Invariants: the room decides nothing; it hands requests to the rooms below and says what
they answer, as the commands do. Local unless told otherwise; then only over TLS, to holders of tokens, with an audit.
"""

from mianshen.serve.audit import broken_line
from mianshen.serve.server import address, check_extra_installed, refuse_unfit, serve, url
from mianshen.serve.settings import Settings

__all__ = ["Settings", "address", "broken_line", "check_extra_installed", "refuse_unfit", "serve", "url"]
