"""The configuration, read from environment variables into immutable values. The README's table says what each one means."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from report.api.access import Grants, parse_api_keys


class SettingsError(ValueError):
    """A setting that does not say what it must; the message names it and what it takes, and never quotes a secret."""


@dataclass(frozen=True)
class WarehouseSettings:
    """Where BigQuery has the tables, and how much a query may cost."""

    project: str | None
    dataset: str
    location: str | None
    events_table: str
    users_table: str
    max_bytes_billed: int | None
    emulator_host: str | None


@dataclass(frozen=True)
class GeminiSettings:
    """Which Gemini writes the summary, and how long it may take."""

    api_key: str = field(repr=False)
    model: str
    endpoint: str | None
    timeout_seconds: float


@dataclass(frozen=True)
class MailSettings:
    """Which mail server takes the weekly reports, and from whom they come."""

    smtp_url: str = field(repr=False)
    """`smtp://user:password@host:587` (with STARTTLS) or `smtps://`."""
    sender: str


@dataclass(frozen=True)
class SchedulerSettings:
    """Whose OIDC token may start the weekly run, and for which audience it must be made."""

    email: str
    audience: str


@dataclass(frozen=True)
class ClientSettings:
    """What the function knows of a client beside its id."""

    name: str | None = None
    time_zone: str = "UTC"
    webhook_url: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_flavour: Literal["report", "slack"] = "report"
    email: tuple[str, ...] = ()

    def zone(self) -> ZoneInfo:
        """The client's time zone. Raises SettingsError where there is none of that name."""
        try:
            return ZoneInfo(self.time_zone)
        except (ValueError, OSError, KeyError):
            raise SettingsError(
                f"this client's time_zone in CLIENTS is {self.time_zone!r}, which is no time zone; one is 'Europe/Berlin'"
            ) from None


@dataclass(frozen=True)
class Settings:
    """All of the configuration."""

    warehouse: WarehouseSettings
    gemini: GeminiSettings | None
    grants: Grants
    api_keys_problem: str | None
    clients: Mapping[int, ClientSettings]
    allowed_origins: frozenset[str]
    request_deadline_seconds: float
    report_cache_seconds: float
    weekly_deadline_seconds: float
    mail: MailSettings | None
    page_url: str | None
    """Where the report's page is; None where it is this function's own."""
    scheduler: SchedulerSettings | None
    """None where the weekly run starts with an API key alone."""

    def client(self, client_id: int) -> ClientSettings:
        """What is known of a client; the defaults where `CLIENTS` does not name it."""
        return self.clients.get(client_id, ClientSettings())


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that `environment` makes.

    A missing or broken `API_KEYS` lets nobody in and is told in `api_keys_problem`. Anything else that is broken raises
    SettingsError, but for a client's time zone, which fails that client alone (`ClientSettings.zone`).
    """
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    grants, api_keys_problem = _api_keys(given.get("API_KEYS"))
    return Settings(
        warehouse=WarehouseSettings(
            project=_identifier(given, "BIGQUERY_PROJECT", r"[a-z0-9:.-]+"),
            dataset=_identifier(given, "BIGQUERY_DATASET", r"\w+") or "analytics",
            location=_identifier(given, "BIGQUERY_LOCATION", r"[\w-]+"),
            events_table=_identifier(given, "EVENTS_TABLE", r"[\w-]+") or "events",
            users_table=_identifier(given, "USERS_TABLE", r"[\w-]+") or "users",
            max_bytes_billed=math.ceil(_positive(given, "BIGQUERY_MAX_BYTES_BILLED", 0.0)) or None,
            emulator_host=given.get("BIGQUERY_EMULATOR_HOST"),
        ),
        gemini=_gemini(given),
        grants=grants,
        api_keys_problem=api_keys_problem,
        clients=_clients(given.get("CLIENTS", "{}")),
        allowed_origins=frozenset(origin.strip() for origin in given.get("ALLOWED_ORIGINS", "").split(",") if origin.strip()),
        request_deadline_seconds=_positive(given, "REQUEST_DEADLINE_SECONDS", 60.0),
        report_cache_seconds=_seconds_to_keep(given),
        weekly_deadline_seconds=_positive(given, "WEEKLY_DEADLINE_SECONDS", 300.0),
        mail=_mail(given),
        page_url=_page_url(given),
        scheduler=_scheduler(given),
    )


def _api_keys(text: str | None) -> tuple[Grants, str | None]:
    if text is None:
        return {}, "API_KEYS is not set"
    try:
        return parse_api_keys(text), None
    except ValueError as problem:
        return {}, str(problem)


def _gemini(given: Mapping[str, str]) -> GeminiSettings | None:
    timeout_seconds = _positive(given, "GEMINI_TIMEOUT_SECONDS", 10.0)
    if "GEMINI_API_KEY" not in given:
        return None
    return GeminiSettings(
        api_key=given["GEMINI_API_KEY"],
        model=given.get("GEMINI_MODEL", "gemini-flash-lite-latest"),
        endpoint=given.get("GEMINI_ENDPOINT"),
        timeout_seconds=timeout_seconds,
    )


def _mail(given: Mapping[str, str]) -> MailSettings | None:
    if "SMTP_URL" not in given:
        return None
    if not (re.match(r"smtps?://[^/?#]+$", given["SMTP_URL"]) and _has_a_host(given["SMTP_URL"])):
        raise SettingsError("SMTP_URL takes an address such as smtp://user:password@mail.example:587")
    if "@" not in given.get("MAIL_FROM", ""):
        raise SettingsError("MAIL_FROM is needed beside SMTP_URL: the address from which the reports come")
    return MailSettings(given["SMTP_URL"], given["MAIL_FROM"])


def _scheduler(given: Mapping[str, str]) -> SchedulerSettings | None:
    email, audience = given.get("SCHEDULER_EMAIL"), given.get("SCHEDULER_AUDIENCE")
    if email is None and audience is None:
        return None
    if email is None or audience is None:
        raise SettingsError("SCHEDULER_EMAIL and SCHEDULER_AUDIENCE are needed together, or neither of them")
    return SchedulerSettings(email, audience)


def _has_a_host(url: str) -> bool:
    """Whether there is a host in it and, behind a colon, nothing but a port."""
    try:
        address = urlsplit(url)
        return bool(address.hostname) and (address.port is None or address.port > 0)
    except ValueError:
        return False


def _page_url(given: Mapping[str, str]) -> str | None:
    url = given.get("PAGE_URL")
    if url is not None and not re.match(r"https?://[^/?#\s]+[^?#\s]*$", url):
        raise SettingsError("PAGE_URL takes the address of the report's page, such as https://shop.example/dashboard/reports")
    return url


def _clients(text: str) -> Mapping[int, ClientSettings]:
    example = 'CLIENTS takes a JSON object such as {"1": {"name": "Sample Shop", "time_zone": "Europe/Berlin"}}'
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):  # the latter where it is nested too deep
        raise SettingsError(example) from None
    if not isinstance(entries, dict):
        raise SettingsError(example)
    for client_id, entry in entries.items():
        if not re.fullmatch(r"[1-9][0-9]{0,18}", client_id) or not isinstance(entry, dict):
            raise SettingsError(example)
    return {int(client_id): _client(client_id, entry) for client_id, entry in entries.items()}


def _client(client_id: str, entry: Mapping[str, Any]) -> ClientSettings:
    def text(name: str) -> str | None:
        value = entry.get(name)
        if value is not None and not _is_text(value):
            raise SettingsError(f"CLIENTS has a {name} of client {client_id} that is no text")
        return value

    flavour, email = entry.get("webhook_flavour", "report"), entry.get("email", [])
    if flavour not in ("report", "slack"):
        raise SettingsError(f'CLIENTS has a webhook_flavour of client {client_id} that is neither "report" nor "slack"')
    if not isinstance(email, list) or not all(_is_text(address) and "@" in address for address in email):
        raise SettingsError(f"CLIENTS has an email of client {client_id} that is no list of addresses")
    return ClientSettings(
        name=text("name"),
        time_zone=text("time_zone") or "UTC",
        webhook_url=text("webhook_url"),
        webhook_secret=text("webhook_secret"),
        webhook_flavour=flavour,
        email=tuple(email),
    )


def _is_text(value: object) -> bool:
    """Whether it is a text that can go out again: JSON's escapes may bring halves of characters."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _identifier(given: Mapping[str, str], name: str, pattern: str) -> str | None:
    value = given.get(name)
    if value is not None and not re.fullmatch(pattern, value, re.ASCII):
        raise SettingsError(f"{name} is {value!r}, which is no name that BigQuery takes")
    return value


def _seconds_to_keep(given: Mapping[str, str]) -> float:
    return 0.0 if given.get("REPORT_CACHE_SECONDS") == "0" else _positive(given, "REPORT_CACHE_SECONDS", 30.0)


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    if name not in given:
        return default
    try:
        value = float(given[name])
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise SettingsError(f"{name} is {given[name]!r}; it takes a number above 0")
    return value
