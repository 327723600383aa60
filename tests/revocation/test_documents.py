"""The document of revocations: its mistakes, and how it is read again."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy import Policy, PolicyError
from policy.document import Source
from policy.document.revoking import read_revocations
from policy.revocation import RevocationDocuments
from policy.revoked import Facts, Revocation
from tests.issuing import ISSUER, write_policy


def says(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        read_revocations([Source("revocations.json", text.encode())], [ISSUER])
    return str(caught.value).split("\n")


def one(**members: Any) -> str:
    return json.dumps({"revocations": [{"issuer": ISSUER, **members}]})


def test_everything_that_can_be_revoked() -> None:
    """One entry of each kind, with times of RFC 3339."""
    text = json.dumps({
        "$schema": "revocations.schema.json",
        "revocations": [
            {"issuer": ISSUER, "token": "jti:7f3a", "until": "2027-01-15T08:00:00Z", "note": "sent to the wrong list"},
            {"issuer": ISSUER, "subject": "alice"},
            {"issuer": ISSUER, "subject": "bob", "issued_before": "1970-01-01T01:00:00.5+01:00"},
            {"issuer": ISSUER, "client": "old-app"},
            {"issuer": ISSUER, "tenant": "north", "issued_before": "1970-01-01T00:00:10Z"},
            {"issuer": ISSUER, "issued_before": "1970-01-01T00:00:20Z"},
        ],
    })  # fmt: skip
    assert read_revocations([Source("a", text.encode())], [ISSUER]) == (
        Revocation(issuer=ISSUER, what="token", value="jti:7f3a", until=1800000000.0, note="sent to the wrong list"),
        Revocation(issuer=ISSUER, what="subject", value="alice"),
        Revocation(issuer=ISSUER, what="subject", value="bob", issued_before=0.5),
        Revocation(issuer=ISSUER, what="client", value="old-app"),
        Revocation(issuer=ISSUER, what="tenant", value="north", issued_before=10.0),
        Revocation(issuer=ISSUER, what="issuer", issued_before=20.0),
    )


MISTAKES: dict[str, tuple[str, list[str]]] = {
    "no list": ("{}", ["revocations.json, line 1: `revocations` is missing"]),
    "not JSON": ('{"revocations": [}', ["revocations.json, line 1: not JSON: a value is expected at column 18"]),
    "another section": (
        '{"revocations": [], "roles": {}}',
        ["revocations.json, roles, line 1: unknown key `roles`"],
    ),
    "an unknown issuer": (
        json.dumps({"revocations": [{"issuer": "https://issuer.exampel/", "subject": "a"}]}),
        [
            "revocations.json, revocations[0].issuer, line 1: unknown issuer `https://issuer.exampel/`; "
            "did you mean `https://issuer.example/`?"
        ],
    ),
    "a key misspelt": (
        one(subjet="a"),
        [
            "revocations.json, revocations[0].subjet, line 1: unknown key `subjet`; did you mean `subject`?",
        ],
    ),
    "a key twice": (
        '{"revocations": [{"issuer": "https://issuer.example/", "subject": "a", "subject": "b"}]}',
        ["revocations.json, revocations[0].subject, line 1: `subject` stands twice in one object, first on line 1"],
    ),
    "two kinds at once": (
        one(subject="a", client="b"),
        ["revocations.json, revocations[0], line 1: must have only one of `token`, `subject`, `client` or `tenant`"],
    ),
    "a whole issuer": (
        one(),
        [
            "revocations.json, revocations[0], line 1: `issued_before` is missing, "
            "which the revocation of a whole issuer needs"
        ],
    ),
    "a whole tenant": (
        one(tenant="north"),
        [
            "revocations.json, revocations[0], line 1: `issued_before` is missing, "
            "which the revocation of a tenant needs"
        ],
    ),
    "a bare jti": (
        one(token="7f3a"),
        [
            "revocations.json, revocations[0].token, line 1: `7f3a` names no token: it begins with `jti:` or "
            "`sha256:`, as in records"
        ],
    ),
    "a token of a time": (
        one(token="jti:a", issued_before="2027-01-15T08:00:00Z"),
        [
            "revocations.json, revocations[0].issued_before, line 1: does not go with `token`, which is one token "
            "whenever it was issued"
        ],
    ),
    "a time without offset": (
        one(subject="a", issued_before="2027-01-15T08:00:00"),
        [
            "revocations.json, revocations[0].issued_before, line 1: `2027-01-15T08:00:00` is no time such as "
            "`2027-01-15T08:00:00Z`"
        ],
    ),
    "a time as a number": (
        one(subject="a", until=1800000000),
        ["revocations.json, revocations[0].until, line 1: must be a text, not an integer"],
    ),
    "an empty subject": (
        one(subject=""),
        ["revocations.json, revocations[0].subject, line 1: must not be empty"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_with_its_place(mistake: str) -> None:
    """In the words of all documents."""
    text, said = MISTAKES[mistake]
    assert says(text) == said


class Documents:
    """A policy's folder with documents of revocations in it, looked at when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = write_policy(folder), 0.0

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def open(self) -> RevocationDocuments:
        return RevocationDocuments(self.folder, [ISSUER], monotonic=lambda: self.now)


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path / "policies")


ALICE = Facts(ISSUER, "jti:1", "alice", None, frozenset(), 1000.0)
SUBJECT_ALICE = "the subject `alice` is revoked"


def test_documents_are_no_part_of_the_policy(documents: Documents) -> None:
    """Neither of what it says nor of its digest, and however broken."""
    before = Policy.load(documents.folder).digest
    documents.write("revocations.json", "{")
    documents.write("urgent.revocations.json", one(subject="alice"))
    assert Policy.load(documents.folder).digest == before


def test_revocations_in_another_document_are_an_error(documents: Documents) -> None:
    """That says where they belong."""
    documents.write("more.json", one(subject="alice"))
    with pytest.raises(PolicyError) as caught:
        Policy.load(documents.folder)
    assert str(caught.value) == (
        f"{documents.folder}/more.json, revocations, line 1: `revocations` stand in a document of their own, named "
        "`revocations.json` or `….revocations.json`"
    )


def test_all_documents_of_a_folder_count(documents: Documents) -> None:
    """Whatever their names begin with."""
    documents.write("revocations.json", one(subject="alice"))
    documents.write("urgent.revocations.json", one(subject="bob"))
    opened = documents.open()
    assert opened.find(ALICE) == SUBJECT_ALICE
    assert opened.find(ALICE._replace(subject="bob")) == "the subject `bob` is revoked"


def test_a_change_is_taken_within_half_a_second(documents: Documents) -> None:
    """And not looked for with every token."""
    opened = documents.open()
    documents.write("revocations.json", one(subject="alice"))
    documents.now = 0.49
    assert opened.find(ALICE) is None
    documents.now = 0.5
    assert opened.find(ALICE) == SUBJECT_ALICE
    documents.write("revocations.json", json.dumps({"revocations": []}))
    documents.now = 1.0
    assert opened.find(ALICE) is None


@pytest.mark.parametrize("text", ["", "{", '{"revocations": [', '{"revocation": []}', '{"revocations": [{}]}'])
def test_a_broken_edit_takes_nothing_back(documents: Documents, text: str) -> None:
    """What was revoked stays so, and what is wrong is said."""
    documents.write("revocations.json", one(subject="alice"))
    opened = documents.open()
    documents.write("revocations.json", text)
    opened.look()
    assert opened.find(ALICE) == SUBJECT_ALICE
    assert opened.problems
    documents.write("revocations.json", one(subject="bob"))
    opened.look()
    assert (opened.find(ALICE), opened.problems) == (None, ())


def test_a_document_that_is_gone_takes_nothing_back(documents: Documents) -> None:
    """An empty list does, on purpose."""
    documents.write("revocations.json", one(subject="alice"))
    opened = documents.open()
    (documents.folder / "revocations.json").unlink()
    opened.look()
    assert opened.find(ALICE) == SUBJECT_ALICE
    assert [str(each) for each in opened.problems] == [f"{documents.folder}/revocations.json: the document is gone"]


def test_a_document_that_revoked_nothing_may_go(documents: Documents) -> None:
    """Then nothing is lost."""
    documents.write("revocations.json", '{"revocations": []}')
    opened = documents.open()
    (documents.folder / "revocations.json").unlink()
    opened.look()
    assert opened.problems == ()


def test_a_document_that_went_while_nobody_looked_is_missed_at_the_start(documents: Documents, tmp_path: Path) -> None:
    """What was kept of it counts."""
    documents.write("revocations.json", one(subject="alice"))
    RevocationDocuments(documents.folder, [ISSUER], keep=tmp_path / "state")
    (documents.folder / "revocations.json").unlink()
    again = RevocationDocuments(documents.folder, [ISSUER], keep=tmp_path / "state")
    assert again.find(ALICE) == SUBJECT_ALICE
    assert [str(each) for each in again.problems] == [f"{documents.folder}/revocations.json: the document is gone"]


def test_a_document_that_is_broken_at_the_start_stops_it(documents: Documents) -> None:
    """Nobody knows what was revoked."""
    documents.write("revocations.json", one(subjet="alice"))
    with pytest.raises(PolicyError, match="unknown key `subjet`; did you mean `subject`"):
        documents.open()


def test_issuers_of_a_new_policy_are_looked_at_again(documents: Documents) -> None:
    """A revocation for an issuer that came with it is read then."""
    opened = documents.open()
    text = json.dumps({"revocations": [{"issuer": "https://new.example/", "subject": "alice"}]})
    documents.write("revocations.json", text)
    opened.look()
    assert [each.message for each in opened.problems] == ["unknown issuer `https://new.example/`"]
    opened.of([ISSUER, "https://new.example/"])
    opened.look()
    assert list(opened.problems) == []
    assert opened.find(ALICE._replace(issuer="https://new.example/")) == SUBJECT_ALICE


def test_an_issuer_that_has_left_the_policy_keeps_nobody_from_starting(documents: Documents, tmp_path: Path) -> None:
    """Policy and document were both mended while nothing ran; what was kept still names it."""
    former = json.dumps({"revocations": [{"issuer": "https://former.example/", "subject": "alice"}]})
    documents.write("revocations.json", former)
    RevocationDocuments(documents.folder, [ISSUER, "https://former.example/"], keep=tmp_path / "state")
    documents.write("revocations.json", one(subject="alice"))
    again = RevocationDocuments(documents.folder, [ISSUER], keep=tmp_path / "state")
    assert (again.find(ALICE), again.problems) == (SUBJECT_ALICE, ())


def test_a_broken_document_and_a_former_issuer_go_on_with_what_was_kept(documents: Documents, tmp_path: Path) -> None:
    """Its entries for that issuer are harmless."""
    entries = [{"issuer": "https://former.example/", "subject": "bob"}, {"issuer": ISSUER, "subject": "alice"}]
    documents.write("revocations.json", json.dumps({"revocations": entries}))
    RevocationDocuments(documents.folder, [ISSUER, "https://former.example/"], keep=tmp_path / "state")
    documents.write("revocations.json", "{")
    again = RevocationDocuments(documents.folder, [ISSUER], keep=tmp_path / "state")
    assert again.find(ALICE) == SUBJECT_ALICE
    assert len(again.problems) == 1


def test_a_document_that_could_not_be_read_for_a_moment_is_read_again(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though nothing about the file has changed since."""
    opened = documents.open()
    documents.write("revocations.json", one(subject="alice"))
    with monkeypatch.context() as failing:
        failing.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        opened.look()
    assert opened.find(ALICE) is None
    opened.look()
    assert (opened.find(ALICE), list(opened.problems)) == (SUBJECT_ALICE, [])
