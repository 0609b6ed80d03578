"""Who may start the weekly run: Cloud Scheduler by Google's token, anybody else by an API key."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from local.function import Answer, Function
from report.api.access import hash_of
from report.settings import SettingsError, read_settings
from tests.support.loopback.google import Google, Signer, loopback_google

EMAIL = "churn-report-weekly@my-project.iam.gserviceaccount.com"
AUDIENCE = "https://us-central1-my-project.cloudfunctions.net/churn-report"


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    with loopback_google(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture(scope="module")
def function(google: Google, serve: Callable[..., Function]) -> Function:
    return serve(
        **google.environment,
        SCHEDULER_EMAIL=EMAIL,
        SCHEDULER_AUDIENCE=AUDIENCE,
        API_KEYS={hash_of("for one"): [961]},
        CLIENTS={"961": {"name": "Sample Shop"}, "962": {}},
    )


def claims(**others: Any) -> dict[str, Any]:
    """Those of a token as Google makes it for Cloud Scheduler; without what is None here."""
    now = int(time.time())
    usual = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1234567890", "sub": "1234567890"}
    usual |= {"email": EMAIL, "email_verified": True, "iat": now, "exp": now + 3600}
    return {name: value for name, value in {**usual, **others}.items() if value is not None}


def call(function: Function, token: str, key: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    return function.ask(
        "/reports/weekly", method="POST", key=key, headers={"Authorization": f"Bearer {token}", **(headers or {})}
    )


def segment(part: object) -> str:
    return base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(header: Mapping[str, Any], payload: object, signature: bytes = b"") -> str:
    return f"{segment(header)}.{segment(payload)}.{segment(signature)}"


def test_google_is_asked_for_its_certificates_once_and_again_only_after_a_failure(google: Google, function: Function) -> None:
    token = google.signer.token(claims())
    google.status = HTTPStatus.SERVICE_UNAVAILABLE
    unchecked = call(function, token)
    assert (unchecked.status, unchecked.headers["content-type"]) == (502, "application/problem+json")
    google.status = HTTPStatus.OK
    failures = len(google.requests)

    answers = [call(function, token) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200], answers[0].text
    assert {result["client_id"]: result["status"] for result in answers[0].json()["results"]} == {
        961: "no_address",
        962: "no_address",
    }
    assert google.requests[failures:] == ["GET /oauth2/v1/certs HTTP/1.1"]


def bad_tokens(signer: Signer) -> dict[str, str]:
    def signed(**others: Any) -> str:
        return signer.token(claims(**others))

    now = int(time.time())
    none = {"alg": "none", "typ": "JWT", "kid": signer.key_id}
    symmetric = f"{segment({**none, 'alg': 'HS256'})}.{segment(claims())}"
    mac = hmac.digest(signer.certificate().encode(), symmetric.encode(), hashlib.sha256)
    right = signed()
    return {
        "for another function": signed(aud="https://us-central1-my-project.cloudfunctions.net/another"),
        "for several functions": signed(aud=[AUDIENCE, "https://other.example"]),
        "for no function": signed(aud=None),
        "of another account": signed(email="somebody@my-project.iam.gserviceaccount.com"),
        "of an account whose name only begins so": signed(email=f"{EMAIL}.example"),
        "of no account": signed(email=None),
        "of an address that is not verified": signed(email_verified=False),
        "of an address that is said to be verified": signed(email_verified="true"),
        "of an address of which nothing is said": signed(email_verified=None),
        "that has expired": signed(iat=now - 3700, exp=now - 60),
        "that is not valid yet": signed(iat=now + 600, exp=now + 4200),
        "that never expires": signed(exp=None),
        "with a date that is no number": signed(exp="never"),
        "of another issuer": signed(iss="https://accounts.example"),
        "of no issuer": signed(iss=None),
        "of another signer who uses Google's key id": Signer(signer.key_id).token(claims()),
        "of a signer whom Google does not name": Signer("another key").token(claims()),
        "without a signature": unsigned(none, claims()),
        "signed with Google's certificate as a secret": f"{symmetric}.{segment(mac)}",
        "with another content than was signed": ".".join(
            [right.split(".")[0], segment(claims(sub="0987654321")), right.split(".")[2]]
        ),
        "cut off": right[:-8],
        "that is none": "x",
        "that is empty": "",
        "of three words": "a.b.c",
        "without claims": unsigned({"alg": "RS256", "kid": signer.key_id}, [1]),
        "nested too deep": unsigned(none, b"[" * 4000),
        "in other letters": "ä.ö.ü",
    }


def test_any_other_token_is_refused_and_never_logged(google: Google, function: Function) -> None:
    for which, token in bad_tokens(google.signer).items():
        answer = call(function, token)
        assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json"), f"a token {which}"
        assert answer.headers["www-authenticate"]
        assert len(token) < 9 or token not in function.program.printed(), f"a token {which}"
    assert call(function, google.signer.token(claims())).status == 200
    refusals = [line["message"] for line in function.log() if "was refused" in line["message"]]
    assert any("wrong audience" in refusal for refusal in refusals)
    assert any("Token expired" in refusal for refusal in refusals)


def test_a_token_starts_the_weekly_run_and_opens_nothing_else(google: Google, function: Function) -> None:
    headers = {"Authorization": f"Bearer {google.signer.token(claims())}"}
    assert function.ask("/reports/generate?client_id=961", key="", headers=headers).status == 401


def test_beside_an_api_key_a_token_is_not_looked_at(google: Google, function: Function) -> None:
    token = google.signer.token(claims())
    assert call(function, token, key="a wrong key").status == 401
    for beside in (token, "no token"):
        answer = call(function, beside, key="for one")
        assert [result["client_id"] for result in answer.json()["results"]] == [961]


def test_without_its_settings_a_token_starts_nothing(google: Google, serve: Callable[..., Function]) -> None:
    function = serve(**google.environment, CLIENTS={"961": {}})
    assert call(function, google.signer.token(claims())).status == 401
    assert function.ask("/reports/weekly", method="POST").status == 200
    assert function.ask("/reports/weekly", method="POST", key="", headers={"Authorization": "Basic eDp5"}).status == 401


def test_the_settings_of_the_weekly_call_come_together_or_not_at_all() -> None:
    assert read_settings({}).scheduler is None
    for name in ("SCHEDULER_EMAIL", "SCHEDULER_AUDIENCE"):
        with pytest.raises(SettingsError, match="SCHEDULER_EMAIL and SCHEDULER_AUDIENCE"):
            read_settings({name: "x"})
