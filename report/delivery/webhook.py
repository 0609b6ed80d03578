"""Send a signed webhook (Standard Webhooks specification), and post to an address from a client's settings."""

import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPException
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from report.delivery.attempts import Attempt, NoAnswerError, RefusedError, Result, TemporaryError
from report.delivery.message import Message
from report.settings import LOOPBACK

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

ATTEMPT_SECONDS = 10.0
"""How long one attempt may take."""
MAX_ANSWER_BYTES = 1_000
"""How much of a refusal is read, for the log."""


def send(message: Message, url: str, _: Attempt) -> Result:
    """Post the report. The receiver drops repeats by id, so a repeat does no harm."""
    from standardwebhooks import Webhook

    body = json.dumps(message.payload(), ensure_ascii=False)
    now = datetime.now(UTC)
    try:
        signature = Webhook(message.client.webhook_secret or "").sign(message.id, now, body)
    except Exception:
        raise RefusedError("its webhook_secret in CLIENTS is missing or no Standard Webhooks secret (whsec_...)") from None
    headers = {
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    post(url, body, headers)
    return Result("sent")


def post(url: str, body: str, headers: Mapping[str, str], before_sending: Callable[[], None] = lambda: None) -> None:
    """Post JSON; follow no redirect. Raises RefusedError or TemporaryError unless the answer is 2xx."""
    from urllib3.exceptions import HTTPError

    ends = monotonic() + ATTEMPT_SECONDS
    address = _address(url)
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    known = {"Host": address.netloc, "Content-Type": "application/json", "User-Agent": "weekly-churn-report"}
    with closing(_connect(address, ends)) as connection:
        before_sending()
        try:
            connection.request("POST", target, body.encode(), {**known, "Connection": "close", **headers}, preload_content=False)
            answer = connection.getresponse()
            said = b"" if 200 <= answer.status < 300 else answer.read1(MAX_ANSWER_BYTES)
        except (OSError, HTTPException, HTTPError) as error:
            raise NoAnswerError(f"no answer: {type(error).__name__}") from None
    if answer.status == 429 or answer.status >= 500:
        retry_after = answer.headers.get("Retry-After", "")
        raise TemporaryError(f"the receiver answered {answer.status}", float(retry_after) if retry_after.isdecimal() else 0.0)
    if not 200 <= answer.status < 300:
        raise RefusedError(f"the receiver answered {answer.status}: {said.decode(errors='replace')[:100]!r}")


def _address(url: str) -> SplitResult:
    """Split an address that a report may go to: https, or http on this machine (for tests)."""
    try:
        address = urlsplit(url)
        netloc = address.netloc.encode("idna").decode()
        is_known = address.scheme == "https" or (address.scheme == "http" and address.hostname in LOOPBACK)
        is_known = is_known and bool(address.hostname) and address.port != 0 and "@" not in netloc
    except ValueError:
        is_known = False
    if not is_known or not re.fullmatch(r"[!-~]+", netloc + address.path + address.query):
        raise RefusedError("its webhook_url in CLIENTS takes an https address without a password in it")
    return address._replace(netloc=netloc)


def _connect(address: SplitResult, ends: float) -> "HTTPConnection":
    """Look up the host once, and connect to the first of its network addresses that answers."""
    from urllib3.connection import HTTPConnection
    from urllib3.exceptions import HTTPError

    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    if address.scheme == "https":
        candidates = [_tls(host, port, network_address) for network_address in public_addresses(host, port)]
    else:
        candidates = [HTTPConnection(host, port)]
    problem = TemporaryError("the receiver's name is not found")
    for left, connection in zip(range(len(candidates), 0, -1), candidates, strict=True):
        connection.timeout = max((ends - monotonic()) / left, 0.001)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            problem = TemporaryError(f"the receiver's certificate is not valid: {error.verify_message}")
        except (OSError, HTTPException, HTTPError) as error:
            problem = TemporaryError(f"no connection: {type(error).__name__}")
        else:
            connection.timeout = max(ends - monotonic(), 0.001)
            return connection
        connection.close()
    raise problem


def _tls(host: str, port: int, network_address: str) -> "HTTPConnection":
    """Prepare TLS over one network address; the certificate must be the host's."""
    import certifi
    from urllib3.connection import HTTPSConnection

    return HTTPSConnection(network_address, port, server_hostname=host, ca_certs=certifi.where())


def public_addresses(host: str, port: int) -> tuple[str, ...]:
    """Look up a host's network addresses, which must all be public: no webhook reaches into a private network."""
    try:
        found = dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError:
        raise TemporaryError("the receiver's name is not found") from None
    if not all(is_public(address) for address in found):
        raise RefusedError("its webhook_url in CLIENTS leads into a private network")
    return tuple(found)


_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def is_public(network_address: str) -> bool:
    """Tell whether an IP address, and any address embedded in it, belongs to the public network."""
    address = ipaddress.ip_address(network_address.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return address in _GLOBAL_UNICAST and address.is_global and not address.sixtofour and not address.teredo
    return address.is_global and not address.is_multicast
