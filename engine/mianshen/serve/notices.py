"""A self-contained page, a notice or a report, as a response: its style sheets are allowed, and nothing else.

In: the page. Out: a response.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import Final

from starlette.responses import HTMLResponse

_STYLE: Final = re.compile("<style>(.*?)</style>", re.DOTALL)


def page_response(page: str, attributes: bool = False) -> HTMLResponse:
    """A self-contained page with a policy for the style sheets that stand in it; `attributes`: and style attributes."""
    digests = [base64.b64encode(sha256(style.encode()).digest()).decode() for style in _STYLE.findall(page)]
    styles = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    styles = "'unsafe-inline'" if attributes else styles
    policy = f"default-src 'none'; style-src {styles}; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(page, headers={"content-security-policy": policy})
