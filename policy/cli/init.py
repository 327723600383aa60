"""`policy init`: the smallest sound policy, with a key pair, and the application that goes with it."""

import argparse
import json
import os
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from policy.cli.arguments import CannotRun, Commands, command
from policy.cli.style import paint, say, say_all, say_columns
from policy.document import Source, json_schema, read
from policy.document.issuer_names import example
from policy.document.profiles import profiles
from policy.files import is_document
from policy.nearest import did_you_mean
from policy.tokens.issue import Asymmetric, generate_key

ISSUER: Final = "https://issuer.example.com/"
#: The first subject, where a subject's name has a form.
SUBJECTS: Final = {
    "github-actions": "repo:octo-org/octo-repo:ref:refs/heads/main",
    "kubernetes": "system:serviceaccount:default:example",
}
JWKS: Final = "issuer.jwks.json"
#: A dotfile is never read as a document, so the schema can lie beside the documents that name it.
SCHEMA: Final = ".schema.json"

APP: Final = """\
from flask import Flask

from policy.flask import Authorizer, requires

app = Flask(__name__)
authz = Authorizer(app, policy={folder}, audit="var/audit")


@app.get("/api/data")
@requires({permission})
def read_data():
    return {{"data": [1, 2, 3]}}


authz.seal()
"""


class File(NamedTuple):
    """A file to be written, and what it is for."""

    path: Path
    text: str
    purpose: str
    mode: int = 0o644


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "init", run,
        summary="write the smallest sound policy, and print the application that goes with it",
        example="policy init --profile plain --issuer https://issuer.example.com/ --audience https://api.example.com",
    )  # fmt: skip
    made.add_argument("--profile", type=_profile, default="plain", metavar="NAME", help="whose tokens they are, such "
                      "as auth0 or keycloak (plain)")  # fmt: skip
    made.add_argument("--issuer", metavar="URL", help="the `iss` of the tokens (an example that fits the profile)")
    made.add_argument("--audience", default="https://api.example.com", metavar="NAME", help="the `aud` of the tokens")
    made.add_argument("--folder", type=Path, default=Path("policies"), help="where the policy is written (policies)")
    made.add_argument("--permission", default="read:data", metavar="NAME", help="the first permission (read:data)")
    made.add_argument("--key", type=Path, default=Path("dev-key.pem"), metavar="FILE", help="where the private key is "
                      "written, outside the policy's folder (dev-key.pem)")  # fmt: skip


def _profile(name: str) -> str:
    """The name of a profile; they are looked at only here, not whenever the program starts."""
    if name not in profiles():
        hint = did_you_mean(name, profiles()) or f": there are {', '.join(f'`{each}`' for each in profiles())}"
        raise argparse.ArgumentTypeError(f"unknown profile `{name}`{hint}")
    return name


def run(args: argparse.Namespace) -> int:
    """Write a policy, and say what to do next."""
    args.issuer = args.issuer or example(profiles()[args.profile].get("issuer", [ISSUER])[0])
    files = _files(args)
    _check_free(args, files)
    _write(files)
    _tell(args, files)
    return 0


def _files(args: argparse.Namespace) -> list[File]:
    algorithm = cast("Asymmetric", profiles()[args.profile].get("algorithms", ["ES256"])[0])
    document = args.folder / "policy.json"
    text = _text(_policy(args, algorithm))
    read([Source(str(document), text.encode(), str(args.folder))])
    private, public = generate_key(algorithm)
    return [
        File(document, text, "the policy"),
        File(args.folder / JWKS, _text({"keys": [public]}), "the issuer's public key"),
        File(args.folder / SCHEMA, _text(json_schema()), "the schema that editors check it by"),
        File(args.key, private, "the private key; for development, and not for version control", 0o600),
    ]


def _policy(args: argparse.Namespace, algorithm: str) -> dict[str, Any]:
    regime = "scopes" if _has_scopes(args) else "roles"
    issuer = {
        "profile": args.profile,
        "audience": args.audience,
        "algorithms": [algorithm],
        "keys": {"jwks_file": JWKS},
        "authority": dict.fromkeys(profiles()[args.profile]["kinds"], regime),
    }
    description = "Read records" if args.permission == "read:data" else "What the first endpoint demands"
    document = {"$schema": SCHEMA, "permissions": {args.permission: description}, "issuers": {args.issuer: issuer}}
    return document if _has_scopes(args) else {**document, **_first_role(args)}


def _has_scopes(args: argparse.Namespace) -> bool:
    return "scopes" in profiles()[args.profile]["claims"]


def _first_role(args: argparse.Namespace) -> dict[str, Any]:
    """A role and who has it: where tokens name no scopes, something has to give the first permission."""
    given = {"issuer": args.issuer, "subject": _subject(args), "roles": ["reader"]}
    return {"roles": {"reader": {"grants": [args.permission]}}, "assignments": [given]}


def _subject(args: argparse.Namespace) -> str:
    return SUBJECTS.get(args.profile, "alice")


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _check_free(args: argparse.Namespace, files: list[File]) -> None:
    """Nothing is written over, and nothing is added to a policy that is there already."""
    if args.key.resolve().is_relative_to(args.folder.resolve()):
        raise CannotRun(f"the private key `{args.key}` must lie outside the policy's folder `{args.folder}`")
    there = [str(file.path) for file in files if file.path.exists() or file.path.is_symlink()]
    if args.folder.is_dir():
        others = {str(each) for each in args.folder.iterdir() if is_document(each.name)}
        there += sorted(others - set(there))
    if there:
        raise CannotRun("nothing is written, for these are there already: " + ", ".join(f"`{name}`" for name in there))


def _write(files: list[File]) -> None:
    """Write all of the files, or none: what was made is taken away again where one cannot be."""
    with ExitStack() as undo:
        for file in files:
            for folder in reversed([each for each in file.path.parents if not each.exists()]):
                folder.mkdir()
                undo.callback(folder.rmdir)
            _create(file, undo.callback)
        undo.pop_all()


def _create(file: File, undo: Callable[..., Any]) -> None:
    descriptor = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode)
    undo(file.path.unlink)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(file.text)


def _tell(args: argparse.Namespace, files: list[File]) -> None:
    say(paint("Written", "bold"))
    say_columns([(str(file.path), file.purpose) for file in files], indent=2)
    say()
    say(paint("The application that goes with it, as app.py", "bold"))
    say()
    folder, permission = json.dumps(str(args.folder), ensure_ascii=False), json.dumps(args.permission)
    say_all(APP.format(folder=folder, permission=permission).splitlines())
    say()
    say(paint("Next", "bold"))
    say_all(_next(args), indent=2)
    if "keys" in profiles()[args.profile]:
        say()
        document = args.folder / "policy.json"
        say(f"For real tokens take `algorithms` and `keys` out of {document}: the profile says where keys are fetched.")


def _next(args: argparse.Namespace) -> list[str]:
    issue = ["policy", "token", "issue"]
    issue += ["--policy", str(args.folder)] if args.folder != Path("policies") else []
    issue += ["--key", str(args.key)] if args.key != Path("dev-key.pem") else []
    issue += ["--subject", _subject(args), *(["--scope", args.permission] if _has_scopes(args) else [])]
    needs_flask = find_spec("flask") is None
    return [
        *(["pip install 'claims-policy[flask]'"] if needs_flask else []),
        "flask --app app run",
        f"TOKEN=$({shlex.join(issue)})",
        'curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:5000/api/data',
    ]
