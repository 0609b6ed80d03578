"""Any query, header, body, setting or text of Gemini's is either accepted or refused: nothing else happens."""

import json
import re
import socket
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.function import Function
from report.api.access import hash_of
from report.api.parameters import ParameterError, parse_parameters
from report.delivery.weekly import parse_request
from report.schema import MAX_CLIENT_ID
from report.settings import SettingsError, read_settings
from report.summary.claims import claims
from report.summary.executive import RejectedTextError, accepted, plain
from tests.core.test_executive import NOBODY, THE_BRIEFS

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
"""On a busy machine a slow example says nothing."""

Query = Mapping[str, Sequence[str]]
Refusal = TypeVar("Refusal", bound=Exception)

ANY = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY, lambda some: st.lists(some) | st.dictionaries(ANY, some)
)


def refused(kind: type[Refusal], do: Callable[[], object]) -> Refusal | None:
    """The refusal, if it is refused; any other error ends the test."""
    try:
        do()
    except kind as error:
        return error
    return None


# The query

INCLUDES = st.lists(st.sampled_from(["customers", "history"]), min_size=1, max_size=3).map(lambda names: [",".join(names)])
GOOD = st.fixed_dictionaries(
    {"client_id": st.integers(1, MAX_CLIENT_ID).map(lambda number: [str(number)])},
    optional={
        "week_ending": st.dates().map(lambda day: [str(day)]),
        "format": st.sampled_from([["json"], ["html"], ["pdf"]]),
        "include": INCLUDES,
    },
)
NAMES = st.sampled_from(["client_id", "week_ending", "format", "include"]) | ANY
VALUES = ANY | st.sampled_from(
    ["007", "0", "9223372036854775808", "٣", "1\n", "0000-00-00", "2025-01-19\n", "20250119", "JSON", "pdf\n", "customers,", ","]
)
BAD = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=2), max_size=1)


@given(GOOD, BAD)
def test_any_query_is_taken_as_it_says_or_refused_by_the_name_of_what_is_wrong(good: Query, bad: Query) -> None:
    query = {**good, **bad}
    if error := refused(ParameterError, lambda: parse_parameters(query)):
        assert error.parameter in {*query, "client_id"}
        return
    asked = parse_parameters(query)
    assert str(asked.client_id) == query["client_id"][0].lstrip("0")
    assert 1 <= asked.client_id <= MAX_CLIENT_ID
    assert [str(asked.week_ending)] == query.get("week_ending", ["None"])
    assert [str(asked.format)] == query.get("format", ["None"])
    assert list(asked.include) == (query["include"][0].split(",") if "include" in query else [])
    assert len(set(asked.include)) == len(asked.include)


# The body of the weekly call

BODIES = st.one_of(
    st.binary(),
    JSON.map(json.dumps).map(str.encode),
    st.fixed_dictionaries({}, optional={"client_ids": JSON | st.lists(st.integers()), "week_ending": JSON | st.dates().map(str)})
    .map(json.dumps)
    .map(str.encode),
    st.sampled_from([b"[" * 20_000, b'{"client_ids":' * 2_000, b'{"client_ids": [' + b"9" * 20_000 + b"]}", b"\xef\xbb\xbf{}"]),
)


@given(BODIES)
def test_any_body_is_taken_or_refused_with_what_it_takes(body: bytes) -> None:
    if error := refused(ParameterError, lambda: parse_request(body)):
        sentences = ("the body takes", "out of range", "has not begun; week_ending takes it from")
        assert any(words in str(error) for words in sentences)
        return
    asked = parse_request(body)
    assert all(1 <= client_id <= MAX_CLIENT_ID for client_id in asked.client_ids or ())


@given(st.lists(st.integers(1, 2**53), min_size=1))
def test_a_whole_number_is_one_however_json_writes_it(client_ids: list[int]) -> None:
    body = json.dumps({"client_ids": [float(client_id) for client_id in client_ids]})
    assert parse_request(body.encode()).client_ids == tuple(client_ids)


# Headers, through the running function


@pytest.fixture(scope="module")
def function(serve: Callable[..., Function]) -> Function:
    function = serve(API_KEYS={hash_of("a key"): [1]}, REPORT_CACHE_SECONDS="3600")
    assert function.ask(REPORT, key="a key").status == 200
    return function


REPORT = "/reports/generate?client_id=1&week_ending=2025-01-19"


def send(function: Function, target: bytes, *headers: tuple[bytes, bytes]) -> tuple[int, bytes] | None:
    """The answer to a request in just these bytes; None where the server hangs up without one."""
    address = urlsplit(function.address)
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: 127.0.0.1", *(name + b": " + value for name, value in headers)]
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        answer = HTTPResponse(connection)
        try:
            answer.begin()
        except (HTTPException, ConnectionError):
            return None
        return answer.status, answer.read()


WIRE = st.binary(max_size=300).map(lambda value: re.sub(rb"[\r\n]", b"", value))
HEADERS = {
    b"Accept": [b"text/html;q=x", b"*/*;q=1e999", b"application/pdf;q=-1, text/html;q=2", b",;,=;", b"text/html;" * 30],
    b"If-None-Match": [b"*", b'W/"', b'"', b'W/"a", "b', b"\xff", b'"' * 300],
    b"traceparent": [b"00-" + b"0" * 32 + b"-", b"00-../../x-1-1", b"\xe2\x80\xae", b"-" * 300],
    b"X-Cloud-Trace-Context": [b"/", b"a/b;o=1", b"\x00"],
    b"X-API-Key": [b"a key ", b"A KEY", b"\xc3\xa9", b"a" * 300],
    b"Origin": [b"null", b"https://evil.example", b"\xff\xfe"],
    b"Host": [b"", b"[::1", b"a b", b"..", b"\xff"],
    b"Cookie": [b"=;=", b"\xff"],
    b"Content-Length": [b"-1", b"1e3", b"0, 0"],
}
ONE_HEADER = st.sampled_from(list(HEADERS)).flatmap(
    # A length that promises more than is sent has the server wait for the rest.
    lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]) | (WIRE if name != b"Content-Length" else st.nothing()))
)


@settings(parent=unhurried, max_examples=200)
@given(st.lists(ONE_HEADER, max_size=3))
def test_any_headers_get_an_answer_that_blames_nothing_inside(function: Function, headers: list[tuple[bytes, bytes]]) -> None:
    answer = send(function, REPORT.encode(), (b"X-API-Key", b"a key"), *headers)
    assert answer is None or (answer[0] < 500 and b"Traceback" not in answer[1]), answer


@settings(parent=unhurried, max_examples=200)
@given(WIRE | ANY.map(lambda text: text.encode(errors="surrogatepass")))
def test_any_query_on_the_wire_is_refused_as_a_problem(function: Function, query: bytes) -> None:
    raw = query.translate(None, b" \r\n\t\x0b\x0c#")
    answer = send(function, b"/reports/generate?x=" + raw, (b"X-API-Key", b"a key"))
    assert answer is None or answer[0] in (400, 422), answer


# Settings

SECRET = "5ecre7-" * 3  # pragma: allowlist secret
WORDS = st.sampled_from([SECRET, "UTC", "slack", "a@b.example", "*", hash_of("a key"), "\ud800", "1", "0", "٣"])
CLIENT = st.dictionaries(
    st.sampled_from(
        [
            "name",
            "currency",
            "usd_rate",
            "ignored_event_types",
            "webhook_url",
            "webhook_secret",
            "webhook_flavour",
            "email",
            SECRET,
        ]
    ),
    JSON | WORDS | st.lists(WORDS),
)
ANY_SETTING = st.one_of(
    ANY,
    JSON.map(json.dumps),
    st.dictionaries(WORDS | st.integers(-1, 99).map(str), JSON | CLIENT | WORDS | st.lists(WORDS | st.integers())).map(
        json.dumps
    ),
    st.sampled_from(["[" * 20_000, '{"1":' * 5_000, "9" * 10_000, '{"1": {"email": ' + "[" * 20_000, SECRET]),
)


@unhurried
@given(ANY_SETTING)
def test_any_clients_are_settings_or_an_error_that_names_them_and_tells_no_secret(text: str) -> None:
    if error := refused(SettingsError, lambda: read_settings({"CLIENTS": text})):
        assert "CLIENTS" in str(error)
        assert SECRET not in str(error)
        return
    found = read_settings({"CLIENTS": text})
    assert not any(SECRET in problem for problem in found.problems())
    for client in found.clients.values():
        assert bool(refused(SettingsError, client.zone)) == bool(client.problem)
        assert json.dumps([client.name, client.email, client.ignored_event_types], ensure_ascii=False).encode()
        assert client.usd_rate > 0


@unhurried
@given(ANY_SETTING)
def test_any_api_keys_let_in_whom_they_name_or_nobody_and_tell_no_secret(text: str) -> None:
    found = read_settings({"API_KEYS": text})
    if found.api_keys_problem:
        assert "API_KEYS" in found.api_keys_problem
        assert SECRET not in found.api_keys_problem
        assert not found.grants
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in found.grants)


SETTINGS = [
    *("BIGQUERY_PROJECT", "BIGQUERY_DATASET", "BIGQUERY_LOCATION", "EVENTS_TABLE", "USERS_TABLE", "BIGQUERY_MAX_BYTES_BILLED"),
    *("GEMINI_TIMEOUT_SECONDS", "REQUEST_DEADLINE_SECONDS", "WEEKLY_DEADLINE_SECONDS", "REPORT_CACHE_SECONDS", "PAGE_URL"),
    *("SMTP_URL", "ALLOWED_ORIGINS", "BIGQUERY_EMULATOR_HOST", "LINK_SECRET", "SCHEDULER_EMAIL", "SCHEDULER_AUDIENCE"),
]
NUMBERS = st.sampled_from(["nan", "inf", "-0", "1e999", "1e308", "1_000", "0x10", " 5 ", "٣"])


@unhurried
@given(st.sampled_from(SETTINGS), ANY | NUMBERS)
def test_any_other_setting_is_taken_or_named(name: str, text: str) -> None:
    error = refused(SettingsError, lambda: read_settings({name: text, "MAIL_FROM": "reports@shop.example"}))
    assert error is None or name in str(error)


# Gemini's text

PIECES = st.sampled_from(
    [
        "This week you had 1,000 active customers.",
        "\n\n",
        " ",
        "**",
        "<b>",
        "&lt;",
        "\u202e",
        "\x00",
        "150",
        "95%",
        ".",
        "- ",
        "1.",
    ]
)
TEXTS = st.lists(PIECES | ANY, max_size=30).map("".join)


@unhurried
@given(TEXTS)
def test_any_text_of_geminis_is_a_few_plain_paragraphs_or_refused(text: str) -> None:
    for facts in (THE_BRIEFS, NOBODY):
        try:
            out = accepted(text, facts)
        except RejectedTextError:
            continue
        assert len(out) <= 2_000 + 2 * len("\n\n")
        assert 1 <= len(out.split("\n\n")) <= 3
        assert not re.search(r"[<>{}\[\]|\\`*_#]", out)
        assert all(character == "\n" or unicodedata.category(character)[0] != "C" for character in out)
        assert plain(out) == out


HARD_TO_READ = {
    "digits": "1" * 20_000,
    "thousands": "1,000" * 4_000,
    "commas": "1," * 10_000,
    "dollars": "$1 to " * 3_300,
    "words": "one hundred and " * 1_250,
    "joined words": "hundred-" * 2_500,
    "hedges": "about " * 3_300 + "5",
    "months": "January " * 2_500,
    "dates": "January 1-" * 2_000,
    "ranges": "1-" * 10_000,
    "described": "1 very very " * 1_660,
    "relative clauses": "1 of the 2 customers who are at high risk, " * 480,
    "white space": " " * 19_999 + "1",
    "empty lines": "\n \n" * 6_666 + "1",
    "bold": "**" * 10_000,
    "bold words": "**a" * 6_666,
    "ends": "." + "\"'" * 10_000,
    "entities": "&a" * 10_000,
    "letters": "a" * 20_000,
}


@pytest.mark.parametrize("kind", HARD_TO_READ)
def test_no_text_takes_long_to_read(kind: str) -> None:
    text = HARD_TO_READ[kind][-10_000:]

    def seconds(text: str) -> float:
        begun = time.process_time()
        claims(text)
        with suppress(RejectedTextError):
            accepted(text, THE_BRIEFS)
        return time.process_time() - begun

    assert seconds(text) < 2, f"{seconds(text[:5_000]):.2f} s for the half of it"
