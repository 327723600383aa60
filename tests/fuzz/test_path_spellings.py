"""Every spelling of a path decides alike: it is the view that would run that is asked about, not the text."""

from collections.abc import Iterator
from itertools import product
from random import Random

import pytest

from tests.fuzz.spellings import SECRET, Raw, Served, application
from tests.issuing import VIEWER, bearer

PATHS = (b"/admin", b"/admin/", b"/api/data", b"/api/data/7", b"/files/a/b")
JOINS = (b"//", b"/./", b"/%2e/", b"/x/../", b"/x/%2e%2e/", b"/health/../", b"%2f", b"%2F", b"%5c", b"\\", b"/;/")
ENDS = (
    b";a=b", b";", b";/..", b"?", b"?a=/health", b"#a", b"%00", b"%20", b"%09", b"%0a", b"%0d%0a", b".json", b".",
    b"%2e", b"/%2e%2e/health", b"/../health", b"%3Fa", b"%23", b"%c0%af", b"%ff", b"%", b"%2", b"\xe9",
)  # fmt: skip
GOOD = b"Authorization: " + bearer(**VIEWER)["Authorization"].encode()
OTHERS = b"Authorization: " + bearer(roles=["payer"])["Authorization"].encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(application(tmp_path_factory.mktemp("spellings"))) as served:
        yield served


def encoded(path: bytes, *, slashes: bool, times: int = 1, lower: bool = False) -> bytes:
    """Every letter percent-encoded, the slashes too or not, so many times."""
    for _ in range(times):
        made = b"".join(b"/" if byte == ord("/") and not slashes else b"%%%02X" % byte for byte in path)
        path = made.lower() if lower else made
    return path


def spellings(path: bytes) -> Iterator[bytes]:
    """The path in other words, some of which servers and proxies take for the same."""
    parts = path.split(b"/")[1:]
    yield from (path, path + b"/", path.rstrip(b"/") or b"/", path + b"//", path + b"/.", path + b"/..", b"/" + path)
    yield from (encoded(path, slashes=each, lower=low) for each, low in product((True, False), repeat=2))
    yield from (encoded(path, slashes=False, times=times) for times in (2, 3))
    yield from (path.upper(), path.title(), path.swapcase(), path.replace(b"a", b"A", 1))
    for join in (
        b"//",
        b"/./",
        b"/%2e/",
        b"/x/../",
        b"/x/%2e%2e/",
        b"/health/../",
        b"%2f",
        b"%2F",
        b"%5c",
        b"\\",
        b"/;/",
    ):
        yield join + join.join(parts) if join[:1] in b"/%\\" else b"/" + join.join(parts)
        yield b"/" + join.join(parts)
    for end in ENDS:
        yield path + end
        yield b"/" + b"/".join([parts[0] + end, *parts[1:]])
    yield from (b"/health" + start + path for start in (b"/..", b";/..", b"/%2e%2e", b"%2f..", b"\\..", b"/../.", b"?"))
    yield from (b"http://127.0.0.1" + path, b"http://other.example" + path, path[1:], b"*", b"//127.0.0.1" + path)


def mixed(path: bytes, number: int) -> Iterator[bytes]:
    """Spellings of spellings, by chance."""
    random = Random(path)
    known = [each for each in spellings(path) if each[:1] == b"/"]
    for _ in range(number):
        made = random.choice(list(spellings(random.choice(known)))) if random.random() < 0.5 else random.choice(known)
        at = random.randrange(len(made))
        yield made[:at] + encoded(made[at : at + 1], slashes=True) + made[at + 1 :]


ALL = sorted({each for path in PATHS for each in (*spellings(path), *mixed(path, 10))})


def is_shut(answer: Raw) -> bool:
    """Nobody's data; what is answered otherwise is not there, moved, malformed, or open to all."""
    return SECRET not in answer.body and (not 200 <= answer.status < 300 or answer.body == "well")


def test_cve_2020_25032_every_spelling_of_a_path_decides_alike(served: Served) -> None:
    """Where the right token reaches the data by a spelling, none and another's get the answer of the plain one."""
    reached, open_to_all = set(), []
    for target in ALL:
        nobody, stranger, viewer = (served.ask(target, *headers) for headers in ((), (OTHERS,), (GOOD,)))
        if not (is_shut(nobody) and is_shut(stranger)):
            open_to_all.append(target)
        if viewer.body == SECRET:
            reached.add(target)
            assert (nobody.status, stranger.status) == (401, 403), target
    assert open_to_all == []
    assert set(PATHS) < reached


@pytest.mark.parametrize("method", [b"HEAD", b"POST", b"get", b"GeT", b"TRACE", b"PROPFIND", b"X"])
def test_no_spelling_of_a_method_reaches_the_data(served: Served, method: bytes) -> None:
    """`HEAD` is asked like `GET`; what is no method of the view gets no further."""
    for path in PATHS:
        answer = served.ask(path, method=method)
        assert is_shut(answer), path
        assert answer.status == (401 if method == b"HEAD" else answer.status)


@pytest.mark.parametrize(
    "header",
    [b"X-Original-URL: /health", b"X-Rewrite-URL: /health", b"X-Forwarded-Prefix: /health", b"X-User: admin",
     b"X-HTTP-Method-Override: HEAD", b"X-Forwarded-Host: other.example", b"X-Forwarded-For: 127.0.0.1",
     b"Forwarded: for=127.0.0.1", b"Script-Name: /admin", b"Path-Info: /health"],
)  # fmt: skip
def test_no_header_says_that_another_path_is_meant(served: Served, header: bytes) -> None:
    """Proxies write such headers, and so can anybody."""
    assert [served.ask(path, header).status for path in PATHS] == [401] * len(PATHS)
