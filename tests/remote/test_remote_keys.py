"""Keys that are fetched over real HTTP from a provider that does what providers do, on a clock that the test moves."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from policy import Policy, TokenRefused
from policy.errors import KeysUnavailable
from policy.tokens.remote.http import Client
from policy.tokens.remote.keys import LOST_AT_MOST, NEW_KID_EVERY, RemoteKeys
from policy.tokens.remote.source import fetcher
from tests.remote.provider import Provider


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Keys:
    """Fetched keys of a provider, with nothing running beside the test."""

    def __init__(self, provider: Provider, folder: Path, *, max_stale: float = 3600, seconds: float = 5, **keys: Any):
        issuer = Policy.load(provider.policy(folder, **keys)).issuers[provider.issuer]
        self.clock = Clock()
        client = Client(issuer.keys.ca_file, seconds=seconds)
        self.keys = RemoteKeys(fetcher(issuer, client.get), max_stale=max_stale, clock=self.clock)
        self.keys._refreshing = threading.Event()

    def find(self, kid: str) -> str | None:
        return self.keys.find("ES256", kid).kid


@pytest.fixture
def make(provider: Provider, tmp_path: Path) -> Callable[..., Keys]:
    return lambda **options: Keys(provider, tmp_path / "policies", **options)


def refused(keys: Keys, kid: str) -> str:
    with pytest.raises(TokenRefused) as caught:
        keys.find(kid)
    return str(caught.value)


def unavailable(keys: Keys, kid: str = "first") -> str:
    with pytest.raises(KeysUnavailable) as caught:
        keys.find(kid)
    return str(caught.value)


def test_keys_are_fetched_at_their_first_use_and_not_again(provider: Provider, make: Callable[..., Keys]) -> None:
    """Neither when the policy is loaded, nor for the second token."""
    keys = make()
    assert provider.asked == {}
    assert [keys.find("first"), keys.find("first")] == ["first", "first"]
    assert provider.asked == {"/keys": 1}


def test_the_address_of_the_keys_is_discovered(provider: Provider, make: Callable[..., Keys]) -> None:
    """OpenID Connect Discovery 1.0: the metadata stands under the issuer's name."""
    keys = make(discovery=True, loopback_http=True)
    assert keys.find("first") == "first"
    assert provider.asked == {"/.well-known/openid-configuration": 1, "/keys": 1}


def test_metadata_of_oauth_is_found_too(tmp_path: Path) -> None:
    """RFC 8414 puts the well-known part before the issuer's path."""
    provider = Provider(path="/tenant")
    provider.answers["/tenant/.well-known/openid-configuration"] = (404, {}, b"no")
    assert Keys(provider, tmp_path, discovery=True, loopback_http=True).find("first") == "first"
    assert list(provider.asked) == [
        "/tenant/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/tenant",
        "/keys",
    ]
    provider.die()


def test_a_new_kid_is_fetched_at_once(provider: Provider, make: Callable[..., Keys]) -> None:
    """Also when the keys have been fetched just before."""
    keys = make()
    keys.find("first")
    provider.rotate("second", keep=True)
    assert keys.find("second") == "second"
    assert keys.find("first") == "first"
    assert provider.asked == {"/keys": 2}


def test_cve_2026_48524_ten_thousand_invented_kids_cause_one_fetch_an_interval(
    provider: Provider, make: Callable[..., Keys]
) -> None:
    """And are refused without waiting."""
    keys = make()
    keys.find("first")
    for number in range(10_000):
        assert refused(keys, f"invented-{number}").startswith("token-key: ")
    assert provider.asked == {"/keys": 2}
    keys.clock.now += NEW_KID_EVERY
    refused(keys, "invented")
    refused(keys, "invented-again")
    assert provider.asked == {"/keys": 3}


def test_invented_kids_do_not_keep_a_new_key_out(provider: Provider, make: Callable[..., Keys]) -> None:
    """Whoever asks next, once the interval is over, brings it for everybody."""
    keys = make()
    keys.find("first")
    refused(keys, "invented")
    provider.rotate("second", keep=True)
    refused(keys, "second")
    keys.clock.now += NEW_KID_EVERY
    refused(keys, "invented")
    assert keys.find("second") == "second"


def test_keys_are_refreshed_ahead_of_their_expiry(provider: Provider, make: Callable[..., Keys]) -> None:
    """After four fifths of the time for which the provider calls them fresh."""
    provider.answers["/keys"] = (200, {"Cache-Control": "public, max-age=1000"}, b"")
    keys = make()
    keys.find("first")
    assert keys.keys.seconds_to_refresh() == 800
    keys.clock.now += 799
    keys.keys.refresh_if_due()
    assert provider.asked == {"/keys": 1}
    keys.clock.now += 1
    keys.keys.refresh_if_due()
    assert provider.asked == {"/keys": 2}
    assert keys.keys.is_stale is False


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("max-age=1", 60), ("max-age=99999999", 3600), ("no-store", 60), ("private", 600), ("max-age=x", 600)],
)
def test_freshness_is_kept_within_bounds(
    provider: Provider, make: Callable[..., Keys], said: str, seconds: float
) -> None:
    """From a minute to an hour, and ten minutes where nothing is said."""
    provider.answers["/keys"] = (200, {"Cache-Control": said}, b"")
    keys = make()
    keys.find("first")
    assert keys.keys.seconds_to_refresh() == seconds * 0.8


def test_a_withdrawn_key_is_gone_after_the_refresh(provider: Provider, make: Callable[..., Keys]) -> None:
    """Its tokens are refused from then on."""
    keys = make()
    keys.find("first")
    provider.rotate("second")
    keys.clock.now += 600
    keys.keys.refresh_if_due()
    assert refused(keys, "first") == (
        'token-key: no key of the issuer fits the token (expected `kid` "second" for `ES256`, seen "first")'
    )


def test_the_generation_changes_with_the_keys_only(provider: Provider, make: Callable[..., Keys]) -> None:
    """Fetching the same again is no change."""
    keys = make()
    keys.find("first")
    first = keys.keys.generation
    keys.clock.now += 600
    keys.keys.refresh_if_due()
    assert (provider.asked["/keys"], keys.keys.generation) == (2, first)
    provider.rotate("second", keep=True)
    keys.find("second")
    assert keys.keys.generation == first + 1


def test_stale_keys_serve_while_the_provider_is_down_and_no_longer_than_said(
    provider: Provider, make: Callable[..., Keys]
) -> None:
    """They are called stale meanwhile; past the bound nothing is decided."""
    keys = make(max_stale=3600)
    keys.find("first")
    provider.answers["/keys"] = (503, {}, b"down")
    keys.clock.now += 600
    keys.keys.refresh_if_due()
    assert (keys.find("first"), keys.keys.is_stale) == ("first", True)
    keys.clock.now += 3599
    assert keys.find("first") == "first"
    keys.clock.now += 1
    assert unavailable(keys) == f"{provider.jwks_uri}: expected status 200, seen 503"
    del provider.answers["/keys"]
    keys.clock.now += 30
    assert (keys.find("first"), keys.keys.is_stale) == ("first", False)


def test_a_new_kid_cannot_be_judged_while_the_provider_is_down(provider: Provider, make: Callable[..., Keys]) -> None:
    """It may be genuine: that is no 401."""
    keys = make()
    keys.find("first")
    provider.answers["/keys"] = (500, {}, b"down")
    assert unavailable(keys, "second") == f"{provider.jwks_uri}: expected status 200, seen 500"
    assert unavailable(keys, "third") == f"{provider.jwks_uri}: expected status 200, seen 500"
    assert keys.find("first") == "first"
    assert provider.asked == {"/keys": 2}


def test_a_provider_that_was_never_there_is_not_asked_for_each_token(
    provider: Provider, make: Callable[..., Keys]
) -> None:
    """One failed fetch stands for a second, then for longer."""
    provider.answers["/keys"] = (500, {}, b"down")
    keys = make()
    for _ in range(100):
        unavailable(keys)
    assert provider.asked == {"/keys": 1}
    for passed, asked in ((1, 2), (1, 2), (1, 3), (4, 3), (1, 4)):
        keys.clock.now += passed
        unavailable(keys)
        assert provider.asked == {"/keys": asked}


def test_a_provider_that_dies_and_comes_back(provider: Provider, make: Callable[..., Keys], tmp_path: Path) -> None:
    """Nothing listens; then the same address answers again."""
    keys = make()
    keys.find("first")
    provider.die()
    keys.clock.now += 600
    keys.keys.refresh_if_due()
    assert (keys.find("first"), keys.keys.is_stale) == ("first", True)
    assert "Connection refused" in keys.keys.failure
    back = provider.again()
    keys.clock.now += 30
    keys.keys.refresh_if_due()
    assert (keys.find("first"), keys.keys.is_stale, keys.keys.failure) == ("first", False, "")
    back.die()


def test_one_fetch_serves_all_who_wait(provider: Provider, make: Callable[..., Keys]) -> None:
    """Forty threads with the first token, a provider that takes its time, one request."""
    provider.hold = threading.Event()
    keys = make()
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(keys.find, "first") for _ in range(40)]
        while provider.asked["/keys"] == 0:
            threading.Event().wait(0.001)
        provider.hold.set()
        assert {each.result() for each in waiting} == {"first"}
    assert provider.asked == {"/keys": 1}


def test_known_tokens_do_not_wait_for_a_provider_that_stalls(provider: Provider, make: Callable[..., Keys]) -> None:
    """A refresh that hangs is nobody's business."""
    keys = make()
    keys.find("first")
    provider.hold = threading.Event()
    keys.clock.now += 600
    refreshing = threading.Thread(target=keys.keys.refresh_if_due)
    refreshing.start()
    while provider.asked["/keys"] < 2:
        threading.Event().wait(0.001)
    assert keys.find("first") == "first"
    provider.hold.set()
    refreshing.join()


LIES: dict[str, tuple[tuple[int, dict[str, str], bytes], str]] = {
    "a redirect": (
        (302, {"Location": "http://127.0.0.1:1/keys"}, b"-"),
        "expected status 200, seen 302, and redirects are not followed",
    ),
    "a redirect to a file": (
        (301, {"Location": "file:///etc/passwd"}, b"-"),
        "expected status 200, seen 301, and redirects are not followed",
    ),
    "nothing": ((204, {}, b"-"), "expected status 200, seen 204"),
    "a page": ((200, {}, b"<html>"), 'a JWK Set `{"keys": [...]}` is expected: it is not JSON at character 0'),
    "compressed": ((200, {"Content-Encoding": "gzip"}, b"-"), "expected no content encoding, seen `gzip`"),
    "too much": ((200, {}, b" " * 600_000), "expected at most 524288 bytes, seen more"),
    "no keys": ((200, {}, b'{"keys": []}'), "no key in it is for `ES256`"),
    "two of a name": ((200, {}, b'{"keys": [], "keys": []}'), "it is no strict JSON object: a member is named twice"),
}


@pytest.mark.parametrize("lie", LIES)
def test_cve_2026_48522_what_is_no_key_set_is_not_taken(
    provider: Provider, make: Callable[..., Keys], lie: str
) -> None:
    """And leaves the keys that are there alone."""
    answer, said = LIES[lie]
    keys = make()
    keys.find("first")
    provider.answers["/keys"] = answer
    keys.clock.now += 600
    keys.keys.refresh_if_due()
    assert keys.keys.failure == f"{provider.jwks_uri}: {said}"
    assert keys.find("first") == "first"
    assert provider.asked == {"/keys": 2}


def test_fetches_that_never_end_are_bounded(provider: Provider, make: Callable[..., Keys]) -> None:
    """A provider that holds every answer back holds no more than a few threads."""
    provider.hold = threading.Event()
    keys = make(seconds=30)
    for _ in range(20):
        with keys.keys._lock:
            keys.keys._start()  # as if the one before had been given up
    waiting = [thread for thread in keys.keys._landing if thread.is_alive()]
    assert len(waiting) == LOST_AT_MOST
    provider.hold.set()
    for thread in waiting:
        thread.join(30)
    with keys.keys._lock:
        keys.keys._start().done.wait(0)
    assert keys.find("first") == "first"
