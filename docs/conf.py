"""How the documentation is built: `make docs`. Nothing is fetched, and there a warning is an error."""

import re
from typing import ClassVar, Final

from pygments.lexer import RegexLexer
from pygments.token import Generic
from sphinx.application import Sphinx

project: Final = "claims-policy"
extensions: Final = ["myst_parser"]
#: Headings can be linked by the names that forges give them, so that links hold in both places.
myst_heading_anchors: Final = 3
#: Quotes stay as they are written: much of what stands in them is to be typed.
smartquotes: Final = False
html_theme: Final = "furo"
html_title: Final = "claims-policy"
html_copy_source: Final = False
html_show_copyright: Final = False
html_static_path: Final = ["static"]
html_css_files: Final = ["tables.css"]


class Console(RegexLexer):
    """Commands after `$ `, and whatever they print: the usual lexer takes `#` and `>` in an output for prompts."""

    tokens: ClassVar = {
        "root": [(r"^\$ ", Generic.Prompt, "command"), (r".*\n", Generic.Output)],
        "command": [(r".*\n", Generic.Strong, "#pop")],
    }


#: The first line of a block that is to be saved: its language, and the file.
_SAVED: Final = re.compile(r"^```(json|python) (\S+\.\w+).*$", re.MULTILINE)


def name_files(_: Sphinx, page: str, source: list[str]) -> None:  # noqa: ARG001 - Sphinx gives three
    """Show above a block the file that it is to be saved as, which stands on its fence."""
    source[0] = _SAVED.sub(r"```{code-block} \1\n:caption: \2\n", source[0])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("console", Console)
    app.connect("source-read", name_files)
