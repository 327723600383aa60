"""The policies that decided a log are found again, by their digests alone."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy.engine import Policy
from policy.errors import ClaimsPolicyError
from policy.reload.kept import Kept
from policy.reload.snapshot import take
from policy.review.recorded import Beside, Finder, Git, Given


def document(*roles: str) -> str:
    issuer = {
        "profile": "plain", "audience": "api", "algorithms": ["ES256"], "keys": {"jwks_file": "keys.jwks.json"},
        "authority": {"user": "roles"},
    }  # fmt: skip
    made: dict[str, Any] = {
        "permissions": {"read:data": ""},
        "roles": {name: {"grants": ["read:data"]} for name in ("viewer", *roles)},
        "issuers": {"https://idp.example": issuer},
    }
    return json.dumps(made)


def saved(path: Path, *roles: str) -> Policy:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document(*roles))
    return Policy.load(path)


def git(repository: Path, *words: str) -> None:
    who = {f"GIT_{role}_{part}": "a@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(repository), *words]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **who, **alone})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With three versions of a policy in a folder and in a file, one of them broken; the last one is not committed."""
    git(tmp_path, "init", "-q")
    for content in (document("first"), "broken", document("second")):
        for path in ("rules/policies/policy.json", "one.json"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        (tmp_path / "rules/policies/cases.test.json").write_text("[]")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-q", "-m", "A version")
    (tmp_path / "one.json").write_text(document("third"))
    return tmp_path


@pytest.mark.parametrize("path", ["rules/policies/", "rules/policies", "one.json"])
def test_every_version_that_was_committed_is_found(path: str, repository: Path, tmp_path: Path) -> None:
    """In a folder or in a file; broken ones are passed over, and what was never committed is not there."""
    place = Git(str(repository), path)
    first, second, third = (saved(tmp_path / "other" / "a.json", name) for name in ("first", "second", "third"))
    found = [place.find(each.digest) for each in (first, third, second)]
    assert [each.digest if each else None for each in found] == [first.digest, None, second.digest]


def test_the_whole_repository_may_be_the_policy(repository: Path) -> None:
    """`.` names its top folder."""
    second = saved(repository / "other.json", "second")
    found = Git(str(repository), ".").find(second.digest)
    assert found is not None
    assert found.digest == second.digest


def test_a_folder_that_is_no_repository_is_an_error(tmp_path: Path) -> None:
    """In git's own words."""
    with pytest.raises(ClaimsPolicyError) as caught:
        Git(str(tmp_path / "none"), "policies/").find("0" * 64)
    assert str(caught.value).startswith(f"git does not read `{tmp_path / 'none'}`: cannot change to ")


def test_without_git_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClaimsPolicyError) as caught:
        Git(str(tmp_path), "policies/").find("0" * 64)
    assert str(caught.value) == "git cannot be run: no such file or directory"


def test_what_is_kept_beside_a_log_is_found(tmp_path: Path) -> None:
    """In its folder, or next to it; also where the log is one file."""
    rules = saved(tmp_path / "a.json")
    for folder in ("var/audit/policies", "var/policies"):
        kept = Kept(tmp_path / folder)
        kept.keep(take(tmp_path / "a.json"), rules.digest)
        for log in ("var/audit", "var/audit/decisions.jsonl"):
            (tmp_path / "var/audit").mkdir(exist_ok=True)
            found = Beside(tmp_path / log).find(rules.digest)
            assert found is not None
            assert found.digest == rules.digest
        (kept.folder / f"{rules.digest}.json").unlink()


def test_what_is_kept_and_was_changed_is_not_the_policy(tmp_path: Path) -> None:
    """Nor is what a digest names that is none."""
    rules, other = saved(tmp_path / "a.json"), saved(tmp_path / "b.json", "other")
    kept = Kept(tmp_path / "policies")
    kept.keep(take(tmp_path / "b.json"), rules.digest)
    (tmp_path / "secret.json").write_text("{}")
    beside = Beside(tmp_path)
    assert [beside.find(digest) for digest in (rules.digest, other.digest, "../secret", "")] == [None] * 4


def test_each_policy_is_looked_for_once(tmp_path: Path) -> None:
    """Also where it is not found; the first place that has it counts."""
    rules, asked = saved(tmp_path / "a.json"), []

    class Place:
        def find(self, digest: str) -> Policy | None:
            asked.append(digest)
            return None

    finder = Finder([Given([rules]), Place()])
    assert [finder.find(digest) for digest in (rules.digest, "x", "x", rules.digest)] == [rules, None, None, rules]
    assert asked == ["x"]
