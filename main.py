"""The HTTP function `reports`: routes, access and errors. The only place that reads the environment.

GET /reports/generate?client_id=1&week_ending=2025-01-19 with the header X-API-Key answers with that week's churn report.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import functions_framework
from flask import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from report.api import access
from report.api.logs import log_to_stdout, trace_name, trace_of_request
from report.api.parameters import Format, ParameterError, ReportParameters, names_a_key, parse_parameters
from report.api.rate_limit import WrongKeys
from report.api.sharing import Shared
from report.settings import SettingsError, read_settings
from report.week import Week, week_at

if TYPE_CHECKING:
    from report.build import Trace
    from report.pages.html import Page
    from report.schema import Report

MIME_TYPES: Mapping[Format, str] = {"json": "application/json", "html": "text/html", "pdf": "application/pdf"}

log_to_stdout()
logger = logging.getLogger(__name__)

SETTINGS = read_settings(os.environ)
if SETTINGS.api_keys_problem:
    logger.error("Nobody gets in: %s", SETTINGS.api_keys_problem)

MOST_ADDRESS_CHARACTERS = 2_000
"""So long may the path and the query be together; the framework's server knows no limit."""

MOST_BODY_BYTES = 65_536

WRONG_KEYS = WrongKeys()
REPORTS: "Shared[tuple[Report, Trace]]" = Shared(SETTINGS.report_cache_seconds)


class ProblemError(Exception):
    """What ends a request: an HTTP status and a sentence for whoever asked, with no word of how things work inside."""

    def __init__(self, status: int, detail: str, parameter: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.parameter = parameter
        self.headers = headers or {}


@functions_framework.http
def reports(request: Request) -> Response:
    """Answer one HTTP request. Whatever goes wrong is answered as a problem (RFC 9457), never with a stack trace."""
    trace_context = request.headers.get("traceparent") or request.headers.get("X-Cloud-Trace-Context")
    trace_of_request.set(trace_name(SETTINGS.warehouse.project, trace_context))
    try:
        response = _route(request)
    except ProblemError as problem:
        response = _problem(problem)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        response = _problem(ProblemError(500, "Something went wrong here; it has been noted. Please try again later."))
    for name, value in _cross_origin(request).items():
        response.headers[name] = value
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _route(request: Request) -> Response:
    if len(request.path) + len(request.query_string) > MOST_ADDRESS_CHARACTERS:
        raise ProblemError(414, f"Path and query take {MOST_ADDRESS_CHARACTERS:,} characters at most, together.")
    if _body_too_large(request):
        raise ProblemError(413, f"A body takes {MOST_BODY_BYTES:,} bytes at most.")
    routes = ROUTES.get(request.path)
    if request.method == "OPTIONS":
        return Response(status=204)
    if routes is None:
        raise ProblemError(404, "There is nothing here. GET /reports/generate makes a report.")
    handler = routes.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        raise ProblemError(405, f"This takes {_allowed(routes)}.", headers={"Allow": _allowed(routes)})
    return handler(request)


def _generate(request: Request) -> Response:
    started = monotonic()
    asked = _asked(request)
    report, trace, made = _make_or_share(request.headers["X-API-Key"], asked, _week(asked), started)
    trace = replace(trace, steps_ms=dict(trace.steps_ms) if made else {})
    response = _unless_known(request, report, asked.format or _accepted(request), trace)
    took = {"shared": not made, "total_milliseconds": round((monotonic() - started) * 1000, 1)}
    logger.info("report", extra={"fields": {**_log_fields(report, trace), **took}})
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Server-Timing"] = ", ".join(f"{step};dur={milliseconds}" for step, milliseconds in trace.steps_ms.items())
    return response


def _asked(request: Request) -> ReportParameters:
    """What is asked for, by somebody who may: the key is looked at first, and the client only after that."""
    grant = _grant(request)
    try:
        asked = parse_parameters({name: request.args.getlist(name) for name in request.args})
    except ParameterError as error:
        raise ProblemError(422, str(error), error.parameter) from error
    if not grant.covers(asked.client_id):
        raise ProblemError(403, "This API key does not cover that client.")
    return asked


def _week(asked: ReportParameters) -> Week:
    try:
        return week_at(datetime.now(UTC), SETTINGS.client(asked.client_id).zone(), asked.week_ending)
    except SettingsError as error:
        logger.error("Client %d: %s", asked.client_id, error)
        raise ProblemError(500, f"No report can be made: {error}.") from error
    except ValueError as error:
        raise ProblemError(422, f"week_ending is out of range: {error}", "week_ending") from error


def _make_or_share(key: str, asked: ReportParameters, week: Week, started: float) -> "tuple[Report, Trace, bool]":
    """The report, how it was made, and whether it was made for this very request or is shared with others of the same key."""
    from report import build  # its libraries take longer to load than all else: only a report waits for them
    from report.warehouse import WarehouseError, WarehouseTimeoutError

    def make() -> "tuple[Report, Trace]":
        deadline = started + SETTINGS.request_deadline_seconds
        trace = build.Trace()
        wanted = build.Request(asked.client_id, week, asked.include_customers, datetime.now(UTC), deadline, asked.include_history)
        return build.build_report(SETTINGS, wanted, trace), trace

    question = (access.hash_of(key), asked.client_id, week, asked.include_customers, asked.include_history)
    try:
        (report, trace), made = REPORTS.get(question, make, SETTINGS.request_deadline_seconds)
    except (WarehouseTimeoutError, TimeoutError) as error:
        logger.error("Client %d: %s", asked.client_id, error)
        raise ProblemError(504, "The data warehouse did not answer in time. Please try again in a moment.") from error
    except WarehouseError as error:
        logger.error("Client %d: %s", asked.client_id, error)
        raise ProblemError(502, "The data warehouse could not answer. Please try again later.") from error
    return report, trace, made


def _unless_known(request: Request, report: "Report", form: Format, trace: "Trace") -> Response:
    """The report, or 304 where the reader has this one already, whenever it was made."""
    content = report.model_dump_json(exclude={"meta": {"generated_at"}})
    etag = f"{hashlib.sha256(content.encode()).hexdigest()[:32]}-{form}"
    known = request.if_none_match.contains_weak(etag)
    response = Response(status=304) if known else _in_form(report, form, trace)
    response.set_etag(etag, weak=True)
    return response


def _accepted(request: Request) -> Format:
    """The form that the header Accept would rather have; JSON where it does not care."""
    mime_type = request.accept_mimetypes.best_match(list(MIME_TYPES.values()), default=MIME_TYPES["json"])
    return next(form for form, its_type in MIME_TYPES.items() if its_type == mime_type)


def _in_form(report: "Report", form: Format, trace: "Trace") -> Response:
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


def _generate_page(_: Request) -> Response:
    from report.pages import html

    return _page(html.generate_page())


def _log_fields(report: "Report", trace: "Trace") -> Mapping[str, object]:
    """What the line of one report says: whose, how much and how long; nothing about any customer."""
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


def _grant(request: Request) -> access.Grant:
    """What the request's key covers: the same work for every key. A right one gets in, whatever wrong ones came before."""
    key = request.headers.get("X-API-Key", "")
    grant = access.grant_of(key, SETTINGS.grants)
    if grant is None and key and (seconds := WRONG_KEYS.seconds_to_wait(_address(request))):
        detail = "Too many unknown API keys came from your address. Please wait a minute."
        raise ProblemError(429, detail, headers={"Retry-After": str(seconds)})
    if grant is None:
        detail = "The API key is not known." if key else "An API key is needed, in the header X-API-Key."
        if any(map(names_a_key, request.args)):
            detail += " In an address it is not taken, and no longer a secret: whoever keeps logs has it. Make another."
        raise ProblemError(401, detail, headers={"WWW-Authenticate": 'ApiKey realm="reports", header="X-API-Key"'})
    return grant


def _address(request: Request) -> str:
    """Where a request comes from: what Google's own front end, the last before the function, wrote down."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded or request.remote_addr or ""


def _weekly(request: Request) -> Response:
    """Build and send every client's weekly report: for Cloud Scheduler."""
    deadline = monotonic() + SETTINGS.weekly_deadline_seconds
    grant = _weekly_grant(request)
    from report.delivery import weekly  # with the libraries of a report

    try:
        asked = weekly.parse_request(request.get_data())
    except ParameterError as error:
        raise ProblemError(422, str(error), error.parameter) from error
    client_ids = [client_id for client_id in SETTINGS.clients if grant.covers(client_id)]
    if asked.client_ids is not None:
        client_ids = list(asked.client_ids)
        if not all(grant.covers(client_id) for client_id in client_ids):
            raise ProblemError(403, "This API key does not cover all of these clients.")
    page_url = SETTINGS.page_url or _own_address(request) + "/dashboard/reports"
    run = weekly.run_weekly(weekly.Round(SETTINGS, asked.week_ending, datetime.now(UTC), page_url, deadline), client_ids)
    status = 502 if run.to_be_tried_again else 200
    return Response(run.model_dump_json(), status, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _weekly_grant(request: Request) -> access.Grant:
    """What a weekly call covers: what its API key covers, or without a key everything, by Cloud Scheduler's token."""
    authorization = request.headers.get("Authorization")
    if authorization is None or "X-API-Key" in request.headers:
        return _grant(request)

    from report.api import oidc  # with the libraries of a report

    token = oidc.bearer_token(authorization)
    if token is None:
        return _grant(request)
    try:
        oidc.check_weekly_call(token, SETTINGS.scheduler)
    except oidc.TokenError as error:
        logger.warning("A token for the weekly run was refused: %s", error)
        raise ProblemError(401, "The token is not the weekly call's.", headers={"WWW-Authenticate": "Bearer"}) from error
    except oidc.CertificatesError as error:
        logger.error("A token for the weekly run could not be checked: %s", error)
        raise ProblemError(502, "The token could not be checked. Please try again later.") from error
    return access.Grant(None)


def _body_too_large(request: Request) -> bool:
    """Read the body, unless it is too large: the framework would read all of it before any answer goes out."""
    request.max_content_length = MOST_BODY_BYTES + 1  # where the length is not told, so much is read and then no error raised
    try:
        return len(request.get_data()) > MOST_BODY_BYTES
    except RequestEntityTooLarge:
        return True


def _own_address(request: Request) -> str:
    """Where this function was reached. TLS ends in front of it, so it cannot see that it was https."""
    here = request.host.rpartition(":")[0] in ("127.0.0.1", "localhost")
    return f"{'http' if here else 'https'}://{request.host}"


def _openapi(_: Request) -> Response:
    from report.api.openapi import description

    return Response(description(), mimetype="application/json", headers={"Cache-Control": "public, max-age=3600"})


def _health(_: Request) -> Response:
    return Response('{"status":"ok"}', mimetype="application/json")


ROUTES: Mapping[str, Mapping[str, Callable[[Request], Response]]] = {
    "/": {"GET": _generate_page},
    "/dashboard/reports": {"GET": _generate_page},
    "/reports/generate": {"GET": _generate},
    "/reports/weekly": {"POST": _weekly},
    "/openapi.json": {"GET": _openapi},
    "/health": {"GET": _health},
}


def _allowed(routes: Mapping[str, Callable[[Request], Response]]) -> str:
    return ", ".join(sorted({*routes, "OPTIONS", *(["HEAD"] if "GET" in routes else [])}))


def _cross_origin(request: Request) -> Mapping[str, str]:
    """The headers that let a frontend of `ALLOWED_ORIGINS`, and no other, read the answer."""
    origin = request.headers.get("Origin")
    vary = {"Vary": "Accept, Origin, X-API-Key"}
    if origin not in SETTINGS.allowed_origins:
        return vary
    return vary | {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "If-None-Match, X-API-Key",
        "Access-Control-Expose-Headers": "Content-Disposition, ETag, Server-Timing",
        "Access-Control-Max-Age": "3600",
    }


def _problem(problem: ProblemError) -> Response:
    from report.schema import Problem

    body = Problem.of(problem.status, problem.detail, problem.parameter)
    response = Response(body.model_dump_json(exclude_none=True), status=problem.status, mimetype="application/problem+json")
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    if problem.status == 413:
        response.response = response.iter_encoded()  # for anything but a stream the framework would read the body after all
    return response
