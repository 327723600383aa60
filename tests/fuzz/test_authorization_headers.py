"""Thousands of Authorization headers against one application: none allows but the good one, however it is spelt."""

import re
from collections.abc import Iterator
from random import Random

import pytest
from flask import Flask

from tests.fuzz.mutating import Mutator
from tests.fuzz.parsers import PARSERS, Parser
from tests.fuzz.spellings import SECRET, Served, application
from tests.issuing import VIEWER, token

TOKEN = token(**VIEWER)
GOOD = f"Bearer {TOKEN}"
#: What RFC 9110 (sections 5.5 and 11.1) and RFC 6750 (section 2.1) let stand for the same: the scheme in any case, one
#: space or more after it, and white space around the whole.
SAME = re.compile(rf"[ \t]*[Bb][Ee][Aa][Rr][Ee][Rr] +{re.escape(TOKEN)}[ \t]*")
AUTHORIZATION = next(parser for parser in PARSERS if parser.name == "authorization")


def headers(number: int) -> Iterator[str]:
    """Changed by chance, from the good header and from one of another token; by hand what chance would not find."""
    mutator, random = Mutator("headers"), Random("headers")
    others: Parser = AUTHORIZATION._replace(seeds=(GOOD.encode(), *AUTHORIZATION.seeds))
    only: Parser = AUTHORIZATION._replace(seeds=(GOOD.encode(),))
    for _ in range(number):
        yield mutator.text_for(only if random.random() < 0.7 else others).decode("latin-1")
    scheme = [
        "Bearer",
        "bearer",
        "BEARER",
        "bEaReR",
        "Bearer:",
        "Token",
        "JWT",
        "Basic",
        "",
        "Bearer\u00a0",
        "\u00e2earer",
    ]
    for word in scheme:
        for space in ("", " ", "  ", "\t", "\x0b", "\xa0", "\x00", "=", ",", " , "):
            for end in ("", " ", "\t", ",", ", Bearer x", " x", "=", "\x00", "\n", "\r\n x", "\x0c", "\xa0", ";", '"'):
                yield f"{word}{space}{TOKEN}{end}"
                yield f" \t{word}{space}{TOKEN}{end}"
    for number in range(1, len(TOKEN), 7):  # every part cut, and a letter changed in it
        yield f"Bearer {TOKEN[:number]}"
        yield f"Bearer {TOKEN[:number]}{'A' if TOKEN[number] != 'A' else 'B'}{TOKEN[number + 1 :]}"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return application(tmp_path_factory.mktemp("headers"))


def test_cve_2021_41265_fuzzed_authorization_headers_never_allow(app: Flask) -> None:
    """Each is 400 or 401, and never reaches the view, unless it is the good one or an equal spelling of it."""
    client, seen = app.test_client(), {True: 0, False: 0}
    for header in headers(6000):
        answer = client.get("/admin", environ_overrides={"HTTP_AUTHORIZATION": header})
        same = SAME.fullmatch(header) is not None
        expected = {200} if same else {400, 401}
        assert answer.status_code in expected, header
        assert (SECRET in answer.get_data(as_text=True)) == same, header
        seen[same] += 1
    assert seen[True] > 20
    assert seen[False] > 5000


@pytest.fixture(scope="module")
def served(app: Flask) -> Iterator[Served]:
    with Served(app) as served:
        yield served


def test_the_same_holds_of_header_lines_over_a_socket(served: Served) -> None:
    """As bytes, as a server reads them: lines that are folded, sent twice, named oddly, or end in something else."""
    lines = [each.encode("latin-1") for each in headers(150) if not {"\r", "\n"} & set(each)][:400]
    for value in lines:
        answer = served.ask(b"/admin", b"Authorization: " + value)
        if SAME.fullmatch(value.decode("latin-1")):
            assert (answer.status, answer.body) == (200, SECRET), value
        else:
            assert not 200 <= answer.status < 300, value
            assert SECRET not in answer.body, value


@pytest.mark.parametrize(
    "lines",
    [
        ["Authorization: {good}", "Authorization: {good}"],
        ["Authorization: {good}", "Authorization: Basic eDp5"],
        ["Authorization:", "Authorization: {good}"],
        ["Authorization : {good}"],
        ["Authorization\t: {good}"],
        [" Authorization: {good}"],
        ["X: y", " Authorization: {good}"],
        ["Authorization: Basic eDp5", " , {good}"],
        ["Authorization: Bearer", "X: {token}"],
        ["Authorization_: {good}"],
        ["Proxy-Authorization: {good}"],
        ["X-Authorization: {good}"],
        ["HTTP-Authorization: {good}"],
        ["Cookie: Authorization={token}; access_token={token}"],
    ],
)  # fmt: skip
def test_no_other_header_line_carries_a_token(served: Served, lines: list[str]) -> None:
    """Nor does one line that another one contradicts."""
    answer = served.ask(b"/admin", *(line.format(good=GOOD, token=TOKEN).encode() for line in lines))
    assert (answer.status in (0, 400, 401), SECRET in answer.body) == (True, False)
