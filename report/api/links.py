"""Signed links. A link opens the report of one client and week without a key, for a limited time.

A link is signed with `LINK_SECRET` (HMAC-SHA256). Nothing is stored; another secret revokes every link.
"""

import hashlib
import hmac
from datetime import date, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

LINK_DAYS = 14
"""How long a link opens its report."""


def shared_link(address: str, secret: str, client_id: int, week_ending: date, now: datetime) -> str:
    """Return the link to a report, below the address of `GET /reports/shared`."""
    expires = int((now + timedelta(days=LINK_DAYS)).timestamp())
    query = {"client_id": client_id, "week_ending": week_ending, "expires": expires}
    return f"{address}?{urlencode(query | {'signature': signature(secret, client_id, week_ending, expires)})}"


def signature(secret: str, client_id: int, week_ending: date, expires: int) -> str:
    """Sign what a link opens and until when, in seconds since 1970."""
    signed = f"report {client_id} {week_ending.isoformat()} {expires}"
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def link_problem(
    secret: str | None, link: tuple[int, date, int], presented: str, now: datetime
) -> Literal["wrong", "expired"] | None:
    """Return why a link to a client's week with this expiry is refused; None for a valid link.

    Only a link that was signed here can be `expired`. Without a secret every link is wrong.
    """
    expected = signature(secret or "", *link)
    if not hmac.compare_digest(expected.encode(), presented.encode("utf-8", "surrogatepass")) or secret is None:
        return "wrong"
    return "expired" if now.timestamp() >= link[2] else None
