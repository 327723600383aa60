"""Applications whose keys are fetched: by their guards, their health, their processes, and under load."""

import gc
import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from policy import Guard, Policy, PolicyError, TokenVerifier
from policy.audit import records
from policy.errors import KeysUnavailable
from policy.flask import Authorizer, requires
from policy.tokens.remote.http import Client, FetchFailed
from tests.remote.authority import Authority
from tests.remote.provider import Provider


class Service:
    """A Flask application that trusts one provider."""

    def __init__(self, provider: Provider, root: Path, **keys: Any) -> None:
        self.provider, self.root = provider, root
        self.app = Flask("shop", static_folder=None)
        self.authz = Authorizer(
            self.app, policy=provider.policy(root / "policies", **keys), audit=root / "audit", reload=3600
        )
        self.app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
        self.authz.seal()
        self.live = self.app.extensions["policy"].live

    def ask(self, kid: str | None = "first", **claims: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.provider.token(kid, **claims)}"}
        answer = self.app.test_client().get("/read", headers=headers)
        return answer.status_code, answer.text if answer.status_code == 200 else json.loads(answer.data)["reason"]


def test_a_token_of_a_provider_over_the_network_is_good(provider: Provider, tmp_path: Path) -> None:
    """Real HTTP, real signatures; a rotated key too, at once."""
    service = Service(provider, tmp_path)
    assert service.ask() == (200, "the data")
    provider.rotate("second", keep=True)
    assert service.ask("second") == (200, "the data")
    assert service.ask("invented") == (401, "token-key")


def test_an_application_starts_without_its_provider_and_answers_503_until_it_is_there(
    provider: Provider, tmp_path: Path
) -> None:
    """Not 401: the caller's token may be good. The log says why."""
    provider.die()
    service = Service(provider, tmp_path)
    assert service.ask() == (503, "keys-unavailable")
    (record,) = records(tmp_path / "audit")
    assert (record["kind"], record["outcome"], record["reason"]) == ("fault", "deny", "keys-unavailable")
    assert "Connection refused" in record["detail"]


def test_a_guard_says_that_keys_are_unavailable_and_records_it(provider: Provider, tmp_path: Path) -> None:
    """The same without a web framework."""
    rules = Policy.load(provider.policy(tmp_path / "policies"))
    guard = Guard(rules, TokenVerifier(rules), tmp_path / "audit")
    provider.answers["/keys"] = (500, {}, b"-")
    with pytest.raises(KeysUnavailable) as caught:
        guard.check(provider.token("first"), "read:data")
    assert str(caught.value) == f"{provider.jwks_uri}: expected status 200, seen 500"
    (record,) = records(tmp_path / "audit")
    assert (record["id"], record["detail"]) == (caught.value.id, str(caught.value))


def test_stale_keys_are_marked_in_every_record(provider: Provider, tmp_path: Path) -> None:
    """And only as long as they are stale."""
    service = Service(provider, tmp_path)
    service.ask()
    (trusted,) = service.live.guard.verifier.fetched
    clock = trusted.keys._clock
    trusted.keys._clock = lambda: clock() + 601
    provider.die()
    assert service.ask() == (200, "the data")
    trusted.keys._clock = clock
    assert service.ask() == (200, "the data")
    assert [record.get("keys") for record in records(tmp_path / "audit")] == [None, "stale", None]


def test_a_new_policy_goes_on_with_the_keys_that_are_there(provider: Provider, tmp_path: Path) -> None:
    """A reload while the provider is down is no outage."""
    service = Service(provider, tmp_path)
    service.ask()
    provider.die()
    document = json.loads((tmp_path / "policies" / "policy.json").read_text("utf-8"))
    document["permissions"]["read:data"] = "Read more"
    (tmp_path / "policies" / "policy.json").write_text(json.dumps(document), encoding="utf-8")
    before = service.live.guard.rules.digest
    service.live.look()
    service.live.look()
    assert service.live.guard.rules.digest != before
    assert service.ask() == (200, "the data")


def test_a_new_policy_that_names_another_address_does_not(provider: Provider, tmp_path: Path) -> None:
    """What was fetched from elsewhere is not what it means."""
    service = Service(provider, tmp_path)
    service.ask()
    provider.policy(tmp_path / "policies", jwks_uri=f"{provider.origin}/other", loopback_http=True)
    provider.answers["/other"] = (404, {}, b"-")
    service.live.look()
    service.live.look()
    assert service.ask() == (503, "keys-unavailable")


def test_keys_are_checked_over_tls_with_the_authority_that_is_given(tmp_path: Path) -> None:
    """A certificate that the given authority has signed is good; the system trusts neither."""
    authority = Authority(tmp_path)
    provider = Provider(tls=authority.server_context("localhost"))
    Path(tmp_path / "policies").mkdir()
    authority.write(tmp_path / "policies" / "ca.pem")
    trusting = Service(provider, tmp_path, jwks_uri=provider.jwks_uri, ca_file="ca.pem")
    assert trusting.ask() == (200, "the data")
    other = Service(provider, tmp_path / "other", jwks_uri=provider.jwks_uri)
    assert other.ask() == (503, "keys-unavailable")
    (record,) = records(tmp_path / "other" / "audit")
    assert "certificate verify failed" in record["detail"]
    provider.die()


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    """However good its signature."""
    authority = Authority(tmp_path)
    provider = Provider(tls=authority.server_context("elsewhere.example"))
    authority.write(tmp_path / "ca.pem")
    with pytest.raises(FetchFailed, match="Hostname mismatch"):
        Client(str(tmp_path / "ca.pem")).get(provider.jwks_uri)
    provider.die()


def test_an_authority_file_that_is_not_there_stops_the_start(provider: Provider, tmp_path: Path) -> None:
    """As every key that cannot be read does."""
    rules = Policy.load(provider.policy(tmp_path, jwks_uri=provider.jwks_uri, loopback_http=True, ca_file="no.pem"))
    with pytest.raises(PolicyError) as caught:
        TokenVerifier(rules)
    assert str(caught.value) == (
        f'issuers["{provider.issuer}"].keys.ca_file: `{tmp_path}/no.pem` cannot be read: No such file or directory'
    )


def test_a_provider_that_never_finishes_is_given_up(provider: Provider) -> None:
    """Within the limit that is set, whatever trickles in."""
    provider.hold = threading.Event()
    with pytest.raises(FetchFailed, match="ReadTimeoutError"):
        Client(seconds=0.1).get(provider.jwks_uri)
    provider.hold.set()


def test_rotations_under_load_refuse_nobody(provider: Provider, tmp_path: Path) -> None:
    """Eight threads, a new key every few tokens, each asked for at once; nothing but 200 comes of it."""
    service = Service(provider, tmp_path)
    (trusted,) = service.live.guard.verifier.fetched
    seen: list[tuple[int, Any]] = []
    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            trusted.keys._new_kid_at = float("-inf")  # as if ten seconds had gone by
            provider.rotate(f"key-{number}", keep=True)
            asked = [pool.submit(service.ask, f"key-{number}") for _ in range(24)]
            seen += [each.result() for each in asked]
    assert set(seen) == {(200, "the data")}
    assert provider.asked["/keys"] <= 11


def _in_child(ask: Callable[[], tuple[int, Any]], results: Any) -> None:
    results.put((ask(), [thread.name for thread in threading.enumerate()]))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_goes_on_by_itself(provider: Provider, tmp_path: Path) -> None:
    """With the keys it has, and a thread of its own to refresh them; so `gunicorn --preload` works."""
    service = Service(provider, tmp_path)
    service.ask()
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    (trusted,) = service.live.guard.verifier.fetched
    trusted.keys._lock.acquire()  # as another thread may hold it at the moment of the fork
    child = context.Process(target=_in_child, args=(service.ask, results))
    child.start()
    trusted.keys._lock.release()
    answer, threads = results.get(timeout=30)
    child.join()
    assert answer == (200, "the data")
    assert threads.count("policy-keys") == 1


def test_a_token_without_a_kid_needs_the_only_key(provider: Provider, tmp_path: Path) -> None:
    """With two keys nothing is tried out."""
    service = Service(provider, tmp_path)
    assert service.ask(None) == (200, "the data")
    provider.rotate("second", keep=True)
    assert service.ask("second") == (200, "the data")
    assert service.ask(None) == (401, "token-key")


def test_nobody_refreshes_keys_that_nobody_has(provider: Provider, tmp_path: Path) -> None:
    """The thread ends with them, and not when it would have fetched again."""
    rules = Policy.load(provider.policy(tmp_path / "policies"))
    before = threading.enumerate()
    verifier = TokenVerifier(rules)
    verifier.verify(provider.token("first"), now=time.time())
    (refreshing,) = [each for each in threading.enumerate() if each not in before and each.name == "policy-keys"]
    del verifier
    gc.collect()
    refreshing.join(10)
    assert not refreshing.is_alive()
