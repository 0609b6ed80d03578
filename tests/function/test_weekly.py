"""The weekly run: who gets which report, through which channel, and what is said of it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from local.function import Function
from report.api.access import hash_of
from report.schema import WeeklyRun
from tests.support.loopback import bigquery as loopback_bq
from tests.support.loopback.receiver import SECRET, loopback_mail_server, loopback_receiver, verified
from tests.support.loopback.server import Behaviour, Call, answers, busy, hangs, send
from tests.support.waiting import wait_until

WEEK = "2025-01-19"
GOOD = answers(200, {})


def purchases(client: int) -> list[dict[str, Any]]:
    return [
        {"client_id": client, "user_id": f"user {n}", "event_type": "purchase", "timestamp": "2025-01-14", "price": "9.99"}
        for n in range(client % 10 + 1)
    ]


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
    assert "of 4 such customers" in got.get_body(("plain",)).get_content()
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


def test_a_mistake_in_the_settings_of_one_channel_is_that_channels_refused(
    serve: Callable[..., Function], load_events: Callable[..., None], client_id: int
) -> None:
    load_events(purchases(client_id))
    with loopback_receiver(GOOD) as receiver, loopback_mail_server() as mail:
        right = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET, "email": ["owner@shop.example"]}
        function = serve(
            SMTP_URL=mail.url,
            MAIL_FROM="reports@shop.example",
            CLIENTS={
                client_id: {**right, "email": ["owner@shop.example", "@"]},
                client_id + 100_000: {**right, "webhook_url": "http://hooks.shop.example"},
                client_id + 200_000: {"email": "owner@shop.example"},
            },
        )
        run = function.ask("/reports/weekly", method="POST", body=json.dumps({"week_ending": WEEK})).json()
    statuses = [{delivery["to"]: delivery["status"] for delivery in result["deliveries"]} for result in run["results"]]
    assert statuses == [
        {"webhook": "sent", "email": "refused"},
        {"webhook": "refused", "email": "sent"},
        {"email": "refused"},
    ]
    assert "list of e-mail addresses" in run["results"][0]["deliveries"][1]["detail"]
    assert "webhook_url" in run["results"][1]["deliveries"][0]["detail"]
    assert [len(receiver.requests), len(mail.mails)] == [1, 1]


def test_no_report_of_a_week_that_has_not_begun_is_sent(serve: Callable[..., Function]) -> None:
    with loopback_receiver(GOOD) as receiver:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        function = serve(CLIENTS={"951": {**hook, "time_zone": "Pacific/Pago_Pago"}})
        begins = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()  # where it is not yet this day for more than an hour
        body = json.dumps({"week_ending": str(begins + timedelta(days=6))})
        (result,) = function.ask("/reports/weekly", method="POST", body=body).json()["results"]
        far = function.ask("/reports/weekly", method="POST", body='{"week_ending": "9999-12-29"}')
    assert (result["status"], str(begins) in result["detail"]) == ("refused", True)
    assert (far.status, far.json()["parameter"]) == (422, "week_ending")
    assert "9999-12-23" in far.json()["detail"]
    assert not receiver.requests


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


def counted(requests: list[Any]) -> Mapping[str, int]:
    """How many requests came to each path."""
    return Counter(request.path for request in requests)


def test_only_the_channel_that_failed_is_tried_again_and_the_run_is_not(serve: Callable[..., Function]) -> None:
    """Row 14: one of many clients' webhooks answers 503."""
    troubles = iter([answers(503, {}), answers(503, {})])

    def recovers(call: Any, over: Any) -> None:
        next(troubles, GOOD)(call, over)

    def by_path(call: Any, over: Any) -> None:
        {"/hook/recovers": recovers, "/hook/busy": busy}.get(call.path, GOOD)(call, over)

    with loopback_receiver(by_path) as receiver, loopback_mail_server() as mail:
        hook = {"webhook_url": f"{receiver.endpoint}/hook/good", "webhook_secret": SECRET}
        function = serve(
            SMTP_URL=mail.url,
            MAIL_FROM="reports@shop.example",
            CLIENTS={
                "931": {**hook, "email": ["one@shop.example"]},
                "932": {**hook, "webhook_url": f"{receiver.endpoint}/hook/busy", "email": ["two@shop.example"]},
                "933": {**hook, "webhook_url": f"{receiver.endpoint}/hook/recovers"},
                "934": {**hook, "webhook_url": f"{receiver.endpoint}/hook/slack", "webhook_flavour": "slack"},
            },
        )
        answer = function.ask("/reports/weekly", method="POST")
    assert answer.status == 200, answer.text  # a repeat would send to the others again
    results = {result["client_id"]: result for result in answer.json()["results"]}
    assert {client: result["status"] for client, result in results.items()} == {
        931: "sent",
        932: "failed",
        933: "sent",
        934: "sent",
    }
    assert [sent["attempts"] for sent in results[933]["deliveries"]] == [3]
    assert [(sent["to"], sent["status"]) for sent in results[932]["deliveries"]] == [("webhook", "failed"), ("email", "sent")]
    assert counted(receiver.requests) == {"/hook/good": 1, "/hook/busy": 1, "/hook/recovers": 3, "/hook/slack": 1}
    assert sorted(mail.recipients) == [["one@shop.example"], ["two@shop.example"]]
    lines = {line["client_id"]: line["severity"] for line in function.log() if line["message"] == "weekly report"}
    assert lines == {931: "INFO", 932: "ERROR", 933: "INFO", 934: "INFO"}  # what the alert is about


def test_the_run_is_to_be_repeated_only_while_nothing_was_sent_at_all(serve: Callable[..., Function]) -> None:
    with loopback_receiver(busy) as receiver:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        function = serve(CLIENTS={"935": hook, "936": hook, "937": {}, "938": {**hook, "webhook_secret": None}})
        answer = function.ask("/reports/weekly", method="POST")
    assert answer.status == 502
    assert [result["status"] for result in answer.json()["results"]] == ["failed", "failed", "no_address", "refused"]


def test_a_week_whose_last_day_has_not_come_is_waited_for_while_nothing_was_sent(
    serve: Callable[..., Function], load_events: Callable[..., None]
) -> None:
    today = datetime.now(UTC).date()
    ending = today - timedelta(days=today.weekday() + 1)
    load_events([{**row, "timestamp": f"{ending - timedelta(days=1)} 12:00"} for row in purchases(951)])
    load_events([{**row, "timestamp": f"{ending} 12:00"} for row in purchases(952)])
    with loopback_receiver(GOOD) as receiver:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        clients = {"951": hook, "952": hook}

        def statuses_of(hours: int, *client_ids: int) -> tuple[int, dict[int, str]]:
            function = serve(CLIENTS=clients, WAIT_FOR_DATA_HOURS=str(hours))
            body = json.dumps({"client_ids": client_ids, "week_ending": str(ending)})
            answer = function.ask("/reports/weekly", method="POST", body=body)
            return answer.status, {result["client_id"]: result["status"] for result in answer.json()["results"]}

        within = 24 * 10  # the week ended at most eight days ago
        assert statuses_of(within, 951) == (502, {951: "not_ready"})
        assert receiver.requests == []
        assert statuses_of(within, 951, 952) == (200, {951: "not_ready", 952: "sent"})
        assert statuses_of(0, 951) == (200, {951: "sent"})
        load_events([{**row, "timestamp": f"{ending} 12:00"} for row in purchases(951)])
        assert statuses_of(within, 951) == (200, {951: "sent"})


def delivered(status: str, **counts: int) -> Mapping[str, Any]:
    return {"to": "email", "status": status, "attempts": 1, **({"recipients": counts} if counts else {})}


@pytest.mark.parametrize(
    ("deliveries", "again"),
    [
        ([delivered("failed")], True),
        ([delivered("failed"), delivered("refused")], True),
        ([delivered("refused")], False),
        ([delivered("failed"), delivered("sent")], False),
        ([delivered("failed"), delivered("uncertain")], False),
        ([delivered("failed", failed=2)], True),
        ([delivered("failed", failed=1, sent=1)], False),
        ([delivered("failed", failed=1, uncertain=1)], False),
    ],
)
def test_whatever_may_have_arrived_keeps_the_run_from_being_repeated(deliveries: list[Any], again: bool) -> None:
    results = [{"client_id": n, "status": each["status"], "deliveries": [each]} for n, each in enumerate(deliveries, start=1)]
    assert WeeklyRun.model_validate({"results": results}).to_be_tried_again is again


def forwards(address: str) -> Behaviour:
    """Let another server answer."""

    def forward(call: Call, _over: object) -> None:
        with closing(HTTPConnection(urlsplit(address).netloc, timeout=60)) as connection:
            connection.request(call.command, call.path, call.request.text or None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            send(call, answer.status, answer.headers["Content-Type"], answer.read())

    return forward


def test_a_query_that_fails_for_the_moment_is_tried_again_within_the_run(serve: Callable[..., Function], bigquery: Any) -> None:
    with (
        loopback_receiver(GOOD) as receiver,
        loopback_bq.loopback_bigquery(hangs) as between,
        ThreadPoolExecutor(1) as asking,
    ):
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        function = serve(BIGQUERY_EMULATOR_HOST=between.endpoint, REQUEST_DEADLINE_SECONDS="4", CLIENTS={"941": hook})
        answer = asking.submit(function.ask, "/reports/weekly", method="POST")
        wait_until(lambda: any("will be tried again" in line["message"] for line in function.log()))
        between.behaviour = forwards(bigquery.address)
        assert (answer.result().status, answer.result().json()["results"][0]["status"]) == (200, "sent")
    assert len(receiver.requests) == 1


def test_what_the_warehouse_fails_or_the_time_cuts_off_is_to_be_tried_again(serve: Callable[..., Function]) -> None:
    with loopback_receiver(GOOD) as receiver, loopback_bq.loopback_bigquery(hangs) as bigquery:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        function = serve(
            BIGQUERY_EMULATOR_HOST=bigquery.endpoint,
            REQUEST_DEADLINE_SECONDS="1.5",
            WEEKLY_DEADLINE_SECONDS="16",
            CLIENTS={str(client): hook for client in range(921, 930)},
        )
        answer = function.ask("/reports/weekly", method="POST")
    assert answer.status == 502
    statuses = [result["status"] for result in answer.json()["results"]]
    begun = statuses.count("failed")  # in the one second in which a report may be begun
    assert begun <= 4
    assert statuses == ["failed"] * begun + ["not_reached"] * (9 - begun)
    assert not receiver.requests
    lines = [line["severity"] for line in function.log() if line["message"] == "weekly report"]
    assert lines == ["ERROR"] * 9


def test_one_channels_fault_leaves_the_others_results_alone(serve: Callable[..., Function]) -> None:
    """Row 17."""
    with loopback_receiver(GOOD) as receiver, loopback_mail_server(enable_SMTPUTF8=False) as mail:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        function = serve(
            SMTP_URL=mail.url,
            MAIL_FROM="reports@shop.example",
            CLIENTS={"951": {**hook, "email": ["jörg@shop.example"]}, "952": {**hook, "email": ["b@shop.example"]}},
        )
        answer = function.ask("/reports/weekly", method="POST")
    assert answer.status == 200, answer.text
    results = [[(sent["to"], sent["status"]) for sent in result["deliveries"]] for result in answer.json()["results"]]
    assert results == [[("webhook", "sent"), ("email", "refused")], [("webhook", "sent"), ("email", "sent")]]
    assert (len(receiver.requests), len(mail.mails)) == (2, 1)
