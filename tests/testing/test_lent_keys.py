"""Keys are lent to an application for a while: only keys, only to it, and everything is as before afterwards."""

import ast
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from flask import Flask
from werkzeug.serving import make_server

from policy import TokenVerifier
from policy.audit import records
from policy.testing import PolicyIssuer
from policy.tokens.keys import Keys, SecretKeys
from tests.blocks import ROOT
from tests.issuing import ISSUER, VIEWER, bearer
from tests.testing.applications import DONE, READ, application, lent, of_profile, plain, told, write

NOT_SIGNED = (401, "token-key")
"""What the application's own token gets while keys of others are lent: its `kid` is not among them."""


def own(app: Flask) -> tuple[int, str]:
    """What a token gets that the application's real issuer has signed."""
    return told(app.test_client().get("/read", headers=bearer(**VIEWER)))


def test_its_own_keys_do_not_verify_meanwhile_and_do_afterwards(app: Flask) -> None:
    """Also a token that it had accepted just before, and ours is refused as soon as the block ends."""
    assert own(app) == DONE
    with PolicyIssuer() as issuer:
        client = issuer.client(app, **READ)
        assert (own(app), told(client.get("/read"))) == (NOT_SIGNED, DONE)
    assert (own(app), told(client.get("/read"))) == (DONE, NOT_SIGNED)


def test_an_error_in_the_block_gives_the_keys_back(app: Flask) -> None:
    """As a failed test does."""

    def failing() -> None:
        with PolicyIssuer() as issuer:
            lent(app, issuer)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert own(app) == DONE


def test_another_application_is_not_touched(app: Flask, path: Path, policy_issuer: PolicyIssuer) -> None:
    """Not even one with the very same policy, until it is used too."""
    other = application(path, name="other")
    client = policy_issuer.client(app, **READ)
    assert (own(app), own(other)) == (NOT_SIGNED, DONE)
    assert lent(other, policy_issuer) == DONE
    assert (own(other), told(client.get("/read"))) == (NOT_SIGNED, DONE)


def test_inner_blocks_give_back_what_outer_ones_lent(app: Flask, policy_issuer: PolicyIssuer) -> None:
    """The keys go back to the application with the last of them."""
    with PolicyIssuer() as outer:
        client = outer.client(app, **READ)
        with PolicyIssuer() as inner:
            assert lent(app, inner) == DONE
        assert (told(client.get("/read")), own(app)) == (DONE, NOT_SIGNED)
    assert own(app) == DONE


def secret(text: str) -> Any:
    """Keys that nobody else lends."""
    return lambda issuer: SecretKeys(text.encode() * 32, ("HS256",))


def test_the_keys_lent_last_count_and_loans_end_in_any_order(app: Flask) -> None:
    """What is left counts: the one lent before, and at last the application's own."""
    loans, seen = app.extensions["policy"].lent, []

    def key() -> Keys:
        (trusted,) = app.extensions["policy"].guard.verifier._trusted.values()
        found: Keys = trusted.keys
        return found

    before, first, second = key(), ExitStack(), ExitStack()
    for stack, text in ((first, "a"), (second, "b")):
        stack.enter_context(loans.lend(secret(text)))
        seen.append(key())
    first.close()
    assert key() is seen[1]
    second.close()
    assert key() is before
    with loans.lend(secret("a")):
        assert key() not in seen
    assert len({id(each) for each in (before, *seen)}) == 3


def test_an_issuer_is_for_one_block(app: Flask) -> None:
    """Before it and after it no keys are lent, and it cannot be entered twice."""
    issuer = PolicyIssuer()
    with pytest.raises(RuntimeError, match=r"^keys are lent in a block only: write `with PolicyIssuer\(\) as "):
        issuer.token(app)
    with issuer:
        lent(app, issuer)
        with pytest.raises(RuntimeError, match=r"^this issuer is in use already: make another one for an inner block$"):
            issuer.__enter__()
    with pytest.raises(RuntimeError, match=r"^keys are lent in a block only"):
        issuer.token(app)
    assert own(app) == DONE


def edit(path: Path, app: Flask, **sections: Any) -> None:
    """A changed policy, taken at once."""
    write(path, plain(), **sections)
    live = app.extensions["policy"].live
    live.look()
    live.look()


def test_a_policy_loaded_in_the_block_is_decided_by_with_lent_keys(
    app: Flask, path: Path, policy_issuer: PolicyIssuer
) -> None:
    """The tests' tokens stay good, and what they may is what the new policy says."""
    client = policy_issuer.client(app, **READ)
    assert told(client.get("/read")) == DONE
    edit(path, app, roles={"viewer": {"grants": ["update:data"]}})
    assert told(client.get("/read")) == (403, "no-role-grants-it")
    assert (own(app), told(client.get("/update"))) == (NOT_SIGNED, (403, "scope-missing"))


def test_a_policy_loaded_in_the_block_stays_afterwards_with_its_own_keys(app: Flask, path: Path) -> None:
    """Nothing of the block is left but what was on disk."""
    with PolicyIssuer() as issuer:
        lent(app, issuer)
        edit(path, app, roles={"viewer": {"grants": ["update:data"]}})
        digest = app.extensions["policy"].guard.rules.digest
    assert app.extensions["policy"].guard.rules.digest == digest
    assert own(app) == (403, "no-role-grants-it")


def test_a_policy_whose_own_keys_are_broken_is_refused_in_the_block_too(
    app: Flask, path: Path, policy_issuer: PolicyIssuer
) -> None:
    """Lent keys are no excuse: what decides would not decide without them."""
    lent(app, policy_issuer)
    write(path, plain(keys={"jwks_file": "absent.jwks.json"}))
    app.extensions["policy"].live.look()
    app.extensions["policy"].live.look()
    assert app.extensions["policy"].live.standing == "last-good"
    assert lent(app, policy_issuer) == DONE


def test_what_is_revoked_stays_revoked(path: Path, policy_issuer: PolicyIssuer) -> None:
    """Tokens for tests are taken back like any others."""
    revoked = {"revocations": [{"issuer": ISSUER, "subject": "mallory"}, {"issuer": ISSUER, "token": "jti:7"}]}
    (path / "revocations.json").write_text(json.dumps(revoked), encoding="utf-8")
    app = application(path, reload=3600)
    asked: list[Any] = [{}, {"sub": "mallory"}, {"claims": {"jti": "7"}}]
    assert [lent(app, policy_issuer, **each) for each in asked] == [DONE, *[(401, "token-revoked")] * 2]


def test_log_clock_and_memory_stay_the_applications_own(tmp_path: Path, path: Path) -> None:
    """The log holds what was decided; a token is issued by the application's clock; its remembered tokens are kept."""
    now = 2_000_000_000.0
    app = application(path, audit=tmp_path / "audit", clock=lambda: now, reload=None)
    with PolicyIssuer() as issuer:
        assert lent(app, issuer, sub="bob") == DONE
        assert lent(app, issuer, expires_in=-60) == (401, "token-expired")
        guard = app.extensions["policy"].guard
    found = [(each["time"][:4], each["subject"]["id"], each["reason"]) for each in records(tmp_path / "audit")
             if each["outcome"] == "allow"]  # fmt: skip
    assert found == [("2033", "bob", "allowed")]
    assert guard is not app.extensions["policy"].guard
    assert guard.audit is app.extensions["policy"].guard.audit


def test_no_memory_of_tokens_is_shared_with_the_applications_own_verifier(app: Flask) -> None:
    """Whatever memories a verifier has: a token that one accepted is none that the other knows."""
    verifier = app.extensions["policy"].guard.verifier
    other = verifier.with_keys(secret("a"))
    assert type(other) is TokenVerifier
    memories = [name for name, each in vars(verifier).items() if type(each).__name__ == "KnownTokens"]
    assert memories
    for name in memories:
        assert vars(other)[name] is not vars(verifier)[name]
        assert vars(other)[name]._at_most == vars(verifier)[name]._at_most


def test_nothing_is_fetched(tmp_path: Path, policy_issuer: PolicyIssuer) -> None:
    """No thread begins to fetch keys, though the application's own would have to be."""
    before = threading.enumerate()
    app = application(write(tmp_path / "policies", of_profile("keycloak", keys={"discovery": True})))
    assert lent(app, policy_issuer) == DONE
    begun = [each.name for each in threading.enumerate() if each not in before]
    assert not [name for name in begun if name.startswith("policy-keys")]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_threads_of_a_live_server_use_lent_keys(app: Flask) -> None:
    """While other threads ask for tokens, and until the block ends."""
    with PolicyIssuer() as issuer, served(app) as address, ThreadPoolExecutor(8) as threads:

        def ask(number: int) -> str:
            request = Request(f"{address}/me", headers=issuer.headers(app, sub=f"user-{number}"))
            with urlopen(request, timeout=30) as answer:
                found: str = json.load(answer)["id"]
                return found

        answers = list(threads.map(ask, range(64)))
    assert answers == [f"user-{number}" for number in range(64)]
    assert own(app) == DONE


def test_two_applications_at_once_in_threads(app: Flask, path: Path) -> None:
    """Blocks of different threads do not end each other's loans."""
    apps = [app, application(path, name="other")]
    together = threading.Barrier(2)

    def use(which: int) -> list[tuple[int, str]]:
        with PolicyIssuer() as issuer:
            together.wait(10)
            found = [lent(apps[which], issuer) for _ in range(20)]
        return [*found, own(apps[which])]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(use, range(2))) == [[DONE] * 21] * 2


def test_only_the_testing_package_lends_keys() -> None:
    """No other module of the library asks for it, so no document, variable or setting can."""
    callers = {
        (path.relative_to(ROOT).as_posix(), node.func.attr)
        for path in (ROOT / "policy").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("lend", "with_keys")
    }
    assert callers == {
        ("policy/guard.py", "with_keys"),
        ("policy/flask/lending.py", "with_keys"),
        ("policy/testing/issuer.py", "with_keys"),
        ("policy/testing/issuer.py", "lend"),
    }
