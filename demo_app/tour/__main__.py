"""Start the service, walk through it, and keep it running for one's own requests."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from demo_app.app import ROOT, create_app
from demo_app.issuer import LIFETIME
from demo_app.tour.client import Client
from demo_app.tour.page import BOLD, DIM, GREEN, RED, Page
from demo_app.tour.server import listening, serving
from demo_app.tour.steps import CHAPTERS
from demo_app.tour.walk import Walk
from demo_app.vault import Vault
from policy import PolicyError


def main(arguments: list[str] | None = None) -> int:
    """0 where everything was as told, 1 where something was not, 2 where the service cannot start."""
    given, page = _arguments(arguments), Page(sys.stdout)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        app, on = create_app(given.root), listening(given.port)
    except (PolicyError, OSError) as error:
        page.line(f"the service cannot start: {error}", RED)
        return 2
    try:
        with serving(app, on) as port:
            return _tour(page, Client(port, app.extensions["vault"]), given)
    except KeyboardInterrupt:
        return 130


def _tour(page: Page, client: Client, given: argparse.Namespace) -> int:
    page.line(f"A records service on {client.url}, protected by {given.root / 'policies'}", BOLD)
    as_told = _walk(page, Walk(client, given.root / "var" / "audit"))
    if not given.once:
        _stay(page, client)
    return 0 if as_told else 1


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo_app.tour", description="A tour of the demo over real HTTP.")
    parser.add_argument("--once", action="store_true", help="end after the tour instead of serving on")
    parser.add_argument("--port", type=int, help="the port to serve on; 5000 if it is free, else any")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder with policies/, where var/ is kept")
    return parser.parse_args(arguments)


def _walk(page: Page, walk: Walk) -> bool:
    number = good = 0
    for title, steps in CHAPTERS.items():
        page.chapter(title)
        for step in steps:
            visit = walk.visit(step)
            number, good = number + 1, good + (not visit.faults)
            page.visit(number, visit)
    page.line()
    page.line(f"{good} of {number} as told", BOLD, GREEN if good == number else RED)
    return good == number


def _stay(page: Page, client: Client) -> None:
    """Print requests to try, and let the service run until Ctrl-C."""
    page.line()
    page.line(f"The service runs on until Ctrl-C. These tokens are good for {LIFETIME // 60} minutes:", BOLD)
    for name, token in (("VERA", client.login("vera")), ("ADA", client.login("ada", second_factor=True))):
        page.line(f"{name}={token}")
    page.line("and these lines use them:", BOLD)
    for line in _lines(client.url, client.vault):
        page.line(line)
    page.line("Everybody's password is the one in the last line; see demo_app/accounts.py for who there is.", DIM)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        page.line()


def _lines(url: str, vault: Vault) -> tuple[str, ...]:
    json = '-H "Content-Type: application/json"'
    return (
        f"curl -i {url}/api/data",
        f'curl -i -H "Authorization: Bearer $VERA" {url}/api/data',
        f'curl -i -H "Authorization: Bearer $VERA" {url}/api/me',
        f'curl -i -H "Authorization: Bearer $VERA" -X DELETE {url}/api/data/1',
        f'curl -i -H "Authorization: Bearer $ADA" {json} -d \'{{"title": "Mine"}}\' {url}/api/data',
        f'curl -i -H "Authorization: Bearer $ADA" -X DELETE {url}/api/data/1',
        f"curl -d grant_type=password -d username=carl -d password={vault.password} -d otp={vault.code} {url}/token",
    )


if __name__ == "__main__":
    raise SystemExit(main())
