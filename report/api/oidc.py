"""Check the OIDC token with which Cloud Scheduler makes the weekly call.

Google signs it for the service account of the call: nothing secret is stored, here or in Cloud Scheduler.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached
from google.auth import exceptions, transport
from google.auth.transport import requests
from google.oauth2 import id_token

from report.api.access import SchedulerSettings

CERTIFICATE_SECONDS = 3600
"""How long a warm instance keeps Google's certificates. Google publishes new ones well before it signs with them."""
FETCH_SECONDS = 5
CLOCK_SKEW_SECONDS = 10


class TokenError(Exception):
    """The token is not that of the weekly call. The message is for the log and never quotes the token."""


class CertificatesError(Exception):
    """The token could not be checked, because Google's certificates could not be fetched."""


def bearer_token(authorization: str) -> str | None:
    """Return the token in a header `Authorization: Bearer ...`; None for any other header."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def check_weekly_call(token: str, scheduler: SchedulerSettings | None) -> None:
    """Raise TokenError unless Google signed `token` for the weekly call of this function, and it is still valid.

    Raises CertificatesError if that cannot be known.
    """
    if scheduler is None:
        raise TokenError("SCHEDULER_EMAIL and SCHEDULER_AUDIENCE are not set")
    claims = _verified(token, scheduler.audience)
    if claims.get("email") != scheduler.email:
        raise TokenError("it belongs to another account than SCHEDULER_EMAIL")
    if claims.get("email_verified") is not True:
        raise TokenError("its e-mail address is not verified")


def _verified(token: str, audience: str) -> Mapping[str, Any]:
    try:
        claims: Mapping[str, Any] = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
            token, _fetched, audience, CLOCK_SKEW_SECONDS
        )
    except exceptions.TransportError as error:
        raise CertificatesError("Google's certificates could not be fetched") from error
    except exceptions.InvalidValue as error:
        raise TokenError(str(error)) from error
    except (exceptions.GoogleAuthError, ValueError, TypeError, LookupError, RecursionError) as error:
        # Messages of these errors can quote the token.
        raise TokenError("it is malformed, or Google did not sign it") from error
    return claims


@cached(TTLCache(1, CERTIFICATE_SECONDS), lock=Lock())
def _fetched(url: str, method: str = "GET") -> transport.Response:
    """Fetch Google's certificates. Keep the answer only if it has them."""
    response: transport.Response = requests.Request()(url, method, timeout=FETCH_SECONDS)
    if response.status != 200:
        raise exceptions.TransportError(f"answered with {response.status}")  # type: ignore[no-untyped-call]
    return response
