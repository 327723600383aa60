"""A log reduced to groups: all engines give the same."""

import random
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from policy.compile import Compiled
from policy.errors import ClaimsPolicyError
from policy.review import grouping
from policy.review.ages import Ages
from policy.review.columns import COLUMNS, where
from policy.review.grouping import DECIDED, Engine, Group, engine
from policy.review.plain import Plain
from policy.review.replay import replay
from tests.review.lines import BEGAN, begun, decided, line, refused, write
from tests.review.test_replay import world

ROUTES = ("/api/data", "/api/data/<int:id>", "/a'b", '/"client":"x"', "/back\\slash", "/ümlaut\u2028")
OLD = {"v": 1, "kind": "request", "id": "0f" * 16, "time": "2026-01-01T00:00:00.000000Z", "now": 1.0}


def records(many: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(4)
    for number in range(many):
        now = BEGAN + chance.randrange(4) * 40_000 + number / 7
        if chance.random() < 0.2:
            yield refused(number, kind=chance.choice(("refused", "fault")), now=now)
            continue
        login = {"auth_time": 1795824000 + chance.randrange(3)} if chance.random() < 0.3 else {}
        yield decided(
            number,
            kind=chance.choice(DECIDED),
            now=round(now),
            route=chance.choice(ROUTES),
            tenant=chance.choice((None, "acme")),
            more=chance.choice(({}, {"standing": "last-good"}, {"treated": {"subject.client": "masked"}})),
            subject={"roles": chance.sample(["a", "b", "c"], 2), **login},
            client=chance.choice((None, "app", 'a,"client":"')),
            id=chance.choice((None, "alice", 'b"}}', "hmac:abc")),
        )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files as they lie about after a year: compressed, renamed, torn, older, and with what is no record at all."""
    folder = tmp_path_factory.mktemp("log")
    made = list(records(600))
    whole = line(decided(1))
    foreign = b'hello\n\n{"json":1}\n[1]\r\n{"v":2,"kind":"request"}\n;\t"\n{"v":3,"kind":"x","id":"y"}\n'
    foreign += b'{"' + b"long" * 50_000 + b"}}\n"
    ended = foreign + b"\n".join(whole[:size] for size in (30, 150, 400, len(whole) - 1, len(whole) - 2)) + b"\n"
    return [
        write(folder / "decisions-1.jsonl", made[:200]),
        write(folder / "decisions-2.jsonl.gz", made[200:400]),
        write(folder / "decisions-3.jsonl.1", made[400:], torn=ended + line(OLD) + b"\n" + whole[:300]),
        write(folder / "decisions-4.jsonl", [], torn=b"\n".join(map(line, made[:9])) + b"\n" + line(begun(1))),
    ]


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    if find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("Spark needs pyspark and Java, which are not both installed")
    from pyspark.sql import SparkSession

    from policy.review.spark import Spark

    session = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1").config("spark.log.level", "ERROR")
        .config("spark.sql.codegen.wholeStage", "false").getOrCreate()
    )  # fmt: skip
    yield Spark(session)
    session.stop()


@pytest.fixture(scope="module")
def duck() -> Engine:
    pytest.importorskip("duckdb", reason="DuckDB is not installed")
    return engine("duckdb")


class Asked(NamedTuple):
    """What `Ages` looks at of a policy that asks for so recent a login."""

    max_age: int

    @property
    def leeways(self) -> dict[str, int]:
        return {"a": 30, "b": 60}

    @property
    def document(self) -> Any:
        return SimpleNamespace(permissions={"read:a": SimpleNamespace(step_up=self)})


AGES = Ages(cast("list[Compiled]", [Asked(age) for age in (0, 1, 40_000, 80_000)]))
QUESTIONS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "nothing": ((), {}),
    "nothing of no kind": ((), {"kinds": ()}),
    "every column": (tuple(COLUMNS), {}),
    "every line": (("version", "kind"), {"kinds": None}),
    "inputs": (("inputs",), {}),
    "inputs of refusals": (("kind", "inputs", "who"), {"kinds": ("refused", "fault")}),
    "who and logins": (("inputs", "who", "login_now"), {}),
    "a time": (("outcome", "hour"), {"since": "2026-11-28T11", "until": "2026-11-29"}),
    "some texts": (("who", "day"), {"containing": ('"client":"app"', '"tenant":"acme"')}),
    "a quote": (("inputs",), {"containing": ("a'b", '"route":"/a\'b"')}),
    "a backslash": (("inputs",), {"containing": ("/back\\\\slash",)}),
    "ages": (("timeless", AGES.column), {}),
    "who where it matters": (("inputs", where(COLUMNS["who"], ['"tenant":"acme"', "a'b"])), {}),
}
FOR_SPARK = ("every column", "every line", "a backslash", "ages", "who where it matters")


def asked(by: Engine, log: list[Path], name: str) -> list[Group]:
    columns, conditions = QUESTIONS[name]
    return sorted(by.groups(log, columns, **conditions), key=str)


@pytest.mark.parametrize("name", QUESTIONS)
def test_duckdb_gives_the_groups_that_python_gives(name: str, duck: Engine, log: list[Path]) -> None:
    """Whatever is asked of whatever lines."""
    assert asked(duck, log, name) == asked(Plain(), log, name)


def test_spark_gives_the_groups_that_python_gives(spark: Engine, log: list[Path]) -> None:
    """From the same questions; in one test, because Spark takes its time for each."""
    assert [asked(spark, log, name) for name in FOR_SPARK] == [asked(Plain(), log, name) for name in FOR_SPARK]


@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_labels_stand_for_inputs(name: str, request: pytest.FixtureRequest, log: list[Path]) -> None:
    """Only lines whose inputs have a label count, and the label is a column."""
    by: Engine = request.getfixturevalue({"duckdb": "duck", "spark": "spark"}[name])
    inputs = sorted(str(group.values[0]) for group in Plain().groups(log, ["inputs"]))[:20]
    labels = {text: f"label'{number % 3}" for number, text in enumerate(inputs)}
    found = [sorted(each.groups(log, ["label", "who"], labels=labels), key=str) for each in (by, Plain())]
    assert found[0] == found[1]
    assert {group.values[0] for group in found[0]} == {"label'0", "label'1", "label'2"}
    assert list(by.groups(log, ["label"], labels={})) == []


def test_spark_leads_to_the_same_report(spark: Engine, tmp_path: Path) -> None:
    """A replay over it changes nothing of what is found."""
    files, new, finder, _ = world(tmp_path, 48)
    one, other = (replay(files, new, finder, by).as_dict() for by in (Plain(), spark))
    assert one == other
    assert one["changed"]


def test_a_group_tells_its_times_and_its_smallest_id(tmp_path: Path) -> None:
    """Whatever the order of the lines."""
    made = [decided(number, now=BEGAN + now) for number, now in ((7, 5), (3, 9), (5, 0))]
    write(tmp_path / "decisions.jsonl", made)
    assert list(Plain().groups([tmp_path / "decisions.jsonl"], ["outcome"])) == [
        Group(("allow",), 3, "2026-11-28T00:00:00.000000Z", "2026-11-28T00:00:09.000000Z", f"{3:032x}")
    ]


@pytest.mark.parametrize("name", ["plain", "duckdb"])
def test_an_engine_tells_how_far_it_is(name: str, log: list[Path]) -> None:
    """As a part of one that does not pass it."""
    seen: list[float] = []
    assert list(engine(name).groups(log, ["outcome"], progress=seen.append))
    assert seen
    assert all(0 <= part <= 1 for part in seen)


def test_a_file_that_is_gone_has_no_lines(tmp_path: Path) -> None:
    """It may be removed between the listing and the reading."""
    for name in ("plain", "duckdb"):
        assert list(engine(name).groups([tmp_path / "gone.jsonl"], ["inputs"])) == []


def test_without_duckdb_python_reads_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error; who asks for Python alone is told nothing."""
    monkeypatch.setattr(grouping, "find_spec", lambda name: None)
    assert (engine().name, engine("plain").name) == ("plain", "plain")
    said = "policy: reading with Python alone; `pip install 'claims-policy[replay]'` is quicker\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("name", "needed", "extra"), [("duckdb", "duckdb", "replay"), ("spark", "pyspark", "spark")])
def test_an_engine_that_is_not_installed_says_how_to_get_it(
    name: str, needed: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the extra that brings it."""
    monkeypatch.setattr(grouping, "find_spec", lambda name: None)
    with pytest.raises(ClaimsPolicyError) as caught:
        engine(name)
    assert str(caught.value) == (
        f"engine `{name}` needs {needed}, which is not installed: `pip install 'claims-policy[{extra}]'`"
    )


def test_an_unknown_engine_is_an_error() -> None:
    """That names those there are."""
    with pytest.raises(ClaimsPolicyError) as caught:
        engine("polars")
    assert str(caught.value) == "there is no engine `polars`; there are duckdb, spark, plain"
