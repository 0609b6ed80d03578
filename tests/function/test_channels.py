"""The channels of a weekly report: what each sends, what it tries again, and what it never sends twice."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult
from slack_sdk.models.blocks import Block

from report.delivery import attempts, webhook
from report.delivery.attempts import Outcome
from report.delivery.channels import channels
from report.delivery.message import Message
from report.delivery.webhook import is_public
from report.delivery.weekly import Links, message_of
from report.schema import Recipients, Report
from report.settings import ClientSettings, MailSettings
from tests.support.loopback.receiver import SECRET, MailServer, loopback_mail_server, loopback_receiver, verified
from tests.support.loopback.server import answers, busy, drips, drops, hangs
from tests.support.sample_report import sample_report
from tests.support.waiting import wait_until

GOOD = answers(200, {})


@pytest.fixture(scope="module")
def example() -> Report:
    return sample_report()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(attempts, "MAX_PAUSE_SECONDS", 0.01)


def message(example: Report, url: str = "", **client: Any) -> Message:
    settings = ClientSettings(webhook_url=url or None, webhook_secret=SECRET, **client)
    return message_of(example, settings, Links("https://shop.example/dashboard/reports?client_id=7&week_ending=2025-01-19"))


def outcome(message_: Message, mail: MailSettings | None = None, seconds: float = 60.0, patience: float = 60.0) -> Outcome:
    """Deliver through the message's only channel, with a deadline and a limit for each attempt, in seconds."""
    (channel,) = channels(message_, mail).values()
    return delivered(replace(channel, attempt_seconds=patience), seconds)


def delivered(channel: attempts.Channel, seconds: float = 60.0) -> Outcome:
    async def deliver() -> Outcome:
        return await attempts.deliver(channel, time.monotonic() + seconds, asyncio.Semaphore(1))

    with ThreadPoolExecutor(1) as elsewhere:  # in this thread a browser's test may have a loop of its own
        return elsewhere.submit(lambda: asyncio.run(deliver())).result()


def after(left: list[Any], then: Any) -> Any:
    """One behaviour after another, and then always the same."""
    behaviours = iter(left)

    def behave(call: Any, over: Any) -> None:
        next(behaviours, then)(call, over)

    return behave


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("behaviours", "status", "tried"),
    [
        ([], "sent", 1),
        ([answers(503, {}), answers(429, {}), drops] * 3, "sent", 10),
        ([answers(404, {})], "refused", 1),
        ([answers(302, {})], "refused", 1),
    ],
)
def test_only_what_may_pass_is_sent_again_and_always_with_the_same_id(
    example: Report, behaviours: list[Any], status: str, tried: int
) -> None:
    with loopback_receiver(after(behaviours, GOOD)) as receiver:
        found = outcome(message(example, f"{receiver.endpoint}/hook"))
    assert (found.status, found.attempts) == (status, tried), found
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert all(verified(request) for request in receiver.requests)


def test_a_receiver_that_says_nothing_is_left_in_time(example: Report) -> None:
    with loopback_receiver(hangs) as receiver:
        found = outcome(message(example, f"{receiver.endpoint}/hook"), seconds=0.5)
    assert (found.status, found.detail) == ("failed", "no answer in time")


def test_a_receiver_that_has_taken_the_report_need_not_finish_its_answer(example: Report) -> None:
    with loopback_receiver(drips) as receiver:
        assert outcome(message(example, f"{receiver.endpoint}/hook")).status == "sent"
    assert len(receiver.requests) == 1


def test_a_redirect_is_not_followed_and_a_pause_is_kept(example: Report) -> None:
    with loopback_receiver(GOOD) as receiver:

        def elsewhere(call: BaseHTTPRequestHandler, _over: object) -> None:
            call.send_response(307)
            call.send_header("Location", f"{receiver.endpoint}/hook")
            call.send_header("Content-Length", "0")
            call.end_headers()

        with loopback_receiver(elsewhere) as other:
            assert outcome(message(example, f"{other.endpoint}/hook")).status == "refused"
            other.behaviour = busy
            assert outcome(message(example, f"{other.endpoint}/hook")) == Outcome("failed", 1, "the receiver answered 503")
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
        "https://hooks example/a",
        "https://hooks.example/ü",
        f"https://{'a' * 64}.example/",
    ],
)
def test_no_address_but_a_public_one_over_https_is_written_to(example: Report, url: str) -> None:
    found = outcome(message(example, url))
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
    assert outcome(message(example, "https://localhost/hook")).status == "refused"
    nowhere = outcome(message(example, "https://no-such-shop.invalid/hook"), seconds=0.5)
    assert (nowhere.status, nowhere.detail) == ("failed", "the receiver's name is not found")


@contextmanager
def https_receiver(certificate: trustme.LeafCert) -> Iterator[tuple[int, list[str]]]:
    """A receiver over TLS on this machine: its port, and the hosts that it was asked for."""
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hosts.append(self.headers["Host"])
            self.rfile.read(int(self.headers["Content-Length"]))
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


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> trustme.CA:
    """An authority that everything here trusts."""
    found = trustme.CA()
    found.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return found


def resolved(monkeypatch: pytest.MonkeyPatch, *network_addresses: str) -> None:
    monkeypatch.setattr(webhook, "public_addresses", lambda *_: network_addresses)


@pytest.mark.parametrize(("name_in_certificate", "status"), [("hooks.example", "sent"), ("other.example", "failed")])
def test_tls_is_with_the_named_host_over_the_address_that_was_looked_at(
    example: Report, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, name_in_certificate: str, status: str
) -> None:
    resolved(monkeypatch, "127.0.0.1")
    with https_receiver(authority.issue_cert(name_in_certificate)) as (port, hosts):
        found = outcome(message(example, f"https://hooks.example:{port}/hook"), seconds=60 if status == "sent" else 0.9)
    assert found.status == status, found
    assert hosts == ([f"hooks.example:{port}"] if status == "sent" else [])


def test_each_network_address_of_a_receiver_has_its_turn(
    example: Report, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA
) -> None:
    """Row 21: nothing listens at the first address; at the second nobody answers."""
    monkeypatch.setattr(webhook, "ATTEMPT_SECONDS", 3.0)
    with https_receiver(authority.issue_cert("hooks.example")) as (port, hosts), socket.create_server(("127.0.0.3", port)):
        resolved(monkeypatch, "127.0.0.2", "127.0.0.3", "127.0.0.1")
        found = outcome(message(example, f"https://hooks.example:{port}/hook"))
    assert found.status == "sent", found
    assert hosts == [f"hooks.example:{port}"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["8.8.8.8", "2606:4700::1111", "8.8.8.8"], ("8.8.8.8", "2606:4700::1111")),
        (["8.8.8.8", "10.0.0.1"], None),
    ],
)
def test_all_network_addresses_of_a_host_must_be_public(
    monkeypatch: pytest.MonkeyPatch, found: list[str], expected: tuple[str, ...] | None
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 443)) for address in found])
    if expected:
        assert webhook.public_addresses("hooks.example", 443) == expected
    else:
        with pytest.raises(attempts.RefusedError, match="private network"):
            webhook.public_addresses("hooks.example", 443)


def test_an_unexpected_error_ends_its_channel_and_raises_nowhere() -> None:
    def send(_: attempts.Attempt) -> attempts.Result:
        raise LookupError("owner@shop.example")

    assert delivered(attempts.Channel(send, 60)) == Outcome("failed", 1, "something went wrong here; it has been logged")


# Slack


def test_slack_gets_blocks_that_its_own_library_accepts(example: Report) -> None:
    sent = message(example).slack()
    blocks = Block.parse_all(sent["blocks"])
    assert [block.to_dict() for block in blocks]  # checks each block's limits
    assert "will probably not be back" in json.dumps(sent)


def test_the_link_in_slack_is_a_link_in_a_text_and_every_text_is_escaped(example: Report) -> None:
    named = example.model_copy(update={"meta": example.meta.model_copy(update={"client_name": "Shop <!channel> & <b>"})})
    sent = message(named).slack()
    link = (
        f"<https://shop.example/dashboard/reports?client_id={example.meta.client_id}&amp;week_ending=2025-01-19|Open the report>"
    )
    assert sent["blocks"][-1]["text"]["type"] == "mrkdwn"
    assert sent["blocks"][-1]["text"]["text"] == link
    assert not any(block["type"] == "actions" for block in sent["blocks"])
    for text in (sent["text"], sent["blocks"][0]["text"]["text"]):
        assert "Shop &lt;!channel&gt; &amp; &lt;b&gt;" in text


@pytest.mark.usefixtures("no_pauses")
def test_a_message_that_slack_did_not_answer_for_is_not_sent_again(example: Report) -> None:
    with loopback_receiver(after([answers(503, {}), drops], GOOD)) as receiver:
        found = outcome(message(example, f"{receiver.endpoint}/hook", webhook_flavour="slack"))
    assert (found.status, found.attempts) == ("uncertain", 2)  # the 503 was an answer
    assert len(receiver.requests) == 2


# E-mail

TWO = ("a@shop.example", "b@shop.example")


def mailed(example: Report, server: MailServer, email: tuple[str, ...] = ("a@shop.example",), **how: float) -> Outcome:
    return outcome(message(example, email=email), MailSettings(server.url, "Reports <reports@shop.example>"), **how)


async def hang_up(server: Any) -> str:
    server.transport.abort()
    return "250 OK"


def says(answer: str) -> Callable[[Any], Awaitable[str]]:
    async def said(_server: Any) -> str:
        return answer

    return said


def slowly(seconds: float) -> Callable[[Any], Awaitable[str]]:
    async def said(_server: Any) -> str:
        await asyncio.sleep(seconds)
        return "250 OK"

    return said


@pytest.mark.usefixtures("no_pauses")
def test_a_mail_server_may_take_its_time_after_the_final_dot_and_say_anything_to_quit(example: Report) -> None:
    """Row 15: the answer takes longer than an attempt may."""
    with loopback_mail_server() as server:
        server.dot, server.quit = slowly(3), "421 Too busy"
        found = mailed(example, server, patience=2)
    assert (found.status, found.recipients) == ("sent", Recipients(sent=1))
    assert len(server.mails) == 1


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("dot", "status", "words"),
    [
        (hang_up, "uncertain", "no answer"),
        (says("451 Later"), "uncertain", "451"),
        (says("554 Spam"), "refused", "554"),
    ],
)
def test_nothing_is_sent_again_after_the_final_dot(example: Report, dot: Any, status: str, words: str) -> None:
    with loopback_mail_server() as server:
        server.dot = dot
        found = mailed(example, server)
    assert (found.status, found.attempts) == (status, 1), found
    assert words in (found.detail or "")
    assert len(server.mails) == 1


@pytest.mark.usefixtures("no_pauses")
def test_a_mail_without_an_answer_until_the_deadline_is_uncertain(example: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    over = Event()

    async def never(_server: Any) -> str:
        monkeypatch.setattr(attempts, "monotonic", lambda: time.monotonic() + 3_600)  # the deadline comes
        while not over.is_set():
            await asyncio.sleep(0.01)
        return "250 OK"

    with loopback_mail_server() as server:
        server.dot = never
        found = mailed(example, server, seconds=1_800, patience=2)
        over.set()
    assert (found.status, found.recipients) == ("uncertain", Recipients(uncertain=1))
    assert len(server.mails) == 1


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("trouble", ["mail", "rcpt", "data"])
def test_a_fault_before_the_final_dot_is_retried(example: Report, trouble: str) -> None:
    faults = iter([1, 2])

    class Faulty(SMTP):
        """Hangs up in the middle of a command, twice."""

        async def fail(self) -> None:
            if next(faults, None):
                self.transport.abort()

        async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
            await self.fail() if trouble == "mail" else None
            await super().smtp_MAIL(arg)

        async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802
            await self.fail() if trouble == "rcpt" else None
            await super().smtp_RCPT(arg)

        async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
            await self.fail() if trouble == "data" else None
            await super().smtp_DATA(arg)

    with loopback_mail_server(protocol=Faulty) as server:
        found = mailed(example, server)
    assert (found.status, found.attempts) == ("sent", 3), found
    assert len(server.mails) == 1


@pytest.mark.usefixtures("no_pauses")
def test_an_attempt_that_was_given_up_sends_nothing_later(example: Report) -> None:
    ended, stuck = [], []

    class Watched(SMTP):
        def connection_lost(self, error: Exception | None) -> None:
            ended.append(error)
            super().connection_lost(error)

    with loopback_mail_server(protocol=Watched) as server:

        async def stuck_until_another_came(_smtp: Any) -> None:
            if not stuck:
                stuck.append(True)
                while not server.mails:
                    await asyncio.sleep(0.01)

        server.rcpt = stuck_until_another_came
        found = mailed(example, server, patience=2)
        wait_until(lambda: len(ended) >= found.attempts)  # the first one, too, has gone on to its end
    assert found.status == "sent"
    assert found.attempts >= 2
    assert len(server.mails) == 1


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("refusals", "expected", "mails"),
    [
        ({}, ("sent", 1, Recipients(sent=2)), [["a", "b"]]),
        ({"a": ["450 Later"]}, ("sent", 2, Recipients(sent=2)), [["b"], ["a"]]),
        ({"a": ["451 Later"], "b": ["451 Later"]}, ("sent", 2, Recipients(sent=2)), [["a", "b"]]),
        ({"a": ["550 Unknown"]}, ("refused", 1, Recipients(sent=1, refused=1)), [["b"]]),
        ({"a": ["550 Unknown"], "b": ["550 Unknown"]}, ("refused", 1, Recipients(refused=2)), []),
        ({"a": ["550 Unknown"], "b": ["450 Later", "450 Later"]}, ("refused", 3, Recipients(sent=1, refused=1)), [["b"]]),
    ],
)
def test_each_recipient_is_judged_by_its_own_code(
    example: Report, refusals: dict[str, list[str]], expected: tuple[str, int, Recipients], mails: list[list[str]]
) -> None:
    """Row 16."""
    with loopback_mail_server() as server:
        server.refusals |= {f"{name}@shop.example": list(codes) for name, codes in refusals.items()}
        found = mailed(example, server, TWO)
    assert (found.status, found.attempts, found.recipients) == expected, found
    assert server.recipients == [[f"{name}@shop.example" for name in each] for each in mails]
    assert len({mail["Message-ID"] for mail in server.mails}) <= 1


def test_an_address_that_stays_busy_fails_alone_and_is_told_of_by_number(
    example: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "FIRST_PAUSE_SECONDS", 1_000.0)  # no time for a second attempt
    with loopback_mail_server() as server:
        server.refusals["a@shop.example"] = ["450 Later"]
        found = mailed(example, server, TWO)
    assert (found.status, found.attempts, found.recipients) == ("failed", 1, Recipients(sent=1, failed=1))
    assert found.detail == "1 of 2 addresses failed: the mail server answered 450"
    assert server.recipients == [["b@shop.example"]]


@pytest.mark.parametrize("email", [("jörg@shop.example",), ("@",), ("nobody",), ("a@b\r\nBcc: c@d.example",), ("a@b, c@d",)])
def test_an_address_that_cannot_be_written_to_is_refused_alone(example: Report, email: tuple[str, ...]) -> None:
    """Row 17."""
    with loopback_mail_server(enable_SMTPUTF8=False) as server:
        alone = mailed(example, server, email)
        among = mailed(example, server, (*email, "b@shop.example"))
    assert (alone.status, alone.attempts, alone.recipients) == ("refused", 1, Recipients(refused=1)), alone
    assert (among.status, among.attempts, among.recipients) == ("refused", 1, Recipients(sent=1, refused=1)), among
    assert email[0] not in f"{alone.detail} {among.detail}"
    assert server.recipients == [["b@shop.example"]]
    assert server.mails[0]["To"] == "b@shop.example"


def test_a_mail_server_with_smtputf8_reaches_an_address_that_needs_it(example: Report) -> None:
    with loopback_mail_server() as server:
        found = mailed(example, server, ("Jörg <jörg@shop.example>",))
    assert found.status == "sent", found
    assert server.recipients == [["jörg@shop.example"]]


def test_the_operator_can_be_asked_to_stop_however_long_the_address(example: Report) -> None:
    sender = f"reports-{'of-this-shop-' * 4}@{'long-' * 6}name.example"
    to = message(example, email=("a@shop.example",))
    with loopback_mail_server() as server:
        assert outcome(to, MailSettings(server.url, f"Reports <{sender}>")).status == "sent"
    assert dict(server.mails[0].raw_items())["List-Unsubscribe"] == f"<mailto:{sender}?subject=unsubscribe>"


def test_what_is_wrong_in_the_settings_for_mail_is_refused_at_that_channel(example: Report) -> None:
    """Row 17: among others `ü` in the password."""
    to = message(example, email=("a@shop.example",))
    assert outcome(to, None).status == "refused"
    with loopback_mail_server(auth_require_tls=False, auth_callback=lambda *_: True) as server:
        secret = MailSettings(server.url.replace("//", "//user:p%C3%BC@"), "reports@shop.example")
        for settings in (secret, MailSettings(server.url, "@")):
            found = outcome(to, settings)
            assert (found.status, found.attempts) == ("refused", 1), found
    assert not server.mails


@pytest.mark.parametrize(("name_in_certificate", "status"), [("127.0.0.1", "sent"), ("other.example", "failed")])
def test_mail_goes_over_tls_to_the_named_server_only(
    example: Report, authority: trustme.CA, name_in_certificate: str, status: str
) -> None:
    knows = Event()

    def log_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        knows.set()
        return AuthResult(success=(data.login, data.password) == (b"user", b"p@ss"))

    with loopback_mail_server(authority.issue_cert(name_in_certificate), authenticator=log_in, auth_require_tls=False) as server:
        server.url = server.url.replace("//", "//user:p%40ss@")
        found = mailed(example, server, seconds=60 if status == "sent" else 0.9)
    assert found.status == status, found
    assert knows.is_set() is (status == "sent")
    assert len(server.mails) == (status == "sent")


def test_a_serious_caveat_is_in_the_subject_the_mail_and_slack() -> None:
    text = "Nothing corrects the probabilities yet."
    caveat = {"code": "no_look_back", "text": text, "severity": "serious"}
    cautious = message(sample_report(caveats=[caveat]), email=("a@shop.example",))
    with loopback_mail_server() as server:
        outcome(cautious, MailSettings(server.url, "reports@shop.example"))
    (mail,) = server.mails
    slack = cautious.slack()
    assert "no past week to learn from" in mail["Subject"]
    assert "no past week to learn from" in slack["text"]
    assert text in slack["blocks"][0]["text"]["text"]
    for form in ("plain", "html"):
        assert text in mail.get_body((form,)).get_content()
