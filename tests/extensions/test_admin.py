"""Flask-Admin: views that carry marks of their own, and views of the package declared by blueprint."""

from pathlib import Path

import flask_admin
import pytest
from flask import Flask
from flask.views import MethodView
from flask_admin.contrib.fileadmin import FileAdmin

from policy.flask import Authorizer, current_subject, public, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three, two, undeclared, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer


class Reports(flask_admin.BaseView):
    """A view whose functions carry their marks, on either side of what exposes them."""

    @flask_admin.expose("/")
    @requires("read:data")
    def index(self) -> str:
        return f"the reports for {current_subject.id}"

    @requires("update:data")
    @flask_admin.expose("/new", methods=("POST",))
    def new(self) -> str:
        return "a new report"

    @flask_admin.expose_plugview("/page")
    @requires("read:data")
    class Page(MethodView):
        def get(self, cls: flask_admin.BaseView) -> str:
            return f"a page of {cls.endpoint}"


class Forgotten(flask_admin.BaseView):
    @flask_admin.expose("/")
    def index(self) -> str:
        return "the secret"


@pytest.fixture
def authz(app: Flask, protect: Protect) -> Authorizer:
    return protect(app)


def declare_its_own(authz: Authorizer) -> None:
    """The first page of the package and its files."""
    authz.declare("admin.index", requires("read:data"))
    authz.declare("admin.static", public(reason="assets"))


def test_marks_on_its_views_are_enforced(app: Flask, authz: Authorizer) -> None:
    """On functions and on pluggable views."""
    flask_admin.Admin(app, name="Shop").add_view(Reports(name="Reports", endpoint="reports"))
    declare_its_own(authz)
    authz.seal()
    assert three(app, "/admin/reports/") == [NO_TOKEN, NO_ROLE, (200, "the reports for alice")]
    assert three(app, "/admin/reports/new", method="POST") == [NO_TOKEN, NO_ROLE, NO_ROLE]
    assert three(app, "/admin/reports/page") == [NO_TOKEN, NO_ROLE, (200, "a page of reports")]


def test_every_forgotten_route_is_named(app: Flask, authz: Authorizer) -> None:
    """The first page of the package, its files, and a view of one's own."""
    flask_admin.Admin(app, name="Shop").add_view(Forgotten(name="Forgotten", endpoint="forgotten"))
    assert refused_to_seal(authz) == [
        "GET /admin/static/<path:filename>: nothing says who may call the static folder; "
        'add `authz.declare("admin.static", public(reason="..."))`',
        undeclared("GET /admin/", "AdminIndexView.index", "admin.index"),
        unmarked("GET /admin/forgotten/", Forgotten.index.__wrapped__, "forgotten.index"),
    ]


def test_views_of_the_package_are_declared_by_blueprint(app: Flask, authz: Authorizer, tmp_path: Path) -> None:
    """One declaration for all routes of a view, and none of them runs for others."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one.txt").write_text("the content", encoding="utf-8")
    app.secret_key = "for the package's messages"
    flask_admin.Admin(app, name="Shop").add_view(FileAdmin(str(tmp_path / "files"), name="Files", endpoint="files"))
    authz.declare("files.*", requires("read:data"))
    declare_its_own(authz)
    authz.seal()
    for path in ("/admin/", "/admin/files/"):
        assert two(app, path) == [NO_TOKEN, NO_ROLE]
        assert ask(app, path, bearer(**VIEWER))[0] == 200
    assert three(app, "/admin/files/download/one.txt") == [NO_TOKEN, NO_ROLE, (200, "the content")]
    for headers, answer, stays in ((None, NO_TOKEN, True), (bearer(), NO_ROLE, True), (bearer(**VIEWER), None, False)):
        found = ask(app, "/admin/files/delete/", headers, method="POST", data={"path": "one.txt"})
        assert (found if answer else answer, (tmp_path / "files" / "one.txt").is_file()) == (answer, stays)
    assert ask(app, "/admin/static/admin/css/bootstrap4/admin.css")[0] == 200


def test_a_declaration_may_add_to_marks(app: Flask, authz: Authorizer) -> None:
    """Both must be met."""
    flask_admin.Admin(app, name="Shop").add_view(Reports(name="Reports", endpoint="reports"))
    declare_its_own(authz)
    authz.declare("reports.*", requires("update:data"))
    authz.seal()
    editor = bearer(roles=["editor"], scope="read:data update:data")
    assert three(app, "/admin/reports/") == [NO_TOKEN, NO_ROLE, NO_ROLE]
    assert ask(app, "/admin/reports/", editor) == (200, "the reports for alice")
    assert ask(app, "/admin/reports/page", editor) == (200, "a page of reports")
