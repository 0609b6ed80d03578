"""The weekly run: who gets which report, through which door, and what is said of it."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
import trustme
from slack_sdk.models.blocks import Block

from local.function import Function
from report.api.access import hash_of
from report.delivery import channels as delivery
from report.delivery.channels import Message, deliver, doors, is_public, slack_message
from report.schema import Report
from report.settings import ClientSettings, MailSettings
from tests.support.loopback import bigquery as loopback_bq
from tests.support.loopback.receiver import SECRET, loopback_mail_server, loopback_receiver, verified
from tests.support.loopback.server import answers, drips, drops, hangs
from tests.support.sample_report import sample_report

WEEK = "2025-01-19"
GOOD = answers(200, {})
AT_ONCE = (0.01, 0.01, 0.01)


@pytest.fixture(scope="module")
def example() -> Report:
    return sample_report()


def purchases(client: int) -> list[dict[str, Any]]:
    return [
        {"client_id": client, "user_id": f"user {n}", "event_type": "purchase", "timestamp": "2025-01-14", "price": "9.99"}
        for n in range(client % 10 + 1)
    ]


# The whole way


def test_each_client_gets_its_own_report_and_ones_failure_touches_no_other(
    serve: Callable[..., Function], load_events: Callable[..., None]
) -> None:
    load_events([row for client in (901, 902, 903) for row in purchases(client)])
    with loopback_receiver(GOOD) as receiver, loopback_receiver(answers(410, {})) as gone, loopback_mail_server() as mail:
        hook = {"webhook_url": f"{receiver.endpoint}/hook?for=reports", "webhook_secret": SECRET}
        function = serve(
            SMTP_URL=mail.url,
            MAIL_FROM="Reports <reports@shop.example>",
            PAGE_URL="https://shop.example/dashboard/reports",
            CLIENTS={
                "901": {**hook, "name": "Sample Shop"},
                "902": {**hook, "time_zone": "Mars/Olympus"},
                "903": {**hook, "webhook_flavour": "slack", "email": ["owner@shop.example", "two@shop.example"]},
                "904": {"name": "Without an address"},
                "905": {**hook, "webhook_url": f"{gone.endpoint}/hook"},
                "906": {**hook, "webhook_secret": None},
                "907": {**hook, "webhook_url": "https://127.0.0.1/hook"},
            },
        )
        answer = function.ask("/reports/weekly", method="POST", body=json.dumps({"week_ending": WEEK}))
    assert answer.status == 200, answer.text  # what failed here would fail again
    results = {result["client_id"]: result for result in answer.json()["results"]}
    statuses = {client: result["status"] for client, result in results.items()}
    assert statuses == {
        901: "sent",
        902: "refused",
        903: "sent",
        904: "no_address",
        905: "refused",
        906: "refused",
        907: "refused",
    }
    assert "Mars/Olympus" in results[902]["detail"]
    assert "410" in results[905]["deliveries"][0]["detail"]
    assert "webhook_secret" in results[906]["deliveries"][0]["detail"]
    assert "private network" in results[907]["deliveries"][0]["detail"]
    assert [sent["to"] for sent in results[903]["deliveries"]] == ["slack", "email"]

    by_path = {"blocks" in request.body: request for request in receiver.requests}
    assert len(receiver.requests) == len(by_path) == 2
    payload = verified(by_path[False])
    assert by_path[False].headers["webhook-id"] == results[901]["message_id"] == "report_901_2025-01-19"
    assert payload["type"] == "report.weekly"
    assert payload["data"].pop("page_url") == "https://shop.example/dashboard/reports?client_id=901&week_ending=2025-01-19"
    asked = function.ask(f"/reports/generate?client_id=901&week_ending={WEEK}").json()
    asked["meta"]["generated_at"] = payload["data"]["meta"]["generated_at"]
    assert payload["data"] == asked

    (got,) = mail.mails
    assert got["Message-ID"] == "<report_903_2025-01-19@shop.example>"
    assert got["To"] == "owner@shop.example, two@shop.example"
    assert "This week you had 4 active customers" in got.get_body(("plain",)).get_content()
    page, pdf = got.iter_attachments()
    assert page.get_content().startswith("<!doctype html>")
    assert pdf.get_content().startswith(b"%PDF-")

    lines = {line["client_id"]: line for line in function.log() if line["message"] == "weekly report"}
    assert (lines[901]["severity"], lines[901]["customers"], lines[901]["summary_source"]) == ("INFO", 2, "template")
    assert {client: line["status"] for client, line in lines.items()} == statuses
    (total,) = [line for line in function.log() if line["message"] == "weekly run"]
    assert (total["clients"], total["sent"], total["refused"], total["no_address"]) == (7, 2, 4, 1)
    assert not any(secret in function.program.printed() for secret in (SECRET, "for=reports", "owner@shop.example"))


def test_without_a_body_every_covered_client_gets_its_last_full_week(serve: Callable[..., Function]) -> None:
    with loopback_receiver(GOOD) as receiver:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        function = serve(
            API_KEYS={hash_of("for two"): [911, 912, 919], hash_of("for all"): "*"},
            CLIENTS={str(client): hook for client in (911, 912, 913)},
        )
        answer = function.ask("/reports/weekly", method="POST", key="for two")
        again = function.ask("/reports/weekly", method="POST", key="for two")
    today = datetime.now(UTC).date()
    last_sunday = today - timedelta(days=today.isoweekday())
    assert [result["client_id"] for result in answer.json()["results"]] == [911, 912]
    assert {result["week_ending"] for result in answer.json()["results"]} <= {
        str(last_sunday),
        str(last_sunday + timedelta(days=7)),
    }
    assert answer.json() == again.json()  # the same message ids, so that receivers can drop repeats
    assert verified(receiver.requests[0])["data"]["page_url"].startswith(f"{function.address}/dashboard/reports?")


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ("{", "body"),
        ("[1]", "body"),
        ('{"client_ids": 1}', "client_ids"),
        ('{"client_ids": ["1"]}', "client_ids"),
        ('{"client_ids": [0]}', "client_ids"),
        ('{"client_ids": [true]}', "client_ids"),
        ('{"week_ending": "19.01.2025"}', "week_ending"),
        ('{"week_ending": 1737244800}', "week_ending"),
        ('{"week_ending": "9999-12-31"}', "week_ending"),
        ('{"clients": [1]}', "clients"),
    ],
)
def test_a_bad_body_is_refused_with_what_it_takes(serve: Callable[..., Function], body: str, parameter: str) -> None:
    answer = serve().ask("/reports/weekly", method="POST", body=body)
    assert (answer.status, answer.json()["parameter"]) == (422, parameter), answer.text
    assert len(answer.text) < 500


def test_the_key_comes_first_and_must_cover_every_client_that_is_named(serve: Callable[..., Function]) -> None:
    function = serve(API_KEYS={hash_of("for one"): [1]})
    assert function.ask("/reports/weekly", method="POST", key="", body="{").status == 401
    assert function.ask("/reports/weekly", method="POST", key="for one", body='{"client_ids": [1, 2]}').status == 403
    assert function.ask("/reports/weekly", key="for one").status == 405


def test_what_the_warehouse_fails_or_the_time_cuts_off_is_to_be_tried_again(serve: Callable[..., Function]) -> None:
    with loopback_receiver(GOOD) as receiver, loopback_bq.loopback_bigquery(hangs) as bigquery:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        function = serve(
            BIGQUERY_EMULATOR_HOST=bigquery.endpoint,
            REQUEST_DEADLINE_SECONDS="1.5",
            WEEKLY_DEADLINE_SECONDS="16",
            CLIENTS={str(client): hook for client in range(921, 930)},
        )
        started = time.monotonic()
        answer = function.ask("/reports/weekly", method="POST")
        assert time.monotonic() - started < 16
    assert answer.status == 502
    statuses = [result["status"] for result in answer.json()["results"]]
    assert statuses == ["failed"] * 4 + ["not_reached"] * 5
    assert not receiver.requests


# One door


def message(example: Report, url: str = "", **client: Any) -> Message:
    settings = ClientSettings(webhook_url=url or None, webhook_secret=SECRET, **client)
    return Message(example, settings, "https://shop.example/dashboard/reports")


def outcome(example: Report, url: str, seconds: float = 5.0, **client: Any) -> delivery.Outcome:
    (send,) = doors(message(example, url, **client), None).values()
    return deliver(send, time.monotonic() + seconds, AT_ONCE)


@pytest.mark.parametrize(
    ("behaviours", "status", "attempts"),
    [
        ([GOOD], "sent", 1),
        ([answers(503, {}), answers(429, {}), drops, GOOD], "sent", 4),
        ([answers(500, {})], "failed", 4),
        ([answers(404, {})], "refused", 1),
        ([answers(302, {})], "refused", 1),
    ],
)
def test_only_what_may_pass_is_sent_again_and_always_with_the_same_id(
    example: Report, behaviours: list[Any], status: str, attempts: int
) -> None:
    left = iter(behaviours)

    def one_after_another(call: Any, over: Any) -> None:
        next(left, behaviours[-1])(call, over)

    with loopback_receiver(one_after_another) as receiver:
        found = outcome(example, f"{receiver.endpoint}/hook")
        assert (found.status, found.attempts) == (status, attempts), found
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
        assert all(verified(request) for request in receiver.requests)


@pytest.mark.parametrize("behaviour", [hangs, drips])
def test_a_receiver_that_never_ends_is_left_in_time(example: Report, behaviour: Any) -> None:
    with loopback_receiver(behaviour) as receiver:
        started = time.monotonic()
        found = outcome(example, f"{receiver.endpoint}/hook", seconds=0.5)
        assert found.status == "failed"
        assert time.monotonic() - started < 2


def test_a_redirect_is_not_followed_and_a_pause_is_kept(example: Report) -> None:
    with loopback_receiver(GOOD) as receiver:

        def elsewhere(call: BaseHTTPRequestHandler, _over: object) -> None:
            call.send_response(307)
            call.send_header("Location", f"{receiver.endpoint}/hook")
            call.send_header("Content-Length", "0")
            call.end_headers()

        def busy(call: BaseHTTPRequestHandler, _over: object) -> None:
            call.send_response(429)
            call.send_header("Retry-After", "3600")
            call.send_header("Content-Length", "0")
            call.end_headers()

        with loopback_receiver(elsewhere) as other:
            assert outcome(example, f"{other.endpoint}/hook").status == "refused"
            other.behaviour = busy
            assert outcome(example, f"{other.endpoint}/hook") == delivery.Outcome("failed", 1, "the receiver answered 429")
        assert not receiver.requests


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/a",
        "https://user:password@hooks.example/a",  # pragma: allowlist secret
        "ftp://hooks.example",
        "http://127.0.0.1:9/a hook",
        "https://",
        "https://[::1",
        "https://127.0.0.1/hook",
        "https://[::ffff:127.0.0.1]/hook",
        "https://169.254.169.254/computeMetadata/v1/",
        "https://10.0.0.1/hook",
        "https://localhost/hook",
        "https://2130706433/hook",
        "http://127.0.0.1.example/hook",
        "hooks.example",
    ],
)
def test_no_address_but_a_public_one_over_https_is_written_to(example: Report, url: str) -> None:
    found = outcome(example, url)
    assert (found.status, found.attempts) == ("refused", 1), found
    assert "password" not in (found.detail or "").replace("without a password", "")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("100.64.0.1", False),
        ("192.168.0.1", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("fd00::1", False),
    ],
)
def test_private_network_addresses_are_known(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_no_webhook_reaches_into_a_private_network_or_tells_what_is_there(example: Report) -> None:
    assert outcome(example, "https://localhost/hook").status == "refused"
    nowhere = outcome(example, "https://no-such-shop.invalid/hook")
    assert (nowhere.status, nowhere.detail) == ("failed", "the receiver's name is not found")


@contextmanager
def https_receiver(certificate: trustme.LeafCert) -> Iterator[tuple[int, list[str]]]:
    """A receiver over TLS on this machine: its port, and the hosts that it was asked for."""
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_port, hosts
        server.shutdown()


@pytest.mark.parametrize(("name_in_certificate", "status"), [("hooks.example", "sent"), ("other.example", "failed")])
def test_tls_is_with_the_named_host_over_the_address_that_was_looked_at(
    example: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, name_in_certificate: str, status: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "ca.pem"))
    monkeypatch.setattr(delivery, "_public_address", lambda *_: "127.0.0.1")
    with https_receiver(authority.issue_cert(name_in_certificate)) as (port, hosts):
        found = outcome(example, f"https://hooks.example:{port}/hook")
    assert found.status == status, found
    assert hosts == ([f"hooks.example:{port}"] if status == "sent" else [])


def test_slack_gets_blocks_that_its_own_library_accepts(example: Report) -> None:
    sent = slack_message(message(example, name="Shop <b>&</b>"))
    blocks = Block.parse_all(sent["blocks"])
    assert [block.to_dict() for block in blocks]  # checks each block's limits
    text = json.dumps(sent)
    data = example.report_data
    assert all(word in text for word in (json.dumps(data.executiveSummary)[1:-1], data.topRiskFactors[0].factor, "week_ending="))
    assert len(sent["blocks"][2]["fields"]) == 4


@pytest.mark.parametrize(
    ("refusals", "status", "attempts"),
    [
        ({}, "sent", 1),
        ({"a@shop.example": "550 No such user"}, "refused", 1),
        ({"a@shop.example": "550 No such user", "b@shop.example": "550 No such user"}, "refused", 1),
        ({"a@shop.example": "451 Later", "b@shop.example": "451 Later"}, "failed", 2),
    ],
)
def test_a_mail_server_says_whether_to_try_again(example: Report, refusals: dict[str, str], status: str, attempts: int) -> None:
    with loopback_mail_server() as server:
        server.refusals |= refusals
        mail = MailSettings(server.url, "reports@shop.example")
        (send,) = doors(message(example, email=("a@shop.example", "b@shop.example")), mail).values()
        found = deliver(send, time.monotonic() + 10, (0.01,))
    assert (found.status, found.attempts) == (status, attempts), found
    (no_server,) = doors(message(example, email=("a@shop.example",)), None).values()
    assert deliver(no_server, time.monotonic() + 1).status == "refused"
