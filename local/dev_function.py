"""What `make dev` serves: the function, and pages for development under `/dev/`, which never leave this machine."""

import functions_framework
import jinja2
from flask import Request, Response, send_from_directory
from flask.typing import ResponseReturnValue

import main
from local.dev import OUTBOX, kept_key
from local.programs import ROOT

PAGES = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT / "local"), autoescape=True, undefined=jinja2.StrictUndefined)


@functions_framework.http
def reports(request: Request) -> ResponseReturnValue:
    """Answer one request."""
    if request.path == "/dev/page":
        return Response(PAGES.get_template("dev_page.html").render(key=kept_key()), mimetype="text/html")
    if request.path == "/dev/outbox":
        names = sorted((file.name for file in OUTBOX.iterdir()), reverse=True)
        return Response(PAGES.get_template("dev_outbox.html").render(names=names), mimetype="text/html")
    if request.path.startswith("/dev/outbox/"):
        return send_from_directory(OUTBOX, request.path.removeprefix("/dev/outbox/"))
    return main.reports(request)
