"""Hostile requests to the running function: each gets an exact answer and costs little."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from local.function import Function
from report.api.access import hash_of
from report.api.rate_limit import MAX_WRONG_KEYS, SECONDS
from tests.support.loopback import bigquery as loopback
from tests.support.loopback.server import Loopback

REPORT = "/reports/generate?client_id=1&week_ending=2025-01-19"


@dataclass(frozen=True)
class Stormed:
    """A running function whose BigQuery is known to be asked or not."""

    function: Function
    bigquery: Loopback

    def send(self, *lines: bytes) -> bytes:
        """What comes back for a request written by hand."""
        address = urlsplit(self.function.address)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
            connection.sendall(b"\r\n".join((*lines, b"Connection: close", b"", b"")))
            answer = b""
            while piece := connection.recv(65_536):
                answer += piece
        return answer


@pytest.fixture(scope="module")
def stormed(serve: Callable[..., Function]) -> Iterator[Stormed]:
    with loopback.loopback_bigquery(loopback.ten_customers) as bigquery:
        function = serve(
            BIGQUERY_EMULATOR_HOST=bigquery.endpoint,
            API_KEYS={hash_of("right"): [1]},
            ALLOWED_ORIGINS="https://shop.example",
            REPORT_CACHE_SECONDS="0",
        )
        yield Stormed(function, bigquery)


def test_a_thousand_wrong_keys_are_told_to_wait_and_the_right_one_still_gets_in(stormed: Stormed) -> None:
    address = {"X-Forwarded-For": "198.51.100.7, 192.0.2.7"}  # the last is what Google's front end saw
    answers = [stormed.function.ask(REPORT, key=f"wrong {number}", headers=address) for number in range(1_000)]
    assert [answer.status for answer in answers] == [401] * MAX_WRONG_KEYS + [429] * (1_000 - MAX_WRONG_KEYS)
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
    assert 1 <= int(answers[-1].headers["retry-after"]) <= SECONDS
    assert stormed.function.ask(REPORT, key="right", headers=address).status == 200
    assert stormed.function.ask(REPORT, key="", headers=address).status == 401
    elsewhere = {"X-Forwarded-For": "192.0.2.7, 192.0.2.8"}
    assert stormed.function.ask(REPORT, key="wrong", headers=elsewhere).status == 401


@pytest.mark.parametrize("name", ["key", "api_key", "apikey", "X-API-Key"])
@pytest.mark.parametrize("in_the_header", [True, False])
def test_a_key_in_the_address_is_refused_with_the_reason_and_not_repeated(
    stormed: Stormed, name: str, in_the_header: bool
) -> None:
    answer = stormed.function.ask(f"{REPORT}&{name}=right", key="right" if in_the_header else "")
    assert answer.status == (422 if in_the_header else 401)
    assert "logs" in answer.json()["detail"]
    assert "right" not in answer.json()["detail"].replace(name, "")


@pytest.mark.parametrize("path", [REPORT + "&week_ending=" + "2" * 5_000, "/" + "a" * 5_000, "/?" + "&" * 100_000])
def test_an_address_too_long_is_414_whatever_it_asks(stormed: Stormed, path: str) -> None:
    answer = stormed.function.ask(path, key="right")
    assert (answer.status, answer.headers["content-type"]) == (414, "application/problem+json")


@pytest.mark.parametrize("path", ["/reports/weekly", "/health", "/nowhere"])
def test_a_body_too_large_is_413_and_not_read_whatever_is_asked(stormed: Stormed, path: str) -> None:
    announced = {"Content-Length": "99999999999"}  # and never sent
    for body, headers in (("[" * 70_000, {}), (None, announced), (iter([b"[" * 70_000]), {})):
        answer = stormed.function.ask(path, key="", method="POST", headers=headers, body=body)
        assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")


@pytest.mark.parametrize(
    "header", [b"X-API-Key: " + b"a" * 10_000, b"X-Padding: " + b"a" * 100_000, b"\r\n".join([b"X-One-More: 1"] * 200)]
)
def test_headers_too_large_or_too_many_are_refused(stormed: Stormed, header: bytes) -> None:
    answer = stormed.send(b"GET /health HTTP/1.1", b"Host: x", header)
    assert answer.splitlines()[0].split()[1] in (b"400", b"431")
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/reports//generate?client_id=1",
        "/reports/./generate?client_id=1",
        "/reports/../reports/generate?client_id=1",
        "/reports/generate/..;/generate?client_id=1",
        "/reports/generate%00?client_id=1",
        "/reports/generate;x=1?client_id=1",
        "/REPORTS/GENERATE?client_id=1",
        "/reports%2fweekly/?client_id=1",
        "/main.py",
        "/.env",
        "/robots.txt",
    ],
)
def test_a_path_is_taken_as_it_stands_or_not_at_all(stormed: Stormed, path: str) -> None:
    assert stormed.function.ask(path, key="right").status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "MADEUP"])
def test_any_other_method_is_405_or_refused_by_the_server(stormed: Stormed, method: str) -> None:
    answer = stormed.send(f"{method} {REPORT} HTTP/1.1".encode(), b"Host: x", b"X-API-Key: right")
    status = answer.splitlines()[0].split()[1]
    assert status == b"405"
    assert b"GET, HEAD, OPTIONS" in answer


@pytest.mark.parametrize(
    "query",
    [
        "client_id=%EF%BC%91",  # a full-width digit
        "client_id=%d9%a1",
        "client_id=%31%00",
        "client_id=+1",
        "client_id=1%20",
        "client_id=0x1",
        "client_id=1_0",
        "client_id=1e0",
        "client_id=%ff%fe",
        "client_id=1;week_ending=2025-01-19",
        "client_id[]=1",
        "client_id=1&CLIENT_ID=2",
        "client_id=1&week_ending=2025-02-30",
        "client_id=1&week_ending=2025-1-19",
        "client_id=1&week_ending=+025-01-19",
        "client_id=1&week_ending=2025-W03-7",
        "client_id=1&week_ending=%D9%A2%D9%A0%D9%A2%D9%A5-01-19",
        "client_id=1&week_ending=2025-01-19T00:00:00",
        "client_id=1'%20OR%20'1'='1",
    ],
)
def test_what_only_looks_like_a_parameter_is_422_and_asks_bigquery_nothing(stormed: Stormed, query: str) -> None:
    stormed.bigquery.requests.clear()
    address = f"GET /reports/generate?{query} HTTP/1.1".encode()
    answer = stormed.send(address, b"Host: x", b"X-API-Key: right")
    assert answer.splitlines()[0].split()[1] == b"422", answer
    assert not stormed.bigquery.requests


def test_a_foreign_origin_reads_nothing_not_even_a_refusal(stormed: Stormed) -> None:
    for origin in ("https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null", "*"):
        for path, key in ((REPORT, "right"), (REPORT, "wrong"), ("/nowhere", "")):
            answer = stormed.function.ask(path, key=key, headers={"Origin": origin})
            assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_request_is_answered_once_however_its_length_is_disguised(stormed: Stormed) -> None:
    smuggled = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = stormed.send(
        b"POST /reports/weekly HTTP/1.1",
        b"Host: x",
        b"Content-Length: " + str(len(smuggled)).encode(),
        b"Transfer-Encoding: chunked",
        b"",
        b"0",
        b"",
        smuggled,
    )
    assert answer.count(b"HTTP/1.1 200") == 0
