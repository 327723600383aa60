"""Texts of applications for `policy routes`: what all begin with, views that are declared, and some that are not."""

HEAD = """\
from flask import Blueprint, Flask
from policy.flask import Authorizer, authenticated, public, requires

app = Flask("shop", static_folder=None)
authz = Authorizer(app, policy="policies", audit=None)


"""
SOUND = """\
@app.get("/data")
@requires("read:data")
def read():
    return "x"


@app.put("/data/<int:id>")
@requires("read:data", "update:data")
def update(id):
    return "x"


@app.get("/health")
@public(reason="asked by the load balancer")
def health():
    return "well"
"""
FORGETFUL = """\
docs = Blueprint("docs", __name__, url_prefix="/docs")


@docs.get("/")
def index():
    return "x"


@docs.get("/<path:page>")
@docs.post("/<path:page>")
def page(page):
    return "x"


@app.get("/me")
@authenticated
def me():
    return "x"


@app.get("/data")
@requires("read:dta")
def read():
    return "x"


@app.delete("/data", endpoint="drop")
def drop():
    return "x"


app.register_blueprint(docs)
"""
