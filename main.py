"""The HTTP function `reports`: routes, access and errors. Only this file reads the environment.

GET /reports/generate?client_id=1&week_ending=2025-01-19 with the header X-API-Key returns the churn report of that week.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import functions_framework
from flask import Flask, Request, Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from report.api import access, links
from report.api.logs import log_to_stdout, trace_name, trace_of_request
from report.api.rate_limit import WrongKeys
from report.api.sharing import Shared
from report.settings import SettingsError, read_settings
from report.week import Week, week_at

if TYPE_CHECKING:
    from report.api.parameters import Format, Query, ReportQuery, SharedQuery, WeekQuery
    from report.build import Trace
    from report.pages.html import Page
    from report.schema import Report

MIME_TYPES: "Mapping[Format, str]" = {"json": "application/json", "html": "text/html", "pdf": "application/pdf"}

log_to_stdout()
logger = logging.getLogger(__name__)

SETTINGS = read_settings(os.environ)
for settings_problem in SETTINGS.problems():
    logger.error("%s", settings_problem)

REVISION = os.environ.get("K_REVISION", "")
"""Which deployment this is: another one may show the same report in other words."""

MAX_ADDRESS_CHARACTERS = 2_000
"""The longest path and query together; the framework's server has no limit."""

MAX_BODY_BYTES = 65_536

SHARED = "/reports/shared"

REFUSED_FOR_GOOD = (
    "The data warehouse refused the query. The operator of this service has to put that right; trying again will not help."
)

WRONG_KEYS = WrongKeys()
REPORTS: "Shared[tuple[Report, Trace]]" = Shared(SETTINGS.report_cache_seconds)

app = Flask(__name__, static_folder=None)
app.url_map.merge_slashes = False


@functions_framework.http
def reports(of_framework: Request) -> Response:
    """Answer one HTTP request."""
    with app.request_context(of_framework.environ):
        return app.full_dispatch_request()


# Before and after every route


@app.before_request
def _look_at_the_request() -> Response | None:
    """Note the trace, refuse requests that are too large, and answer OPTIONS on every path."""
    trace_context = request.headers.get("traceparent") or request.headers.get("X-Cloud-Trace-Context")
    trace_of_request.set(trace_name(SETTINGS.warehouse.project, trace_context))
    if len(request.path) + len(request.query_string) > MAX_ADDRESS_CHARACTERS:
        raise ProblemError(414, f"Path and query take at most {MAX_ADDRESS_CHARACTERS:,} characters together.")
    request.environ["wsgi.input"] = BytesIO(_body())  # the framework reads it again after the answer
    return Response(status=204) if request.method == "OPTIONS" else None


def _body() -> bytes:
    """Read the body, unless it is too large."""
    request.max_content_length = MAX_BODY_BYTES + 1  # without a Content-Length, this much is read without an error
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        body = None
    if body is None or len(body) > MAX_BODY_BYTES:
        raise ProblemError(413, f"A body takes at most {MAX_BODY_BYTES:,} bytes.")
    return body


@app.after_request
def _with_common_headers(response: Response) -> Response:
    """Let only the frontends of `ALLOWED_ORIGINS` read the answer."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Vary"] = "Accept, Origin, X-API-Key"
    origin = request.headers.get("Origin")
    if origin in SETTINGS.allowed_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "If-None-Match, X-API-Key"
        response.headers["Access-Control-Expose-Headers"] = "Content-Disposition, ETag, Link, Retry-After, Server-Timing"
        response.headers["Access-Control-Max-Age"] = "3600"
    return response


# Problems: every error is answered in the format of RFC 9457, never with a stack trace


class ProblemError(Exception):
    """An error that ends a request with an HTTP status and a sentence for the reader, which reveals no internals."""

    def __init__(self, status: int, detail: str, parameter: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.parameter = parameter
        self.headers = headers or {}


@app.errorhandler(ProblemError)
def _problem(problem: ProblemError) -> Response:
    from report.schema import Problem

    body = Problem.of(problem.status, problem.detail, problem.parameter)
    if request.path == SHARED and _accepted() == "html":  # a link in a message is opened by a person
        from report.pages import html

        response = _page(html.problem(body.detail))
        response.status_code = problem.status
    else:
        response = Response(body.model_dump_json(exclude_none=True), status=problem.status, mimetype="application/problem+json")
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    if problem.status == 413:
        response.response = response.iter_encoded()  # unless the answer is a stream, the framework would still read the body
    return response


@app.errorhandler(NotFound)
def _not_found(_: NotFound) -> Response:
    return _problem(ProblemError(404, "There is nothing here. GET /reports/generate makes a report."))


@app.errorhandler(MethodNotAllowed)
def _method_not_allowed(error: MethodNotAllowed) -> Response:
    allowed = ", ".join(sorted(error.valid_methods or ()))
    return _problem(ProblemError(405, f"This takes {allowed}.", headers={"Allow": allowed}))


@app.errorhandler(HTTPException)
def _other_refusal(error: HTTPException) -> Response:
    return _problem(ProblemError(error.code or 400, "The request cannot be read."))


@app.errorhandler(Exception)
def _unexpected(_: Exception) -> Response:
    logger.exception("%s %s failed", request.method, request.path)
    return _problem(ProblemError(500, "Something went wrong here. It has been logged. Please try again later."))


# Reports


@app.get("/reports/generate")
def _generate() -> Response:
    """Make one client's report of one week, in the requested format."""
    started = monotonic()
    asked = _asked()
    reader = access.hash_of(request.headers["X-API-Key"])
    wanted = _Wanted(asked.client_id, _week(asked), "customers" in asked.include, "history" in asked.include)
    return _answer(reader, wanted, asked.format or _accepted(), started)


@app.get(SHARED)
def _shared() -> Response:
    """Open the report of a signed link, without personal data."""
    started = monotonic()
    asked = _shared_query()
    response = _answer("a signed link", _Wanted(asked.client_id, _week(asked), False, True), asked.format, started)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _shared_query() -> "SharedQuery":
    """Read and check a signed link. A wrong signature counts like a wrong key."""
    from report.api.parameters import ParameterError, parse_shared_parameters

    try:
        asked = parse_shared_parameters(_arguments())
    except ParameterError as error:
        raise ProblemError(422, str(error), error.parameter) from error
    link = (asked.client_id, asked.week_ending, asked.expires)
    found = links.link_problem(SETTINGS.link_secret, link, asked.signature, datetime.now(UTC))
    if found == "wrong":
        _count_wrong_key("signed links")
        raise _not_allowed("This link is not valid: it was changed on its way, or revoked. Ask for the report with an API key.")
    if found == "expired":
        raise _not_allowed("This link has expired. Open the one in the newest message, or ask for the report with an API key.")
    return asked


@dataclass(frozen=True)
class _Wanted:
    """The requested report, and what it includes."""

    client_id: int
    week: Week
    customers: bool
    history: bool


def _answer(reader: str, wanted: _Wanted, form: "Format", started: float) -> Response:
    """Answer with a report: a new one, or one that the same reader requested a moment ago."""
    report, trace, made = _make_or_share(reader, wanted, started)
    trace = replace(trace, steps_ms=dict(trace.steps_ms) if made else {})
    response = _unless_known(report, form, trace)
    took = {"shared": not made, "total_milliseconds": round((monotonic() - started) * 1000, 1)}
    logger.info("report", extra={"fields": {**_log_fields(report, trace), **took}})
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Server-Timing"] = ", ".join(f"{step};dur={milliseconds}" for step, milliseconds in trace.steps_ms.items())
    return response


def _asked() -> "ReportQuery":
    """Read which report is requested, and check that the key covers it."""
    from report.api.parameters import parse_parameters

    grant = _grant()
    asked = _read_query(grant, parse_parameters)
    if "customers" in asked.include:
        _check_personal(grant, "Leave out include=customers, or ask")
    return asked


def _arguments() -> Mapping[str, Sequence[str]]:
    return {name: request.args.getlist(name) for name in request.args}


def _read_query(grant: access.Grant, parse: "Callable[[Mapping[str, Sequence[str]]], Query]") -> "Query":
    """Read the query, then check that the key covers its client. The key itself was checked before."""
    from report.api.parameters import ParameterError

    try:
        asked = parse(_arguments())
    except ParameterError as error:
        raise ProblemError(422, str(error), error.parameter) from error
    if not grant.covers(asked.client_id):
        raise ProblemError(403, "This API key does not cover that client.")
    return asked


def _check_personal(grant: access.Grant, advice: str) -> None:
    if not grant.customers:
        detail = "This API key does not cover customers' personal data."
        raise ProblemError(403, f"{detail} {advice} the operator of this service for a key that covers it.")


def _week(asked: "WeekQuery") -> Week:
    try:
        week = week_at(datetime.now(UTC), SETTINGS.client(asked.client_id).zone(), asked.week_ending)
    except SettingsError as error:
        logger.error("Client %d: %s", asked.client_id, error)
        raise ProblemError(500, f"No report can be made: {error}.") from error
    except ValueError as error:
        raise ProblemError(422, f"week_ending is out of range: {error}", "week_ending") from error
    if not week.begun:
        raise ProblemError(422, week.not_begun, "week_ending")
    return week


def _make_or_share(reader: str, wanted: _Wanted, started: float) -> "tuple[Report, Trace, bool]":
    """Return the report, its trace, and whether it was made for this request (False: it is shared with the same reader)."""
    from report import build  # its libraries load slowly: only requests for a report wait for them

    def make() -> "tuple[Report, Trace]":
        deadline = started + SETTINGS.request_deadline_seconds
        trace, now = build.Trace(), datetime.now(UTC)
        asked = build.Request(wanted.client_id, wanted.week, wanted.customers, now, deadline, wanted.history)
        return build.build_report(SETTINGS, asked, trace), trace

    with _warehouse_problems(wanted.client_id):
        (report, trace), made = REPORTS.get((reader, wanted), make, SETTINGS.request_deadline_seconds)
    return report, trace, made


@contextmanager
def _warehouse_problems(client_id: int) -> Iterator[None]:
    """Turn errors of BigQuery inside the block into problems, and log them."""
    from report.warehouse import WarehouseError, WarehouseTimeoutError

    try:
        yield
    except (WarehouseTimeoutError, TimeoutError) as error:
        logger.error("Client %d: %s", client_id, error)
        raise ProblemError(504, "The data warehouse did not answer in time. Please try again in a moment.") from error
    except WarehouseError as error:
        logger.error("Client %d: %s", client_id, error)
        raise ProblemError(
            502, REFUSED_FOR_GOOD if error.permanent else "The data warehouse failed. Please try again later."
        ) from error


@app.get("/reports/customers")
def _customers() -> Response:
    """List the customers of an action by name. Requires a key that covers personal data."""
    started = monotonic()
    from report.api.parameters import MAX_LIST_PAGES, parse_list_parameters

    grant = _grant()
    asked = _read_query(grant, parse_list_parameters)
    _check_personal(grant, "Ask")
    week = _week(asked)

    from report import build  # imports the libraries of a report
    from report.pages.lists import list_as_csv

    trace = build.Trace()
    wanted = build.Request(asked.client_id, week, True, datetime.now(UTC), started + SETTINGS.request_deadline_seconds)
    with _warehouse_problems(asked.client_id):
        found = build.build_list(SETTINGS, wanted, asked.list, asked.page, trace)
    if asked.format == "csv":
        response = Response(list_as_csv(found, asked.layout), mimetype="text/csv")
        name = f"{asked.list}-{asked.client_id}-{week.ending}".replace("_", "-")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    else:
        response = Response(found.model_dump_json(), mimetype="application/json")
    pages = min(-(-(found.total or 0) // build.LIST_PAGE_SIZE), MAX_LIST_PAGES)
    if asked.page < pages:
        query = urlencode(request.args.to_dict() | {"page": asked.page + 1, "week_ending": week.ending})
        response.headers["Link"] = f'<customers?{query}>; rel="next"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["Server-Timing"] = ", ".join(f"{step};dur={milliseconds}" for step, milliseconds in trace.steps_ms.items())
    fields = {"client_id": asked.client_id, "list": asked.list, "page": asked.page, "customers": len(found.customers)}
    logger.info("customers", extra={"fields": {**fields, "milliseconds": trace.steps_ms}})
    return response


def _unless_known(report: "Report", form: "Format", trace: "Trace") -> Response:
    """Answer with the report, or with 304 if the reader already has it. The time at which it was made does not count."""
    content = report.model_dump_json(exclude={"meta": {"generated_at"}})
    etag = f"{hashlib.sha256(f'{REVISION}{content}'.encode()).hexdigest()[:32]}-{form}"
    known = request.if_none_match.contains_weak(etag)
    response = Response(status=304) if known else _in_form(report, form, trace)
    response.set_etag(etag, weak=True)
    return response


def _accepted() -> "Format":
    """Return the format that the header Accept prefers, without regard to its parameters; JSON if it has no preference."""
    accepted = MIMEAccept([(value.partition(";")[0].strip(), quality) for value, quality in request.accept_mimetypes])
    mime_type = accepted.best_match(list(MIME_TYPES.values()), default=MIME_TYPES["json"])
    return next(form for form, its_type in MIME_TYPES.items() if its_type == mime_type)


def _in_form(report: "Report", form: "Format", trace: "Trace") -> Response:
    if form == "json":
        return Response(report.model_dump_json(), mimetype=MIME_TYPES[form])

    from report.pages import html, pdf
    from report.pages.view import file_name, view

    with trace.step(form):
        if form == "pdf":
            response = Response(pdf.document(view(report)), mimetype=MIME_TYPES[form])
        else:
            response = _page(html.document(view(report)))
    disposition = "attachment" if form == "pdf" else "inline"
    response.headers["Content-Disposition"] = f'{disposition}; filename="{file_name(report)}.{form}"'
    return response


def _page(page: "Page") -> Response:
    response = Response(page.html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = page.policy
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _log_fields(report: "Report", trace: "Trace") -> Mapping[str, object]:
    """Return the fields of a report's log line: client, sizes and times; nothing about a single customer."""
    return {
        "client_id": report.meta.client_id,
        "week_ending": report.week_ending.isoformat(),
        "customers": report.report_data.summary.totalCustomers,
        "cells": trace.cells,
        "milliseconds": trace.steps_ms,
        "bytes_processed": trace.bytes_processed,
        "model_version": report.meta.model_version,
        "outside_training_range": report.meta.outside_training_range,
        "summary_source": report.meta.summary_source,
        "summary_reason": trace.summary_reason,
    }


# Access


def _grant() -> access.Grant:
    """Return what the request's key covers. A known key always gets in, even after many wrong keys from its address."""
    key = request.headers.get("X-API-Key", "")
    grant = access.grant_of(key, SETTINGS.grants)
    if grant is None and key:
        _count_wrong_key("API keys")
    if grant is None:
        detail = "The API key is not known." if key else "An API key is needed, in the header X-API-Key."
        if any(map(access.names_a_key, request.args)):
            detail += " In an address it is not taken, and it is no longer a secret there: addresses get into logs. Make another."
        raise _not_allowed(detail)
    return grant


def _count_wrong_key(of_what: str) -> None:
    """Count a wrong key or signature. Raise ProblemError if the address sent too many."""
    if seconds := WRONG_KEYS.seconds_to_wait(_address()):
        detail = f"Too many unknown {of_what} came from your address. Please wait a minute."
        raise ProblemError(429, detail, headers={"Retry-After": str(seconds)})


def _not_allowed(detail: str) -> ProblemError:
    return ProblemError(401, detail, headers={"WWW-Authenticate": 'ApiKey realm="reports", header="X-API-Key"'})


def _address() -> str:
    """Return the address of the caller, as noted by Google's front end, the last proxy before the function."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded or request.remote_addr or ""


# The weekly run


@app.post("/reports/weekly")
def _weekly() -> Response:
    """Build and send every client's weekly report. Cloud Scheduler calls this."""
    deadline = monotonic() + SETTINGS.weekly_deadline_seconds
    grant = _weekly_grant()
    from report.api.parameters import ParameterError
    from report.delivery import weekly  # imports the libraries of a report

    try:
        asked = weekly.parse_request(request.get_data())
    except ParameterError as error:
        raise ProblemError(422, str(error), error.parameter) from error
    client_ids = [client_id for client_id in SETTINGS.clients if grant.covers(client_id)]
    if asked.client_ids is not None:
        client_ids = list(asked.client_ids)
        if not all(grant.covers(client_id) for client_id in client_ids):
            raise ProblemError(403, "This API key does not cover all of these clients.")
    page_url = SETTINGS.page_url or _own_address() + "/dashboard/reports"
    shared_url = _own_address() + SHARED
    job = weekly.WeeklyJob(SETTINGS, asked.week_ending, datetime.now(UTC), page_url, shared_url, deadline)
    run = weekly.run_weekly(job, client_ids)
    status = 502 if run.to_be_tried_again else 200
    return Response(run.model_dump_json(), status, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _weekly_grant() -> access.Grant:
    """Return what a weekly call covers: what its API key covers, or all clients with Cloud Scheduler's token."""
    authorization = request.headers.get("Authorization")
    if authorization is None or "X-API-Key" in request.headers:
        return _grant()

    from report.api import oidc  # imports Google's authentication library

    token = oidc.bearer_token(authorization)
    if token is None:
        return _grant()
    try:
        oidc.check_weekly_call(token, SETTINGS.scheduler)
    except oidc.TokenError as error:
        logger.warning("A token for the weekly run was refused: %s", error)
        raise ProblemError(401, "The token is not the weekly call's.", headers={"WWW-Authenticate": "Bearer"}) from error
    except oidc.CertificatesError as error:
        logger.error("A token for the weekly run could not be checked: %s", error)
        raise ProblemError(502, "The token could not be checked. Please try again later.") from error
    return access.Grant(None, customers=False)


def _own_address() -> str:
    """Return the address of this function. TLS ends in front of it, so the function cannot see that it was https."""
    here = request.host.rpartition(":")[0] in ("127.0.0.1", "localhost")
    return f"{'http' if here else 'https'}://{request.host}"


# Routes without a key


@app.get("/")
@app.get("/dashboard/reports")
def _generate_page() -> Response:
    """Show the page on which a reader requests a report."""
    from report.pages import html

    return _page(html.generate_page())


@app.get("/openapi.json")
def _openapi() -> Response:
    """Describe the contract."""
    from report.api.openapi import description

    return Response(description(), mimetype="application/json", headers={"Cache-Control": "public, max-age=3600"})


@app.get("/health")
def _health() -> Response:
    """Say that the function is up."""
    return Response('{"status":"ok"}', mimetype="application/json")
