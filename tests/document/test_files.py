"""From a folder or file to a policy."""

from pathlib import Path

import pytest

from policy.errors import PolicyError
from policy.files import read_policy


def refusal(path: Path | str) -> str:
    """What is said about a path."""
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    return str(caught.value)


def test_a_folder_is_read_without_what_is_no_document(tmp_path: Path) -> None:
    """Dotfiles, test cases, key sets, other files and folders inside are left alone."""
    (tmp_path / "a.json").write_text('{"permissions": {"a": "b"}}')
    (tmp_path / "b.json").write_text('{"permissions": {"c": "d"}}')
    for name in (".x.json", "a.test.json", "k.jwks.json", "README.md"):
        (tmp_path / name).write_text("no document")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.json").write_text("no document")
    assert list(read_policy(tmp_path).permissions) == ["a", "c"]


def test_a_file_is_read(tmp_path: Path) -> None:
    """One file of any name is a policy."""
    (tmp_path / "policy.txt").write_text('{"permissions": {"a": "b"}}')
    assert list(read_policy(str(tmp_path / "policy.txt")).permissions) == ["a"]


def test_names_are_as_the_path_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name a file relative to how the folder was given."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "api.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    assert refusal("policies/") == "policies/api.json, line 1: must be an object, not a list"


def test_key_files_are_beside_their_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative key file becomes an absolute path from the folder of its document."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "api.json").write_text(
        '{"permissions": {"a": "b"}, "issuers": {"i": {"profile": "rfc9068", "audience": "x",'
        ' "keys": {"jwks_file": "../keys/i.jwks.json"}, "authority": {"user": "scopes"}}}}'
    )
    monkeypatch.chdir(tmp_path)
    assert read_policy("policies").issuers["i"].keys.jwks_file == str(tmp_path / "keys" / "i.jwks.json")


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    """A path that is not there is told as that."""
    assert refusal(tmp_path / "x") == f"{tmp_path / 'x'}: there is no such file or folder"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without documents is no policy."""
    assert refusal(tmp_path) == f"{tmp_path}: the folder has no policy documents (`*.json`) in it"


def test_all_unreadable_files_are_told(tmp_path: Path) -> None:
    """Documents that cannot be opened are told together."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).mkdir()
    assert refusal(tmp_path) == (
        f"{tmp_path / 'a.json'}: cannot be read: is a directory\n{tmp_path / 'b.json'}: cannot be read: is a directory"
    )
