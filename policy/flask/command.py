"""`flask policy`: the routes, the policy and the permissions of the application that Flask has loaded."""

import argparse
import importlib
import json
from typing import Any, Final, NamedTuple, NoReturn, cast, get_args

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from policy.document.wording import printable
from policy.errors import ClaimsPolicyError, Problem
from policy.flask.enforcement import Enforcement
from policy.flask.listing import Listing, listing
from policy.model import Kind, Regime
from policy.tokens import TokenVerifier

group: Final = AppGroup("policy", help="Routes, policy and permissions of this application.")


class Checked(NamedTuple):
    """What is wrong, what is doubtful, and what could not be looked at from here."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    notes: tuple[Problem, ...]


@group.command("routes")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_routes(*, as_json: bool) -> None:
    """List every route, what it demands, and which roles and scopes reach it."""
    args = argparse.Namespace(format="json" if as_json else "text", output=None, write_todo=None)
    _end(_program("routes").report(listing(_app()), args))


@group.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(*, as_json: bool) -> None:
    """Say whether policy, keys and routes are sound, or everything that is wrong with them."""
    listed = listing(_app())
    checked = _checked(listed)
    if as_json:
        texts = {name: [str(each) for each in found] for name, found in checked._asdict().items()}
        click.echo(json.dumps({"sound": not checked.problems, **texts}, indent=2))
    else:
        _say(checked, listed)
    _end(1 if checked.problems else 0)


def _checked(listed: Listing) -> Checked:
    live = _enforcement().live
    keys = TokenVerifier.problems(live.guard.rules.issuers)
    wrong = dict.fromkeys([*live.problems, *keys.wrong, *listed.everything_wrong])
    return Checked(tuple(wrong), tuple(live.guard.rules.document.warnings), tuple(keys.unseen))


def _say(checked: Checked, listed: Listing) -> None:
    routes = _program("routes_text")
    lines = [
        *(f"note: {note}" for note in checked.notes),
        *(f"warning: {warning}" for warning in checked.warnings),
        *(str(problem) for problem in checked.problems),
        f"{listed.application}: {routes.summary(len(checked.problems))}; {routes.counts(listed)}",
    ]
    for line in lines:
        click.echo(printable(line))


@group.command("can")
@click.option("--issuer", metavar="NAME", help="Whose token they have; the policy's only one unless given.")
@click.option("--authority", type=click.Choice(get_args(Regime)), help="What counts, without an issuer.")
@click.option("--kind", type=click.Choice(get_args(Kind)[:2]), help="User, unless the issuer only has machines.")
@click.option("--roles", default="", metavar="ROLE,...", help="Roles, separated by commas.")
@click.option("--scopes", default="", metavar="SCOPE,...", help="Scopes of the token.")
@click.option("--permissions", default="", metavar="NAME,...", help="Named by the token itself.")
@click.option("--subject", default="someone", metavar="ID", help="The token's `sub` (someone).")
@click.option("--client", metavar="ID", help="The client's id.")
@click.option("--tenant", help="The tenant that is asked for.")
@click.option("--list", "list", is_flag=True, help="Print everything they may do.")
@click.option("--json", "json", is_flag=True, help="Print one JSON document.")
@click.argument("permission", required=False)
def can(**given: Any) -> None:
    """Say whether someone with these roles and scopes may do something."""
    if given["list"] == (given["permission"] is not None):
        raise click.UsageError("give either a PERMISSION or --list")
    if given["issuer"] is not None and given["authority"] is not None:
        raise click.UsageError("give either --issuer or --authority")
    arguments = _program("arguments")
    names = {name: arguments.role_names(given[name]) for name in ("roles", "permissions")}
    args = argparse.Namespace(**{**given, **names, "scopes": arguments.scope_names(given["scopes"])})
    try:
        status = _program("can").ask(_enforcement().guard.rules, args)
    except ClaimsPolicyError as error:
        raise click.UsageError(str(error)) from error
    _end(status)


def _program(name: str) -> Any:
    """A module of the command line, which stands above this package: an application that serves never loads it."""
    return importlib.import_module(f"policy.cli.{name}")


def _app() -> Flask:
    return cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - documented by Werkzeug


def _enforcement() -> Enforcement:
    return cast("Enforcement", current_app.extensions["policy"])


def _end(status: int) -> NoReturn:
    click.get_current_context().exit(status)
