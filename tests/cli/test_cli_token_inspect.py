"""`policy token inspect` takes tokens apart, and never prints one."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import HOME, NOW, PARTNER, Program

Issue = Callable[..., str]
INSPECTED = """\
refused token-expired: the token has expired

header
  alg  "HS256"
  typ  "JWT"

payload
  iss    "https://partner.example.com/"
  sub    "alice"
  ctx    {"for": "api"}
  realm  {"roles": {"viewer": {}}}
  idp    "dev"
  iat    1800000000  (2027-01-15T08:00:00Z)
  exp    1800000060  (2027-01-15T08:01:00Z)

checks of https://partner.example.com/
  size                passed
  ascii               passed
  parts               passed
  header              passed
  critical            passed
  key in header       passed
  header texts        passed
  payload             passed
  signature encoding  passed
  issuer              passed
  algorithm           passed
  key                 passed
  signature           passed
  type                passed
  expiry              failed       token-expired: `exp` was 40 s ago, the leeway is 30 s
  not before          passed
  issued at           passed
  audience            passed
  required claims     passed
  issuer's name       passed
  access token        passed
  subject             passed
  confirmation        passed
  claims              not reached
"""


def test_every_check_of_a_refused_token_is_told(program: Program, token: Issue) -> None:
    """Expected and seen stand beside the check that failed; claims of a refused token make no subject."""
    text = token("--issuer", PARTNER, "--roles", "viewer", "--expires-in", "60")
    assert program("token", "inspect", "--now", str(NOW + 100), stdin=text) == (1, INSPECTED, "")


def test_an_accepted_token_shows_its_subject(program: Program, token: Issue) -> None:
    """The last section is what the policy makes of the claims."""
    text = token("--issuer", PARTNER, "--roles", "trainee,viewer", "--tenant", "acme", "--scope", "openid")
    Path("t").write_text(text)
    ran = program("token", "inspect", "--now", str(NOW), "t")
    assert ran.status == 0
    assert ran.out.startswith("accepted\n\nheader\n")
    assert ran.out.endswith(
        "\nsubject\n"
        "  who              user `p|alice` of `https://partner.example.com/`, tenant `acme`\n"
        "  roles by tenant  viewer in acme\n"
        "  scopes           openid\n"
        "  not asserted     role trainee\n"
    )


def test_roles_of_an_assignment_are_told_apart(program: Program, token: Issue) -> None:
    """They come from the policy, not from the token."""
    text = token("--claim", 'sub="carol"')
    ran = program("token", "inspect", "--now", str(NOW), stdin=text)
    assert ran.out.endswith("\n  who             user `carol` of `https://id.example.com/`\n  assigned roles  viewer\n")


def test_json_has_every_check_and_nothing_that_can_be_used(program: Program, token: Issue) -> None:
    """No part of the signature is in the output, whatever is printed."""
    text = token("--scope", "read:data")
    ran = program("token", "inspect", "--json", "--now", str(NOW), "-", stdin=text)
    found = json.loads(ran.out)
    assert ran.status == 0
    assert list(found) == [
        "accepted",
        "reason",
        "detail",
        "issuer",
        "assumed",
        "header",
        "payload",
        "checks",
        "subject",
    ]
    assert (found["accepted"], found["reason"], found["subject"]["scopes"]) == (True, None, ["read:data"])
    assert found["checks"][-1] == {"name": "claims", "verdict": "passed", "reason": None, "detail": ""}
    assert text.rsplit(".", 1)[1][:16] not in ran.out


def test_a_claim_of_the_wrong_type_fails_the_last_check(program: Program, folder: Path) -> None:
    """The step from claims to subject is a check like the others."""
    args = ("--issuer", HOME, "--subject", "alice", "--now", str(NOW), "--claim", "scope=1")
    text = program("token", "issue", *args).out
    ran = program("token", "inspect", "--now", str(NOW), stdin=text)
    assert ran.status == 1
    assert ran.out.startswith("refused token-claim-type: a claim has the wrong type\n")
    assert ran.out.splitlines()[-1].startswith("  claims              failed  token-claim-type: claim `scope` must be")


def test_what_is_no_token_at_all_is_refused_politely(program: Program, folder: Path) -> None:
    """Even then every check has a line."""
    ran = program("token", "inspect", stdin="nonsense")
    assert ran.status == 1
    assert "\nheader\n  cannot be read\n" in ran.out
    assert "\nchecks\n" in ran.out
    assert "  parts               failed       token-parts: expected 3 parts, seen 1\n" in ran.out


def test_a_token_of_a_mistyped_issuer_is_checked_as_if(program: Program, folder: Path) -> None:
    """A trailing slash too few is named, and the rest is checked all the same."""
    args = ("--issuer", HOME, "--subject", "alice", "--now", str(NOW), "--claim", 'iss="https://id.example.com"')
    ran = program("token", "inspect", "--now", str(NOW), stdin=program("token", "issue", *args).out)
    assert ran.status == 1
    assert f"\nchecks, as if it were of {HOME}\n" in ran.out
    assert "only by a trailing slash" in ran.out


def test_a_token_given_as_an_argument_is_never_repeated(program: Program, token: Issue) -> None:
    """A message about it would put it into a terminal's scrollback or a log."""
    text = token()
    for args in (("token", "inspect", text), ("can", text), ("audit", "show", text), ("explain", text), (text,)):
        ran = program(*args)
        assert ran.status == 2
        assert text.rsplit(".", 1)[1] not in ran.out + ran.err
    ran = program("can", "--authority", "roles", "--subject", text, "read:data")
    assert "User `<token>` asks" in ran.out
    host = "eyewitnesses.api.example.com"
    assert f"User `{host}` asks" in program("can", "--authority", "roles", "--subject", host, "read:data").out


def test_a_token_inside_a_claim_is_left_out(program: Program, token: Issue) -> None:
    """A token may carry another one."""
    inner = token()
    outer = token("--claim", f'inner="{inner}"')
    for more in ((), ("--json",)):
        out = program("token", "inspect", "--now", str(NOW), *more, stdin=outer).out
        assert inner.rsplit(".", 1)[1][:16] not in out
