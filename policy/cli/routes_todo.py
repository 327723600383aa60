"""A Python file with a declaration to fill in for each endpoint that has none; until then it declares nothing."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from policy.cli.style import clean

if TYPE_CHECKING:
    from policy.flask.listing import Listed, Listing

HEAD = '''\
"""What the routes demand that nothing was declared for. Until a comment is taken away, it declares nothing.

For each endpoint: put in what it demands, take the `#` away, and call `declare_routes(authz)` before `authz.seal()`.
"""

from policy.flask import Authorizer, authenticated, public, requires  # noqa: F401


def declare_routes(authz: Authorizer) -> None:
    """Declare `requires("...")`, `authenticated` or `public(reason="...")`."""
'''


def undeclared(listing: "Listing") -> list[str]:
    """The endpoints of which some method is not declared, those of a blueprint together."""
    found = {(one.blueprint, one.endpoint) for one in listing.routes if one.access == "undeclared"}
    return [endpoint for _, endpoint in sorted(found)]


def as_todo(listing: "Listing") -> str:
    """The file. Whatever stands in a name or a rule stays within its comment."""
    return HEAD + "".join(f"    # {clean(line)}\n" if line else "\n" for line in _lines(listing))


def _lines(listing: "Listing") -> Iterator[str]:
    for blueprint, endpoints in groupby(undeclared(listing), key=lambda endpoint: endpoint.rpartition(".")[0]):
        yield ""
        yield f"Blueprint {blueprint}" if blueprint else "The application's own"
        for endpoint in endpoints:
            yield ""
            yield from _endpoint([one for one in listing.routes if one.endpoint == endpoint])


def _endpoint(listed: "list[Listed]") -> Iterator[str]:
    """The methods of one endpoint, and the line that would declare them all."""
    for one in listed:
        if one.access == "undeclared":
            yield f"TODO {one.name}" + (f"  ({one.place})" if one.place else "")
    for one in listed:
        if one.access != "undeclared":
            yield f"     {one.name} demands {' and '.join(one.demands)}, and would demand this as well"
    yield f'authz.declare({json.dumps(listed[0].endpoint)}, requires("..."))'
