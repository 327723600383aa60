"""A short run over every parser, and that the run would see it if one of them broke."""

from pathlib import Path

import pytest

from tests.fuzz import __main__ as program
from tests.fuzz.campaign import Counted, run, table
from tests.fuzz.mutating import Mutator
from tests.fuzz.parsers import PARSERS, Parser, said_well

each_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)


@each_parser
def test_a_parser_raises_nothing_but_its_own_error(parser: Parser, tmp_path: Path) -> None:
    """Whatever it is given. If this fails, the text is in the folder that is shown; `make fuzz` looks further."""
    found = run(parser, mutated=500, generated=60, seed=1, folder=tmp_path)
    assert found == found._replace(failed=0, failures=())
    assert found.texts >= 500
    assert min(found.good, found.refused) > 10


@each_parser
def test_the_run_begins_with_good_texts(parser: Parser) -> None:
    """Every one of them is read: else nothing behind the first check would be tried."""
    assert all(said_well(parser, text) for text in parser.whole)


def test_the_same_seed_makes_the_same_texts() -> None:
    """So what was found can be found again; another seed makes others."""
    texts = [[Mutator(seed).text_for(each) for each in PARSERS if each.join is None] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def fragile(raw: bytes) -> None:
    """A parser that counts on the first letter, as one of them might."""
    if raw[0] == ord("!"):
        raise KeyError("!")
    if b"\n" in raw:
        raise ValueError(raw.decode("latin-1"))


def test_any_other_exception_is_counted_and_its_text_kept(tmp_path: Path) -> None:
    """With the traceback beside it, also where an error is the parser's own but cannot be printed on a line."""
    parser = Parser("fragile one", fragile, ValueError, (b"!", b"a", b"a\n"))
    found = run(parser, mutated=200, generated=0, seed=1, folder=tmp_path / "kept")
    assert found.failed > 5
    assert len(found.failures) == 5
    for path in found.failures:
        with pytest.raises((KeyError, IndexError, AssertionError)):
            said_well(parser, path.read_bytes())
        assert path.with_suffix(".txt").read_text("utf-8").startswith("Traceback")


def test_counts_are_shown_with_their_sum() -> None:
    """A line for each parser."""
    rows = [Counted("a", 1, 2, 0, 0.4, ()), Counted("b", 1000, 2000, 3, 7.0, ())]
    assert table(rows).splitlines() == [
        "parser                 texts        good     refused  failed  seconds",
        "a                          3           1           2       0        0",
        "b                      3,003       1,000       2,000       3        7",
        "in all                 3,006       1,001       2,002       3        7",
    ]


def test_the_program_ends_with_1_where_a_parser_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And with 0 where none does; every text of the whole has its parser."""
    assert sum(program.SHARES.values()) == 100
    assert set(program.SHARES) == {parser.name for parser in PARSERS}
    monkeypatch.chdir(tmp_path)
    assert program.main(900, 1) == 0
    monkeypatch.setattr(program, "PARSERS", (Parser("header", fragile, ValueError, (b"!",)),))
    assert program.main(1000, 1) == 1
    (path,) = {line.split(" ")[4].rstrip(";") for line in capsys.readouterr().out.splitlines()[-1:]}
    assert (tmp_path / path).is_file()
