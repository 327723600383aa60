"""Identifying fields of a record before they are written: masked, hashed with a key, dropped, or kept erasable."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from policy.audit.chain import Sealer
from policy.audit.erasable import Values
from policy.audit.seals import HS256, KeySource, sealer
from policy.errors import PolicyError
from policy.nearest import did_you_mean

How = Literal["mask", "hash", "drop", "erasable"]
#: What identifies somebody and decides nothing. Roles, scopes and tenants decide, so a record always has them.
FIELDS: Final = ("subject.id", "subject.client", "token", "request_id", "trace_id", "detail")
MASK: Final = "masked"
_DONE: Final[Mapping[How, str]] = MappingProxyType(
    {"mask": "masked", "hash": "hashed", "drop": "dropped", "erasable": "erasable"}
)


class Treating:
    """What was declared for each field. A value stays a text, or is null where it was dropped.

    `key` is for hashes: HMAC-SHA256, so nobody without it can try names until one fits.
    """

    def __init__(self, fields: Mapping[str, How], key: KeySource | None, values: Values) -> None:
        self._fields: Final = {_known(field): _how(field, how) for field, how in fields.items()}
        self._seal: Final = _secret(self._fields, key)
        self._values: Final = values
        self.treated: Final[Mapping[str, str]] = MappingProxyType(
            {field: _DONE[how] for field, how in sorted(self._fields.items())}
        )

    @property
    def treated_unknown(self) -> Mapping[str, str]:
        """The same of records that anybody at all can bring about: nothing that is erasable is kept for those."""
        return {field: "masked" if done == "erasable" else done for field, done in self.treated.items()}

    @property
    def epoch(self) -> int:
        """Changes when a value was erased, for what stood for it may not be written any more."""
        return self._values.epoch if "erasable" in self._fields.values() else 0

    def apply(self, field: str, value: str) -> str | None:
        """What is written in place of the value; `OSError` where an erasable one cannot be kept."""
        how = self._fields.get(field)
        if how is None or not value:
            return value
        if how == "drop":
            return None
        if how == "mask":
            return MASK
        return self._values.keep(field, value) if how == "erasable" else hashed(self._seal, field, value)

    def apply_to_unknown(self, field: str, value: str) -> str | None:
        """What is written in place of a value that anybody at all may have sent."""
        return MASK if self._fields.get(field) == "erasable" and value else self.apply(field, value)


def hashed(seal: Sealer | None, field: str, value: str) -> str:
    """What stands for a value of a field that is hashed with this key."""
    if seal is None:
        raise PolicyError(f"`{field}` is hashed, and there is no key; give `fields_key`")
    return f"hmac:{seal.mac(f'{field}={value}'.encode('utf-8', 'surrogatepass'))}"


def _known(field: str) -> str:
    if field not in FIELDS:
        known = ", ".join(f"`{each}`" for each in FIELDS)
        raise PolicyError(
            f"no field `{field}` of a record can be treated{did_you_mean(field, FIELDS)}; these can: {known}"
        )
    return field


def _how(field: str, how: How) -> How:
    if how not in get_args(How):
        raise PolicyError(f"`{field}` cannot be treated by `{how}`; say mask, hash, drop or erasable")
    return how


def _secret(fields: Mapping[str, How], key: KeySource | None) -> Sealer | None:
    if "hash" not in fields.values():
        return None
    if key is None:
        raise PolicyError("a field is to be hashed, and there is no key; give `fields_key`, such as {'env': 'NAME'}")
    found = sealer(key)
    if found.algorithm != HS256:
        raise PolicyError("fields are hashed with a secret, not with a key that signs; give `fields_key` random bytes")
    return found
