"""One page that needs nothing else: no network, and only the style and the script that it was made with."""

import hashlib
from base64 import b64encode
from typing import Final

#: Whatever stands in a name, only this style and this script are ever applied.
_CONTENT: Final = "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{content}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}{script}</body>
</html>
"""


def page(title: str, body: str, *, style: str, script: str) -> str:
    """The page, in ASCII alone: other characters are written as references. `title` and `body` are HTML already."""
    content = _CONTENT.format(style=_hash(style), script=_hash(script))
    element = f"<script>{script}</script>\n" if script else ""
    whole = _PAGE.format(content=content, title=title, style=style, script=element, body=body)
    return whole.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(text: str) -> str:
    """A source expression of Content Security Policy Level 3, section 2.3.1."""
    return "sha256-" + b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")
