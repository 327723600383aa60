"""What an audit log is told: how durable, how sealed, how long kept, what is left out; checked at once."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict, Unpack, get_args

from policy.audit.anchoring import Anchoring
from policy.audit.anchors import Target
from policy.audit.seals import KeySource, checker, sealer
from policy.audit.sinks import AuditSink
from policy.audit.stream import MIB, Habits
from policy.audit.tidying import Rules
from policy.audit.treatment import How
from policy.errors import PolicyError
from policy.nearest import did_you_mean

Clock = Callable[[], float]
Durability = Literal["every-decision", "batched", "best-effort"]
IfUnavailable = Literal["refuse", "go-on"]


class Arguments(TypedDict, total=False):
    """What `AuditLog` takes besides its folder.

    `durability` says when a decision is recorded, and so may be answered:

    - `batched`: when it outlives the process, however that ends. The disk has it a moment later: a power cut costs
      what was accepted in the last `batch_seconds` (1), and never more than `batch_records` (10,000).
    - `every-decision`: when it is on the disk. Threads that wait at the same time share one flush.
    - `best-effort`: at once. It is written when there is time, `batch_records` wait at most; what is lost is counted.

    `seal` is a key, `{"env": "NAME"}`, `{"file": "path"}` or bytes: a secret, or an Ed25519 private key in PEM. With it
    there is a sealed line every `checkpoint_records` (1000) lines or `checkpoint_seconds` (60), at the end of each file
    and of the chain. `anchor` is told the head of the chain at each of those: a file on another disk, or a command.

    `rotate_bytes` (256 MiB) and `rotate_daily` (true) say when a file is followed by another one; with `compress`
    those that are finished are compressed. `keep_days` and `keep_bytes` say what may be removed of them, once it was
    verified; nothing unless given.

    `fields` says what becomes of identifying fields, `mask`, `hash`, `drop` or `erasable`, such as
    `{"subject.id": "erasable"}`. Hashes are made with `fields_key`, given like `seal`.

    `if_unavailable` says what becomes of a decision that cannot be recorded. `"refuse"` (the default): it is not
    answered, which is a 503. `"go-on"`: it is answered without a record. A sink: it takes the record in the folder's
    place. All are counted and logged.

    Refused and absent tokens, which anybody can send, are kept within limits: `refused_rate` (50) lines a second of one
    process in the long run, after a `refused_burst` (200) of lines at once; `refused_bytes` (16 MiB) is the size of one
    file of them, of which a process keeps the one it writes and the one before; `refused_total` (512 MiB) that of all
    in the folder, those of ended processes too; the oldest go first.

    `monotonic` and `clock` return seconds; they are given in tests.
    """

    durability: Durability
    batch_seconds: float
    batch_records: int
    seal: KeySource | None
    anchor: Target | None
    checkpoint_records: int
    checkpoint_seconds: float
    rotate_bytes: int
    rotate_daily: bool
    compress: bool
    keep_days: float | None
    keep_bytes: int | None
    fields: Mapping[str, How] | None
    fields_key: KeySource | None
    if_unavailable: IfUnavailable | AuditSink
    refused_rate: float
    refused_burst: int
    refused_bytes: int
    refused_total: int
    monotonic: Clock
    clock: Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The arguments, complete and checked; `refused` are the habits of the stream of refused tokens."""

    durability: Durability
    seconds: float
    records: int
    habits: Habits
    refused: Habits
    rate: float
    burst: int
    anchoring: Anchoring | None
    tidying: Rules
    fields: Mapping[str, How]
    fields_key: KeySource | None
    if_unavailable: IfUnavailable | AuditSink
    monotonic: Clock
    clock: Clock


_DEFAULTS: Final[Mapping[str, float]] = {
    "batch_seconds": 1,
    "batch_records": 10_000,
    "checkpoint_records": 1000,
    "checkpoint_seconds": 60,
    "rotate_bytes": 256 * MIB,
    "refused_rate": 50,
    "refused_burst": 200,
    "refused_bytes": 16 * MIB,
    "refused_total": 512 * MIB,
}


def settings(**arguments: Unpack[Arguments]) -> Settings:
    """Check the arguments; `PolicyError` for one that is not known or cannot be used."""
    for name in arguments:
        if name not in Arguments.__annotations__:
            raise PolicyError(f"an audit log has no option `{name}`{did_you_mean(name, Arguments.__annotations__)}")
    given: dict[str, Any] = {**arguments}
    limit = {name: _above_zero(name, given.get(name, default)) for name, default in _DEFAULTS.items()}
    habits = _habits(given, limit)
    return Settings(
        durability=_durability(given.get("durability", "batched")),
        seconds=limit["batch_seconds"],
        records=math.ceil(limit["batch_records"]),
        habits=habits,
        refused=_refused(habits, limit),
        rate=limit["refused_rate"],
        burst=math.ceil(limit["refused_burst"]),
        anchoring=Anchoring(given["anchor"]) if given.get("anchor") is not None else None,
        tidying=_tidying(given),
        fields=given.get("fields") or {},
        fields_key=given.get("fields_key"),
        if_unavailable=_if_unavailable(given.get("if_unavailable", "refuse")),
        monotonic=given.get("monotonic", time.monotonic),
        clock=habits.clock,
    )


def _habits(given: Mapping[str, Any], limit: Mapping[str, float]) -> Habits:
    key = given.get("seal")
    return Habits(
        durability=given.get("durability", "batched"),
        file_bytes=math.ceil(limit["rotate_bytes"]),
        daily=given.get("rotate_daily", True),
        checkpoint_lines=math.ceil(limit["checkpoint_records"]),
        checkpoint_seconds=limit["checkpoint_seconds"],
        sealer=sealer(key) if key is not None else None,
        clock=given.get("clock", time.time),
    )


def _tidying(given: Mapping[str, Any]) -> Rules:
    key = given.get("seal")
    return Rules(
        compress=given.get("compress", False),
        keep_days=_kept("keep_days", given.get("keep_days")),
        keep_bytes=_whole(_kept("keep_bytes", given.get("keep_bytes"))),
        checker=checker([key]) if key is not None else None,
    )


def _refused(habits: Habits, limit: Mapping[str, float]) -> Habits:
    """What anybody can fill is bounded, and no disk is waited for."""
    return Habits(
        durability="best-effort",
        file_bytes=math.ceil(limit["refused_bytes"]),
        own_files=2,
        total_bytes=math.ceil(limit["refused_total"]),
        sealer=habits.sealer,
        clock=habits.clock,
    )


def _durability(given: Durability) -> Durability:
    if given not in get_args(Durability):
        known = ", ".join(f"`{each}`" for each in get_args(Durability))
        raise PolicyError(f"`{given}` is no durability of an audit log; say one of {known}")
    return given


def _if_unavailable(given: Any) -> IfUnavailable | AuditSink:
    if isinstance(given, str) and given not in get_args(IfUnavailable):
        raise PolicyError(f'`if_unavailable` is "refuse", "go-on" or a sink such as StdoutSink(), not "{given}"')
    if not isinstance(given, str) and not callable(getattr(given, "write", None)):
        raise PolicyError('`if_unavailable` is "refuse", "go-on" or a sink such as StdoutSink()')
    found: IfUnavailable | AuditSink = given
    return found


def _kept(name: str, value: float | None) -> float | None:
    return None if value is None else _above_zero(name, value)


def _whole(value: float | None) -> int | None:
    return None if value is None else math.ceil(value)


def _above_zero(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise PolicyError(f"`{name}` of an audit log must be above 0, not {value}")
    return value
