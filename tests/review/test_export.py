"""Records for other programs: as they are, by ECS names, and as columns."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from policy.review.export import as_ecs, ecs_line, record_lines
from policy.review.parquet import COLUMNS_OF_THE_FILE, write_parquet
from tests.review.lines import BEGAN, ISSUER, decided, head, line, refused, write

DENIED: dict[str, Any] = {
    "outcome": "deny", "reason": "scope-missing", "method": "PUT", "route": "/a/<b>", "tenant": "acme",
    "verdicts": (("read:data", True, "allowed"), ("update:data", False, "scope-missing")),
    "more": {"shadow": {"policy": "e", "outcome": "allow", "reason": "allowed"}, "treated": {"subject.id": "hashed"}},
    "subject": {
        "roles": ["viewer"], "bound_roles": [["editor", "acme"], ["boss", "other"]], "assigned": [["payer", None]],
        "unasserted": [["role", "x"]], "acr": "mfa", "auth_time": BEGAN, "tenant": "acme",
    },
}  # fmt: skip
SURPLUS = {**head("surplus", 4, BEGAN + 3), "since": "2026-11-28T00:00:00.000000Z", "counts": {"token-absent": 7}}
LOST = {**head("lost", 5, BEGAN + 4), "since": "2026-11-28T00:00:00.000000Z", "count": 2}


@pytest.fixture
def log(tmp_path: Path) -> list[Path]:
    """A file of each stream, one of them compressed, with lines that are no records."""
    old = {**decided(9), "v": 1}
    records = [
        decided(1),
        {**decided(2, now=BEGAN + 1, **DENIED), "request_id": "r-1", "trace_id": "a" * 32},
        LOST,
        old,
    ]
    return [
        write(tmp_path / "decisions-1-1.jsonl.gz", records),
        write(tmp_path / "refused-1-1.jsonl", [refused(3, now=BEGAN + 2), SURPLUS], torn=line(decided(8))[:-4]),
    ]


def test_lines_are_given_as_they_stand(log: list[Path]) -> None:
    """Those of records: not those of the chain, torn ones, or ones of another version."""
    found = [json.loads(each) for each in record_lines(log)]
    assert [int(each["id"], 16) for each in found] == [1, 2, 5, 3, 4]
    whole = log[1].read_bytes().splitlines()
    assert list(record_lines(log[1:])) == whole[1:-1]


def test_a_window_bounds_what_is_given(log: list[Path]) -> None:
    """From a time on, and before one."""
    found = record_lines(log, since="2026-11-28T00:00:01", until="2026-11-28T00:00:03")
    assert [int(json.loads(each)["id"], 16) for each in found] == [2, 3]


def test_an_allowed_record_by_ecs_names() -> None:
    """What is empty is left out."""
    assert as_ecs({"seq": 7, **decided(1)}) == {
        "@timestamp": "2026-11-28T00:00:00.000000Z",
        "ecs": {"version": "8.17.0"},
        "message": "allow allowed GET /api/data",
        "event": {
            "id": f"{1:032x}", "kind": "event", "category": ["api"], "type": ["access", "allowed"],
            "outcome": "success", "action": "request", "reason": "allowed", "code": "allowed", "duration": 31_000,
            "sequence": 7, "module": "claims_policy", "dataset": "claims_policy.decisions",
        },
        "http": {"request": {"method": "GET"}},
        "user": {"id": "alice"},
        "rule": {"ruleset": "d" * 64},
        "claims_policy": {
            "route": "/api/data",
            "permissions": [{"permission": "read:data", "allowed": True, "reason": "allowed", "rules": []}],
            "policy": "d" * 64,
            "token": "jti:1",
            "subject": {"issuer": ISSUER, "kind": "user", "client": "app"},
        },
    }  # fmt: skip


def test_a_denied_record_by_ecs_names() -> None:
    """With all roles in force, and with pairs as objects, for no index takes lists of lists."""
    record = {**decided(2, **DENIED), "request_id": "r-1", "trace_id": "a" * 32}
    record["permissions"][1]["rules"] = ["no-x"]
    found = as_ecs(record)
    assert (found["event"]["type"], found["event"]["outcome"]) == (["access", "denied"], "failure")
    assert (found["http"], found["trace"]) == ({"request": {"method": "PUT", "id": "r-1"}}, {"id": "a" * 32})
    assert found["organization"] == {"id": "acme"}
    assert found["user"] == {"id": "alice", "roles": ["editor", "payer", "viewer"]}
    assert found["rule"] == {"id": ["no-x"], "ruleset": "d" * 64}
    assert found["claims_policy"]["shadow"] == {"policy": "e", "outcome": "allow", "reason": "allowed"}
    assert found["claims_policy"]["treated"] == {"subject.id": "hashed"}
    assert found["claims_policy"]["subject"] == {
        "issuer": ISSUER, "kind": "user", "tenant": "acme", "acr": "mfa", "auth_time": BEGAN, "client": "app",
        "bound_roles": [{"role": "editor", "tenant": "acme"}, {"role": "boss", "tenant": "other"}],
        "assigned": [{"role": "payer"}], "unasserted": [{"kind": "role", "name": "x"}],
    }  # fmt: skip


def test_other_records_by_ecs_names() -> None:
    """A token that was not accepted failed to authenticate; what is only counted has no outcome."""
    found = as_ecs(refused(3))
    assert found["event"] == {
        "id": f"{3:032x}", "kind": "event", "category": ["authentication", "api"], "type": ["access", "denied"],
        "outcome": "failure", "action": "refused", "reason": "no token", "code": "token-absent",
        "module": "claims_policy", "dataset": "claims_policy.refused",
    }  # fmt: skip
    assert "user" not in found
    told = as_ecs(SURPLUS)
    assert (told["message"], told["event"]["type"]) == ("surplus", ["info"])
    assert "outcome" not in told["event"]
    assert told["claims_policy"] == {"since": SURPLUS["since"], "counts": {"token-absent": 7}}
    assert as_ecs(LOST)["claims_policy"]["count"] == 2


@pytest.mark.parametrize("spoilt", [b"{", b"[]", b'{"subject":1}', b'{"permissions":[1]}', b"[" * 100_000])
def test_what_is_no_record_becomes_no_event(spoilt: bytes) -> None:
    """It is left out, and stops nothing."""
    assert ecs_line(spoilt) is None


def test_a_parquet_file_has_a_row_a_record(log: list[Path], tmp_path: Path) -> None:
    """Compressed files too; in columns with types."""
    to = tmp_path / "it's.parquet"
    assert write_parquet(log, to) == 5
    table = duckdb.read_parquet(str(to))
    assert table.columns == list(COLUMNS_OF_THE_FILE)
    seconds = "* replace (epoch_us(time) as time, epoch(auth_time) as auth_time)"
    row = table.filter("kind = 'request' and outcome = 'deny'").project(seconds)
    values = dict(zip(row.columns, row.fetchall()[0], strict=True))
    assert values == {
        "time": 1_795_824_001_000_000, "id": f"{2:032x}", "seq": 2, "kind": "request", "outcome": "deny",
        "reason": "scope-missing", "detail": None, "method": "PUT", "route": "/a/<b>",
        "permissions": ["read:data", "update:data"], "denied_permissions": ["update:data"],
        "verdicts": [
            {"permission": "read:data", "allowed": True, "reason": "allowed", "rules": []},
            {"permission": "update:data", "allowed": False, "reason": "scope-missing", "rules": []},
        ],
        "rules": [], "tenant": "acme", "policy": "d" * 64, "subject_id": "alice", "subject_issuer": ISSUER,
        "subject_kind": "user", "subject_tenant": "acme", "client": "app", "authority": None, "roles": ["viewer"],
        "bound_roles": [{"role": "editor", "tenant": "acme"}, {"role": "boss", "tenant": "other"}],
        "assigned_roles": [{"role": "payer", "tenant": None}], "scopes": [], "subject_permissions": [], "groups": [],
        "without_groups": False, "acr": "mfa", "auth_time": BEGAN, "token": "jti:1", "request_id": "r-1",
        "trace_id": "a" * 32, "duration_us": 31, "standing": None, "keys": None, "revocations": None,
        "shadow_policy": "e", "shadow_outcome": "allow", "shadow_reason": "allowed", "shadow_failed": None,
        "capped": None, "treated": {"subject.id": "hashed"}, "not_kept": None, "lost": None,
    }  # fmt: skip
    told = table.filter("kind in ('surplus', 'lost')").order("id").project("kind, not_kept, lost, without_groups")
    assert told.fetchall() == [("surplus", {"token-absent": 7}, None, None), ("lost", None, 2, None)]


def test_a_parquet_file_of_a_window(log: list[Path], tmp_path: Path) -> None:
    """Times bound it as they bound everything else."""
    to = tmp_path / "x.parquet"
    assert write_parquet(log, to, since="2026-11-28T00:00:01", until="2026-11-28T00:00:03") == 2
    assert duckdb.read_parquet(str(to)).order("id").project("id").fetchall() == [(f"{2:032x}",), (f"{3:032x}",)]
