"""Signed links, end to end: from the weekly run's mail and Slack message to the report, without a key."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from local.function import Function
from report.api.links import shared_link
from report.api.rate_limit import MAX_WRONG_KEYS
from tests.support.loopback.receiver import loopback_mail_server, loopback_receiver
from tests.support.loopback.server import answers

SECRET = "sixteen letters!"  # noqa: S105  # pragma: allowlist secret
WEEK_ENDING = date(2025, 1, 19)


@pytest.fixture
def shop(load_events: Callable[..., None], load_users: Callable[..., None], client_id: int) -> int:
    load_events([{"user_id": "ann", "event_type": "purchase", "timestamp": "2025-01-14 10:00", "price": "49.99"}])
    load_users([{"user_id": "ann", "email": "sample@example.com", "name": "Sample Customer 17"}])
    return client_id


def link(client_id: int, now: datetime | None = None) -> str:
    return shared_link("/reports/shared", SECRET, client_id, WEEK_ENDING, now or datetime.now(UTC))


def test_mail_and_slack_carry_a_link_that_opens_the_report_without_a_key(serve: Callable[..., Function], shop: int) -> None:
    with loopback_receiver(answers(200, {})) as receiver, loopback_mail_server() as mail:
        slack = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_flavour": "slack"}
        function = serve(
            LINK_SECRET=SECRET,
            SMTP_URL=mail.url,
            MAIL_FROM="Reports <reports@shop.example>",
            PAGE_URL="https://shop.example/dashboard/reports",
            CLIENTS={shop: {**slack, "email": ["owner@shop.example"]}},
        )
        run = function.ask("/reports/weekly", method="POST", body=json.dumps({"week_ending": str(WEEK_ENDING)}))
    assert run.json()["results"][0]["status"] == "sent", run.text
    (got,) = mail.mails
    assert got["List-Unsubscribe"] == "<mailto:reports@shop.example?subject=unsubscribe>"
    text = got.get_body(("plain",)).get_content()
    assert "without a key for 14 days" in text
    (in_mail,) = re.findall(r"https?://\S+", text)
    (in_slack,) = re.findall(r"<(\S+)\|", receiver.requests[0].body["blocks"][-1]["text"]["text"])
    assert in_slack.replace("&amp;", "&") == in_mail
    path = in_mail.removeprefix(function.address)
    assert path.startswith("/reports/shared?")

    answer = function.ask(path, key="")
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert f'data-client-id="{shop}" data-week-ending="{WEEK_ENDING}"' in answer.text
    assert not any(
        personal in answer.text for personal in ("ann", "sample@example.com", "Sample Customer 17") if len(personal) > 3
    )
    assert function.ask(f"{path}&format=pdf", key="").body.startswith(b"%PDF-")


def test_a_wrong_or_expired_link_is_refused_and_says_so(serve: Callable[..., Function], shop: int) -> None:
    function = serve(LINK_SECRET=SECRET)
    old = link(shop, datetime.now(UTC) - timedelta(days=15))
    problems: list[tuple[int, Any]] = [
        (answer.status, answer.json()["detail"])
        for path in (old, link(shop).replace(f"client_id={shop}", f"client_id={shop + 1}"), link(shop)[:-1])
        for answer in [function.ask(path, key="")]
    ]
    assert [status for status, _ in problems] == [401, 401, 401]
    assert ["expired" in detail for _, detail in problems] == [True, False, False]
    assert "not valid" in problems[1][1]
    assert function.ask(f"{link(shop)}&include=customers", key="").json()["parameter"] == "include"
    assert function.ask(f"{link(shop)}&format=json", key="").json()["parameter"] == "format"


def test_a_person_who_opens_an_expired_link_reads_a_page(serve: Callable[..., Function], shop: int) -> None:
    expired = link(shop, datetime.now(UTC) - timedelta(days=15))
    answer = serve(LINK_SECRET=SECRET).ask(expired, key="", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (401, "text/html")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "This link has expired. Open the one in the newest message" in answer.text


def test_without_a_secret_no_link_opens_anything(serve: Callable[..., Function], shop: int) -> None:
    assert serve().ask(link(shop), key="").status == 401


def test_guessing_signatures_is_slowed_down_like_guessing_keys(serve: Callable[..., Function], shop: int) -> None:
    function = serve(LINK_SECRET=SECRET)
    elsewhere = {"X-Forwarded-For": "192.0.2.77"}
    wrong = link(shop)[:-64] + "0" * 64
    guesses = [function.ask(wrong, key="", headers=elsewhere) for _ in range(MAX_WRONG_KEYS + 1)]
    assert {answer.status for answer in guesses[:-1]} == {401}
    assert guesses[-1].status == 429
    assert int(guesses[-1].headers["retry-after"]) > 0
    assert function.ask(link(shop), key="", headers=elsewhere).status == 200
