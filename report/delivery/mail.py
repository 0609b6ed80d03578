"""E-mail, by SMTP.

`smtplib` is used command by command, so that it is known whether the final dot of DATA was sent: before it, a fault may be
retried; after it, nothing is sent again. `smtplib.sendmail` and aiosmtplib send the text and the dot in one piece.
"""

import re
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import getaddresses
from functools import partial
from urllib.parse import quote, unquote, urlsplit

from report.delivery.attempts import Attempt, RefusedError, Result
from report.delivery.message import Message
from report.schema import DeliveryStatus, Recipients
from report.settings import LOOPBACK, MailSettings

ATTEMPT_SECONDS = 60.0
"""How long everything before the final dot may take: some servers delay the greeting for unknown senders."""
DOT_SECONDS = 600.0
"""How long the answer to the final dot may take (RFC 5321, 4.5.3.2.6). The run's deadline usually comes first."""


class _OneLine(UnstructuredHeader, BaseHeader):
    """A header that is written unchanged: if it were folded and encoded, a long address would be invalid."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type("list-unsubscribe", _OneLine)
POLICY = SMTP.clone(cte_type="7bit", header_factory=HEADERS)

Verdict = tuple[DeliveryStatus, str]
"""What happened to the mail for one address, and why."""
Verdicts = Mapping[str, Verdict]
NOBODY_YET: Verdicts = {}


def send(message: Message, mail: MailSettings | None, attempt: Attempt, so_far: Verdicts = NOBODY_YET) -> Result:
    """Send the report to each of the client's addresses that has failed so far. Each address has its own verdict."""
    if mail is None:
        raise RefusedError("SMTP_URL is not set, so no e-mail is sent")
    waiting = [text for text in message.client.email if so_far.get(text, ("failed", ""))[0] == "failed"]

    def result(verdicts: Verdicts) -> Result:
        now = {**so_far, **verdicts}
        return _result(now, partial(send, message, mail, so_far=now))

    try:
        with closing(_connect(mail)) as server:
            return result(_transaction(server, message, mail.sender, waiting, lambda verdicts: attempt.commit(result(verdicts))))
    except smtplib.SMTPResponseException as error:
        return result(dict.fromkeys(waiting, _verdict(error.smtp_code)))
    except smtplib.SMTPNotSupportedError:
        return result(dict.fromkeys(waiting, ("refused", "the mail server offers no STARTTLS or no log-in")))
    except UnicodeError:
        return result(dict.fromkeys(waiting, ("refused", "SMTP_URL has a host, a user or a password that is not ASCII")))
    except (OSError, smtplib.SMTPException) as error:
        return result(dict.fromkeys(waiting, ("failed", f"the mail server cannot be used: {type(error).__name__}")))


def _result(verdicts: Verdicts, rest: Callable[[Attempt], Result]) -> Result:
    """Sum up the verdicts. The detail has counts, never an address."""
    counts = Counter(status for status, _ in verdicts.values())
    status: DeliveryStatus = next(status for status in ("failed", "uncertain", "refused", "sent") if counts[status])
    reasons = Counter((status, reason) for status, reason in verdicts.values() if status != "sent")
    if len(verdicts) == 1:
        detail = next((reason for _, reason in reasons), None)
    else:
        detail = "; ".join(f"{n} of {len(verdicts)} addresses {status}: {reason}" for (status, reason), n in reasons.items())
    return Result(status, detail or None, Recipients.model_validate(counts), rest if counts["failed"] else None)


def _verdict(code: int) -> Verdict:
    """Judge an address by the mail server's answer: 5xx is final."""
    return "refused" if 500 <= code < 600 else "failed", f"the mail server answered {code}"


def _transaction(
    server: smtplib.SMTP, message: Message, sender: str, waiting: Iterable[str], commit: Callable[[Verdicts], None]
) -> Verdicts:
    """Send one mail to the remaining addresses. Raises only before the final dot."""
    from_ = parsed(sender)
    if from_ is None:
        raise RefusedError("MAIL_FROM is not an e-mail address")
    server.ehlo_or_helo_if_needed()
    speaks_utf8 = server.has_extn("smtputf8")
    if not from_.addr_spec.isascii() and not speaks_utf8:
        raise RefusedError("MAIL_FROM needs SMTPUTF8, which the mail server does not offer")
    to = {text: address for text in message.client.email if (address := parsed(text))}
    usable = {text: address for text, address in to.items() if speaks_utf8 or address.addr_spec.isascii()}
    verdicts: dict[str, Verdict] = {}
    for text in waiting:
        if text not in to:
            verdicts[text] = ("refused", "not an e-mail address")
        elif text not in usable:
            verdicts[text] = ("refused", "needs SMTPUTF8, which the mail server does not offer")
    if not usable:
        return verdicts

    in_utf8 = not all(address.addr_spec.isascii() for address in (from_, *usable.values()))
    content = _dots_doubled(_mail(message, from_, usable.values()).as_bytes(policy=POLICY.clone(utf8=in_utf8)))
    options = ["SMTPUTF8", "BODY=8BITMIME"] if in_utf8 else []
    options += [f"SIZE={len(content)}"] if server.has_extn("size") else []
    code, answer = server.mail(from_.addr_spec, options)
    if code != 250:
        raise smtplib.SMTPResponseException(code, answer)
    for text in waiting:
        if text in usable:
            code, answer = server.rcpt(usable[text].addr_spec)
            if code == 421:  # the server closes the connection: nobody receives the mail
                raise smtplib.SMTPResponseException(code, answer)
            verdicts[text] = ("sent", "") if code in (250, 251) else _verdict(code)
    accepted = [text for text, (status, _) in verdicts.items() if status == "sent"]
    if accepted:
        verdict = _until_the_dot(server, content)
        if not verdict:
            commit({**verdicts, **dict.fromkeys(accepted, _NO_ANSWER)})
            verdict = _after_the_dot(server)
        verdicts |= dict.fromkeys(accepted, verdict)
    with suppress(OSError, smtplib.SMTPException):
        server.putcmd("QUIT")  # the answer does not matter
    return verdicts


def _until_the_dot(server: smtplib.SMTP, content: bytes) -> Verdict | None:
    """Send everything except the final dot; return a verdict if that failed."""
    try:
        code, _ = server.docmd("DATA")
        if code != 354:
            return _verdict(code)
        server.send(content)
    except (OSError, smtplib.SMTPException) as error:
        return "failed", f"the connection broke off: {type(error).__name__}"
    return None


_NO_ANSWER: Verdict = ("uncertain", "no answer to the whole mail; it may have arrived, so it is not sent again")


def _after_the_dot(server: smtplib.SMTP) -> Verdict:
    """Send the final dot and wait for the answer. From here on the mail is never sent again."""
    try:
        if server.sock:
            server.sock.settimeout(DOT_SECONDS)
        server.send(b".\r\n")
        code, _ = server.getreply()
    except (OSError, smtplib.SMTPException):
        return _NO_ANSWER
    if 200 <= code < 300:
        return "sent", ""
    if 500 <= code < 600:
        return _verdict(code)
    return "uncertain", f"the mail server answered {code} to the whole mail; it may keep it, so it is not sent again"


def _dots_doubled(content: bytes) -> bytes:
    """Make lines that begin with a dot distinct from the final dot (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", content.removesuffix(b"\r\n")) + b"\r\n"


def _connect(mail: MailSettings) -> smtplib.SMTP:
    """Connect and log in. Only a server on this machine (for tests) may be without TLS."""
    address, tls = urlsplit(mail.smtp_url), ssl.create_default_context()
    host = address.hostname or ""
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, address.port or 465, timeout=ATTEMPT_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, address.port or 587, timeout=ATTEMPT_SECONDS)
    try:
        if address.scheme == "smtp" and host not in LOOPBACK:
            server.starttls(context=tls)
        if address.username:
            server.login(unquote(address.username), unquote(address.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def parsed(text: str) -> Address | None:
    """Read one address, with or without a name; return None if there is not exactly one."""
    found = getaddresses([text])
    if len(found) != 1 or not text.isprintable():
        return None
    name, address = found[0]
    if not re.fullmatch(r"""[^\s@<>()\[\],:;"\\]+@[^\s@<>()\[\],:;"\\]+""", address):
        return None
    user, _, domain = address.rpartition("@")
    return Address(display_name=name, username=user, domain=domain)


def _mail(message: Message, sender: Address, to: Iterable[Address]) -> EmailMessage:
    letter = message.letter()
    mail = EmailMessage(POLICY)
    mail["Subject"] = letter.subject
    mail["From"] = sender
    mail["To"] = tuple(to)
    mail["Date"] = letter.date
    mail["List-Unsubscribe"] = f"<mailto:{quote(sender.addr_spec, safe='@')}?subject=unsubscribe>"
    mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    for attachment in letter.attachments:
        if isinstance(attachment.content, str):
            mail.add_attachment(attachment.content, subtype="html", filename=attachment.name)
        else:
            mail.add_attachment(attachment.content, maintype="application", subtype="pdf", filename=attachment.name)
    return mail
