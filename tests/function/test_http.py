"""What a key opens, and how the function refuses everything else."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from local.function import Answer, Function
from local.programs import ROOT
from report.api.access import grant_of, hash_of, main, parse_api_keys
from report.settings import SettingsError, read_settings
from tests.support.loopback import bigquery as loopback

WEEK = "week_ending=2025-01-19"
KEYS = {
    "for one and two": [1, 2],
    "for all": "*",
    "for nobody": [],
    "for figures alone": {"clients": "*", "customers": False},
}
EAST, WEST = 4, 5
"""Clients whose dates always differ: their time zones are 25 hours apart."""


@pytest.fixture(scope="module")
def function(serve: Callable[..., Function]) -> Function:
    return serve(
        API_KEYS={hash_of(key): clients for key, clients in KEYS.items()},
        ALLOWED_ORIGINS="https://shop.example, https://admin.example",
        CLIENTS={
            "2": {"name": "Nowhere", "time_zone": "Mars/Olympus"},
            EAST: {"time_zone": "Pacific/Kiritimati"},
            WEST: {"time_zone": "Pacific/Pago_Pago"},
        },
    )


def problem(answer: Answer, status: int) -> dict[str, Any]:
    """Return the problem in an answer, which must be one of RFC 9457 and tell nothing about the inside."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert {"type", "title", "status", "detail"} <= said.keys() <= {"type", "title", "status", "detail", "parameter"}
    assert said["status"] == status
    assert not any(word in answer.text for word in ("Traceback", "SELECT", "analytics", ".py", "`"))
    return said


@pytest.mark.parametrize("key", ["", "unknown", "for one", "FOR ALL", hash_of("for all")])
def test_without_a_known_key_nothing_is_told_whatever_is_asked(function: Function, key: str) -> None:
    questions = ["client_id=1", "client_id=2", "client_id=77", "client_id=x", "", "client_id=1&week_ending=never"]
    answers = [function.ask(f"/reports/generate?{question}", key=key) for question in questions]
    assert len({answer.body for answer in answers}) == 1
    problem(answers[0], 401)
    assert answers[0].headers["www-authenticate"].startswith("ApiKey")


@pytest.mark.parametrize(
    ("key", "client_id", "status"),
    [
        ("for one and two", 1, 200),
        ("for one and two", 3, 403),
        ("for all", 3, 200),
        ("for nobody", 1, 403),
    ],
)
def test_a_key_covers_its_clients_alone(function: Function, key: str, client_id: int, status: int) -> None:
    assert function.ask(f"/reports/generate?client_id={client_id}&{WEEK}", key=key).status == status


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "client_id"),
        (WEEK, "client_id"),
        ("client_id=", "client_id"),
        ("client_id=0", "client_id"),
        ("client_id=-1", "client_id"),
        ("client_id=1.5", "client_id"),
        ("client_id=%D9%A1", "client_id"),  # an Arabic one
        ("client_id=9223372036854775808", "client_id"),  # does not fit into INT64
        ("client_id=1&client_id=2", "client_id"),
        ("client_id=1&week_ending=", "week_ending"),
        ("client_id=1&week_ending=19.01.2025", "week_ending"),
        ("client_id=1&week_ending=20250119", "week_ending"),
        ("client_id=1&week_ending=2025-02-30", "week_ending"),
        ("client_id=1&week_ending=0001-01-05", "week_ending"),
        ("client_id=1&week_ending=9999-12-31", "week_ending"),
        ("client_id=1&format=xml", "format"),
        ("client_id=1&include=everything", "include"),
        ("client_id=1&weekending=2025-01-19", "weekending"),
    ],
)
def test_a_bad_parameter_is_named_with_what_it_takes(function: Function, query: str, parameter: str) -> None:
    said = problem(function.ask(f"/reports/generate?{query}", key="for all"), 422)
    assert said["parameter"] == parameter
    assert parameter in said["detail"]


def test_a_key_without_the_right_reads_no_personal_data_and_is_told_what_to_do(function: Function) -> None:
    for include in ("customers", "history,customers"):
        said = problem(function.ask(f"/reports/generate?client_id=1&{WEEK}&include={include}", key="for figures alone"), 403)
        assert "Leave out include=customers, or ask" in said["detail"]
    assert function.ask(f"/reports/generate?client_id=1&{WEEK}&include=history", key="for figures alone").status == 200
    assert function.ask(f"/reports/generate?client_id=1&{WEEK}&include=customers", key="for all").status == 200


def test_a_week_is_answered_from_its_first_day_in_the_clients_time_zone_and_refused_before(function: Function) -> None:
    begins = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()  # where it is not yet this day for more than an hour
    path = f"/reports/generate?client_id={{}}&week_ending={begins + timedelta(days=6)}"
    assert function.ask(path.format(EAST), key="for all").json()["meta"]["partial"] is True
    said = problem(function.ask(path.format(WEST), key="for all"), 422)
    assert said["parameter"] == "week_ending"
    assert str(begins) in said["detail"]
    assert problem(function.ask("/reports/generate?client_id=1&week_ending=9999-12-29", key="for all"), 422)


@pytest.mark.parametrize("week_ending", ["0001-07-01", "1970-01-01"])
def test_any_week_of_the_past_has_a_report(function: Function, week_ending: str) -> None:
    answer = function.ask(f"/reports/generate?client_id=1&week_ending={week_ending}", key="for all")
    assert (answer.status, answer.json()["week_ending"]) == (200, week_ending)


def test_a_bad_time_zone_fails_that_client_alone_and_says_so(function: Function) -> None:
    said = problem(function.ask(f"/reports/generate?client_id=2&{WEEK}", key="for all"), 500)
    assert "Mars/Olympus" in said["detail"]
    assert any(line["severity"] == "ERROR" and "Mars/Olympus" in line["message"] for line in function.log())
    assert function.ask(f"/reports/generate?client_id=1&{WEEK}", key="for all").status == 200


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (400, "invalidQuery", "trying again will not help"),
        (400, "bytesBilledLimitExceeded", "trying again will not help"),
        (403, "accessDenied", "trying again will not help"),
        (404, "notFound", "trying again will not help"),
        (503, "backendError", "Please try again later"),
    ],
)
def test_nobody_is_told_to_try_again_what_cannot_heal_by_itself(
    serve: Callable[..., Function], status: int, reason: str, said: str
) -> None:
    with loopback.loopback_bigquery(loopback.refuses(status, reason, "It was refused")) as bigquery:
        function = serve(BIGQUERY_EMULATOR_HOST=bigquery.endpoint, REQUEST_DEADLINE_SECONDS="4")
        told = problem(function.ask(f"/reports/generate?client_id=1&{WEEK}"), 502)["detail"]
    assert said in told
    assert ("try again" in told) is (said == "Please try again later")


def test_an_unknown_path_is_404_and_a_wrong_method_405_with_what_is_allowed(function: Function) -> None:
    problem(function.ask("/reports"), 404)
    problem(function.ask("/reports/generate/"), 404)
    wrong = function.ask("/reports/generate?client_id=1", method="POST", key="for all", body="{}")
    problem(wrong, 405)
    assert wrong.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/reports/generate", "/reports/weekly", "/nowhere"])
def test_options_is_204_anywhere_and_head_is_get_without_a_body(function: Function, path: str) -> None:
    options = function.ask(path, method="OPTIONS", key="")
    assert (options.status, options.body) == (204, b"")
    get, head = (function.ask(path, method=method, key="") for method in ("GET", "HEAD"))
    assert (head.status, head.body, head.headers["content-type"]) == (get.status, b"", get.headers["content-type"])


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/html;charset=utf-8", "text/html"),
        ("text/html; level=1; q=0.5, application/json;q=0.4", "text/html"),
        ("application/json;profile=x, text/html;q=0.9", "application/json"),
        ("application/json;profile=x;q=0.2, text/html;q=0.9", "text/html"),
        ("application/pdf;version=1.7", "application/pdf"),
        ("TEXT/HTML;charset=utf-8", "text/html"),
        ("image/png;x=y", "application/json"),
        (";,;=,text", "application/json"),
    ],
)
def test_the_header_accept_decides_the_form_whatever_its_parameters(
    function: Function, accept: str | None, content_type: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = function.ask(f"/reports/generate?client_id=1&{WEEK}", key="for all", headers=headers)
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, content_type)
    asked_for = function.ask(f"/reports/generate?client_id=1&{WEEK}&format=json", key="for all", headers=headers)
    assert asked_for.headers["content-type"] == "application/json"


def test_what_needs_no_report_loads_nothing_of_one() -> None:
    code = """
import sys
from main import app
reader = app.test_client()
for path in ("/health", "/openapi.json", "/nowhere", "/reports/generate"):
    reader.get(path)
print({"report.build", "report.warehouse", "numpy", "xgboost", "google.cloud.bigquery"} & set(sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "set()"


def test_health_needs_no_key(function: Function) -> None:
    assert function.ask("/health", key="").json() == {"status": "ok"}


@pytest.mark.parametrize(("origin", "allowed"), [("https://shop.example", True), ("https://evil.example", False)])
def test_only_the_frontends_own_origins_may_read_an_answer(function: Function, origin: str, allowed: bool) -> None:
    preflight = function.ask("/reports/generate", method="OPTIONS", key="", headers={"Origin": origin})
    report = function.ask(f"/reports/generate?client_id=1&{WEEK}", key="for all", headers={"Origin": origin})
    refused = function.ask("/reports/generate", key="", headers={"Origin": origin})
    assert preflight.status == 204
    for answer in (preflight, report, refused):
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert answer.headers["vary"] == "Accept, Origin, X-API-Key"
        exposed = answer.headers.get("access-control-expose-headers")
        assert exposed == ("Content-Disposition, ETag, Link, Retry-After, Server-Timing" if allowed else None)
    assert preflight.headers.get("access-control-allow-headers") == ("If-None-Match, X-API-Key" if allowed else None)


@pytest.mark.parametrize(
    "api_keys",
    [
        None,
        "",
        "not JSON",
        "[]",
        {"too short": [1]},
        {hash_of("a key"): "all"},
        {hash_of("a key"): ["1"]},
        {hash_of("a key"): [True]},
        {hash_of("a key"): [1], hash_of("another"): None},
    ],
)
def test_missing_or_broken_api_keys_let_nobody_in(api_keys: object) -> None:
    environment = {} if api_keys is None else {"API_KEYS": api_keys if isinstance(api_keys, str) else json.dumps(api_keys)}
    settings = read_settings(environment)
    assert settings.api_keys_problem
    assert "API_KEYS" in settings.api_keys_problem
    assert grant_of("a key", settings.grants) is None


def test_a_new_key_opens_what_its_entry_says() -> None:
    lines = main(["1", "7"]).splitlines()
    grant = grant_of(lines[1], parse_api_keys(lines[-1]))
    assert grant is not None
    assert [client for client in range(1, 9) if grant.covers(client)] == [1, 7]


@pytest.mark.parametrize(
    "environment",
    [
        {"CLIENTS": "not JSON"},
        {"CLIENTS": '{"one": {}}'},
        {"ALLOWED_ORIGINS": "https://shop.example/"},
        {"BIGQUERY_MAX_BYTES_BILLED": "1 TB"},
        {"GEMINI_TIMEOUT_SECONDS": "-1"},
        {"EVENTS_TABLE": "events` WHERE TRUE --"},
    ],
)
def test_a_broken_setting_stops_the_function_and_says_which(environment: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(environment))):
        read_settings(environment)


def test_readers_of_the_same_report_share_it_and_nobody_else_does(
    serve: Callable[..., Function], load_events: Callable[[list[dict[str, Any]]], None], client_id: int
) -> None:
    function = serve(API_KEYS={hash_of(key): "*" for key in ("one key", "another key")}, REPORT_CACHE_SECONDS="600")
    path = f"/reports/generate?client_id={client_id}&{WEEK}"

    def customers(key: str, path: str = path) -> int:
        return function.ask(path, key=key).json()["report_data"]["summary"]["totalCustomers"]

    first = function.ask(path, key="one key")
    assert first.headers["cache-control"] == "private, no-cache"
    load_events([{"user_id": "ann", "event_type": "purchase", "timestamp": "2025-01-14", "price": "9.99"}])
    assert function.ask(path, key="one key").body == first.body  # made a moment ago
    assert customers("another key") == 1
    assert customers("one key", path + "&include=customers") == 1
    assert customers("one key", path.replace(str(client_id), str(client_id + 1_000_000))) == 0


def test_another_deployment_shows_the_report_anew(function: Function, serve: Callable[..., Function]) -> None:
    path = f"/reports/generate?client_id=1&{WEEK}&format=html"
    known = {"If-None-Match": function.ask(path, key="for all").headers["etag"]}
    assert function.ask(path, key="for all", headers=known).status == 304
    assert serve(K_REVISION="churn-report-00002").ask(path, headers=known).status == 200


def test_a_reader_who_has_the_report_already_gets_304(function: Function) -> None:
    path = f"/reports/generate?client_id=1&{WEEK}"
    first = function.ask(path, key="for all")
    etag = first.headers["etag"]
    again = function.ask(path, key="for all", headers={"If-None-Match": etag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert function.ask(path, key="for all", headers={"If-None-Match": 'W/"another"'}).status == 200
    assert function.ask(path, key="for nobody", headers={"If-None-Match": etag}).status == 403
    assert function.ask(path.replace("client_id=1", "client_id=3"), key="for all").headers["etag"] != etag


def test_one_log_line_tells_how_a_report_was_made_and_nothing_about_anyone(
    serve: Callable[..., Function],
    load_events: Callable[[list[dict[str, Any]]], None],
    load_users: Callable[[list[dict[str, str]]], None],
    client_id: int,
) -> None:
    function = serve(CLIENTS={str(client_id): {"name": "Logged Shop"}})
    load_events([{"user_id": "ann-the-customer", "event_type": "purchase", "timestamp": "2025-01-14", "price": "9.99"}])
    load_users([{"user_id": "ann-the-customer", "email": "ann@example.com", "name": "Sample Ann"}])
    trace_context = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    answer = function.ask(f"/reports/generate?client_id={client_id}&{WEEK}&include=customers", headers=trace_context)
    assert "ann@example.com" in answer.text

    (line,) = [line for line in function.log() if line.get("client_id") == client_id]
    assert line["severity"] == "INFO"
    assert line["logging.googleapis.com/trace"] == "projects/local/traces/0af7651916cd43dd8448eb211c80319c"
    assert (line["week_ending"], line["customers"], line["cells"]) == ("2025-01-19", 1, 1)
    assert line["summary_source"] == "template"
    assert isinstance(line["bytes_processed"], int)
    assert {"warehouse", "score", "sections", "summary", "customers"} <= line["milliseconds"].keys()
    timing = dict(entry.split(";dur=") for entry in answer.headers["server-timing"].split(", "))
    assert {step: float(duration) for step, duration in timing.items()} == line["milliseconds"]

    printed = function.program.printed()
    assert not any(secret in printed for secret in ("ann-the-customer", "ann@example.com", "Sample Ann", function.key))
