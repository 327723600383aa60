"""The documentation, run as it stands: every policy, every program, every command with its output, every link."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from os.path import normpath
from pathlib import Path

import pytest

from docs.generate import commands, reasons
from docs.generate.parts import MAKERS, by_hand, pages, renewed
from docs.generate.schema import slug
from policy.cli import parser
from policy.flask.options import KEYS
from policy.reasons import Reason
from tests.blocks import ROOT, blocks_of
from tests.sessions import Session

DOCS = ROOT / "docs"
PAGES = pages()
INDEXES = (DOCS / "index.md", DOCS / "providers" / "index.md")
on_every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS).with_suffix("")))
#: What only one page needs.
NEEDS = {"deployment": "gunicorn", "metrics": "prometheus_client"}


@on_every_page
def test_every_block_does_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """In the order of the page and in one folder, as by a reader who does all that it says.

    Code of other libraries (`before`) is not run: they are not here. Python of theirs is compiled.
    """
    if (needed := NEEDS.get(page.stem)) and find_spec(needed) is None:
        pytest.skip(f"the page needs {needed}, which is not installed")
    (tmp_path / "reader").mkdir()
    with Session(tmp_path / "reader") as session:
        for block in blocks_of(by_hand(page.read_text(encoding="utf-8"))):
            session.run(block)


@on_every_page
def test_no_block_is_missed(page: Path) -> None:
    """Every fence begins or ends a block; the only others are the lists of pages in the index."""
    text = by_hand(page.read_text(encoding="utf-8"))
    lists = text.count("```{toctree}\n")
    assert lists == 0 or page == INDEXES[0]
    assert len(re.findall("```|~~~", text)) == 2 * (len(blocks_of(text)) + lists)


@on_every_page
def test_made_parts_are_current(page: Path) -> None:
    """If this fails: `python -m docs.generate`, which `make docs` calls too."""
    text = page.read_text(encoding="utf-8")
    assert renewed(text) == text


def test_every_made_part_has_its_place() -> None:
    """Each on one page."""
    found = [name for page in PAGES for name in re.findall(r"<!-- made from (\S+) -->", page.read_text("utf-8"))]
    assert sorted(found) == sorted(MAKERS)


def test_the_reference_names_every_command_and_every_reason() -> None:
    """The parts that are made leave nothing out."""
    made = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert all(f"\n## {each.prog}\n" in made for each in commands.commands(parser()))
    # no code gives these as long as there are no conditions
    to_come = {"deny-condition-error", "condition-error", "condition-false"}
    assert set(Reason) - set(reasons.given()) <= to_come


def test_the_configuration_keys_are_those_that_are_read() -> None:
    """Key and argument, in their order."""
    rows = re.findall(r"^\| `(POLICY_\w+)` \| `(\w+)` \|", (DOCS / "http.md").read_text("utf-8"), re.MULTILINE)
    assert rows == list(KEYS.items())


def headings(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {slug(heading.replace("`", "")) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@on_every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a page of the documentation, and to a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, heading = target.partition("#")
        goal = Path(normpath(page.parent / file)) if file else page
        assert goal in PAGES, target
        assert not heading or heading in headings(goal), target


def test_every_page_is_in_the_index() -> None:
    """In the table of its folder, and in the lists that the site is made from."""
    for index in INDEXES:
        linked = {index.parent / name for name in re.findall(r"\]\(([\w/-]+\.md)\)", index.read_text(encoding="utf-8"))}
        here = {page for page in PAGES if page.parent == index.parent} - {index}
        assert linked == here | {each for each in INDEXES if each.parent.parent == index.parent}
    text = INDEXES[0].read_text(encoding="utf-8")
    listed = "\n".join(re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    names = re.findall(r"^(?!:)(?:.*<)?([a-z0-9/-]+)>?$", listed, re.MULTILINE)
    assert sorted(DOCS / f"{name}.md" for name in names) == sorted({*PAGES} - {INDEXES[0]})


def mentioned() -> Iterator[str]:
    """Commands that stand in a sentence or a table."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for command in re.findall(r"`(policy [^`]*)`", text):
            yield command.partition(" | ")[0]


@pytest.mark.parametrize("command", sorted(set(mentioned())))
def test_commands_in_sentences_are_commands(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Their names and options exist; what else they need may be left out."""
    try:
        parser().parse_args(shlex.split(command)[1:])
    except SystemExit:
        assert "arguments are required" in capsys.readouterr().err


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    """As `make docs` builds it."""
    if find_spec("sphinx") is None:
        pytest.skip("the site is made with what `make docs` installs")
    words = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(DOCS), str(tmp_path / "site")]
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (built.returncode, built.stderr) == (0, "")
