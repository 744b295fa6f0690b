"""A notice as a response: its one style sheet is allowed by its digest, and nothing else.

In: the page of a notice. Out: a response.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import Final

from starlette.responses import HTMLResponse

_STYLE: Final = re.compile("<style>(.*?)</style>", re.DOTALL)


def page_response(page: str) -> HTMLResponse:
    """A self-contained page with a policy for the style sheets that stand in it."""
    digests = [base64.b64encode(sha256(style.encode()).digest()).decode() for style in _STYLE.findall(page)]
    styles = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    policy = f"default-src 'none'; style-src {styles}; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(page, headers={"content-security-policy": policy})
