"""Every route as values: what it demands, who reaches it, what is wrong with it."""

from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView

from policy import PolicyError
from policy.flask import authenticated, public, requires
from policy.flask.listing import ApplicationNotFound, Listed, application, listing
from tests.flask.conftest import Protect
from tests.issuing import DOCUMENT, ISSUER, write_policy

VIEW: Any = len  # a view of no file, so that values name none
READERS, WRITERS = ("admin", "editor", "viewer"), ("admin", "editor")
READ, UPDATE = ("data.full", "read:data"), ("data.full", "update:data")


def listed(**changes: Any) -> Listed:
    usual: dict[str, Any] = {
        "method": "GET", "rule": "/x", "endpoint": "x", "blueprint": "", "file": "", "line": 0, "access": "protected",
        "demands": ('requires("read:data")',), "permissions": ("read:data",), "roles": (READERS,), "scopes": (READ,),
        "problems": (),
    }  # fmt: skip
    return Listed(**{**usual, **changes})


def test_a_route_is_listed_whole(app: Flask, protect: Protect) -> None:
    """Method, rule, endpoint, marks, permissions, and who reaches it."""
    authz = protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    found = listing(app)
    assert (found.application, found.problems, found.routes) == ("shop", (), (listed(),))
    assert len(found.digest) == 64
    authz.seal()
    assert listing(app) == found


def test_places_are_those_of_the_functions(app: Flask, protect: Protect) -> None:
    """File and line, through marks and wrappers."""
    protect(app)

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return "x"

    line = view.__wrapped__.__code__.co_firstlineno  # type: ignore[attr-defined]
    (one,) = listing(app).routes
    assert one.place.endswith(f"tests/flask/test_listing.py:{line}")


@pytest.mark.parametrize(
    ("marker", "changes"),
    [
        (requires("read:data", "update:data"),
         {"permissions": ("read:data", "update:data"), "roles": (WRITERS,), "scopes": (READ, UPDATE)}),
        (requires(any_of=("create:payment", "approve:payment")),
         {"permissions": ("create:payment", "approve:payment"), "roles": (("approver", "payer"),),
          "scopes": (("approve:payment", "create:payment"),)}),
        (requires("create:payment", "approve:payment"),
         {"permissions": ("create:payment", "approve:payment"), "roles": (("payer",), ("approver",)),
          "scopes": (("create:payment",), ("approve:payment",))}),
        (authenticated, {"access": "authenticated", "permissions": (), "roles": (), "scopes": ()}),
        (public(reason="docs"), {"access": "public", "permissions": (), "roles": None, "scopes": None}),
    ],
)  # fmt: skip
def test_who_reaches_it_follows_from_the_marks(
    app: Flask, protect: Protect, marker: Any, changes: dict[str, Any]
) -> None:
    """All of several are narrowed, any of several are united, and what follows from another is left out."""
    protect(app)
    app.add_url_rule("/x", "x", marker(VIEW))
    assert listing(app).routes == (listed(demands=(str(marker.mark),), **changes),)


@pytest.mark.parametrize(
    ("authority", "roles", "scopes"),
    [
        ({"user": "roles"}, (READERS,), None),
        ({"user": "scopes"}, None, (READ,)),
        ({"user": "roles", "machine": "scopes"}, (READERS,), (READ,)),
    ],
)
def test_only_what_an_authority_counts_is_listed(
    app: Flask, protect: Protect, tmp_path: Path, authority: dict[str, str], roles: Any, scopes: Any
) -> None:
    """Where no issuer has roles count, no role reaches anything; the same for scopes."""
    issuers = {ISSUER: {**DOCUMENT["issuers"][ISSUER], "authority": authority}}
    protect(app, policy=write_policy(tmp_path / "other", issuers=issuers))
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    assert listing(app).routes == (listed(roles=roles, scopes=scopes),)


def test_an_allow_rule_for_everyone_asks_for_no_role(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """No group of roles is left for it, alone or as one of several."""
    rules = [{"id": "all", "effect": "allow", "permissions": ["read:data"], "everyone": True}]
    protect(app, policy=write_policy(tmp_path / "other", rules=rules))
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    app.add_url_rule("/y", "y", requires(any_of=("read:data", "create:payment"))(VIEW))
    assert [one.roles for one in listing(app).routes] == [(), ()]


def test_without_an_issuer_roles_and_scopes_count(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """A subject made by hand may have any authority."""
    protect(app, policy=write_policy(tmp_path / "other", issuers={}))
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    assert listing(app).routes == (listed(),)


def test_classes_blueprints_and_declarations_are_listed_by_rule_and_method(app: Flask, protect: Protect) -> None:
    """One line for each method of a class, the blueprint of each endpoint, and marks from `declare`."""

    class Item(MethodView):
        @requires("read:data")
        def get(self) -> str:
            return "x"

        @requires("update:data")
        def put(self) -> str:
            return "x"

    authz = protect(app)
    docs = Blueprint("docs", __name__, url_prefix="/docs")
    docs.add_url_rule("/a", "a", VIEW)
    app.register_blueprint(docs)
    app.add_url_rule("/b", view_func=Item.as_view("item"))
    authz.declare("docs.*", requires("read:data", tenant=None))
    found = [(one.name, one.endpoint, one.blueprint, one.demands, one.problems) for one in listing(app).routes]
    assert found == [
        ("GET /b", "item", "", ('requires("read:data")',), ()),
        ("PUT /b", "item", "", ('requires("update:data")',), ()),
        ("GET /docs/a", "docs.a", "docs", ('requires("read:data", tenant=None)',), ()),
    ]


def test_problems_are_those_of_the_seal_and_nothing_is_raised(app: Flask, protect: Protect) -> None:
    """Those of routes stand at the routes, the others apart, and together they are what the seal says."""
    authz = protect(app)
    app.add_url_rule("/a", "a", VIEW)
    app.add_url_rule("/b", "b", requires("read:dta")(VIEW))
    authz.declare("nowhere", authenticated)
    found = listing(app)
    assert [one.access for one in found.routes] == ["undeclared", "protected"]
    assert [str(problem) for problem in found.everything_wrong] == [
        "GET /a: nothing says who may call view `len`; add `authz.declare(\"a\", requires(\"...\"))`",
        "GET /b: view `len` demands `read:dta`, which the policy does not declare; did you mean `read:data`?",
        "`authz.declare` names `nowhere`, which matches no endpoint",
    ]  # fmt: skip
    assert [len(one.problems) for one in found.routes] == [1, 1]
    assert found.routes[1].roles == ((),)
    with pytest.raises(PolicyError) as caught:
        authz.seal()
    assert set(caught.value.problems) == set(found.everything_wrong)


def test_an_application_without_an_authorizer_is_listed(app: Flask) -> None:
    """So that what is to be declared can be seen before anything is."""
    app.add_url_rule("/a", "a", VIEW)
    app.add_url_rule("/b", "b", requires("read:data")(VIEW))
    found = listing(app)
    assert [(one.access, one.roles) for one in found.routes] == [("undeclared", None), ("protected", None)]
    assert [str(problem) for problem in found.everything_wrong] == [
        "GET /a: nothing says who may call it",
        "the application `shop` has no authorizer; call init_app(app, ...)",
    ]


def test_a_listing_is_json(app: Flask, protect: Protect) -> None:
    """Groups are lists, and what does not count is null."""
    protect(app)
    app.add_url_rule("/x", "x", public(reason="docs")(VIEW))
    found = listing(app)
    assert found.as_dict() == {
        "application": "shop",
        "policy": found.digest,
        "sound": True,
        "routes": [
            {
                "method": "GET", "rule": "/x", "endpoint": "x", "blueprint": "", "file": "", "line": 0,
                "access": "public", "demands": ['public(reason="docs")'], "permissions": [], "roles": None,
                "scopes": None, "problems": [],
            }
        ],
        "problems": [],
    }  # fmt: skip


def test_what_an_application_raises_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of the application is no finding on its routes."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "listing_broken.py").write_text("def make():\n    raise KeyError('DATABASE')\n")
    with pytest.raises(ApplicationNotFound) as caught:
        application("listing_broken:make()")
    assert str(caught.value) == (
        f"`listing_broken:make()` could not be made: {tmp_path / 'listing_broken.py'}, line 2: KeyError: 'DATABASE'"
    )
