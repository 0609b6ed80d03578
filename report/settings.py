"""Read the configuration from environment variables into immutable values. docs/configuration.md describes each setting.

Standard library only: `deploy.sh` reads the settings with the Python of the machine it runs on, before anything is installed.
"""

import json
import math
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

from report.api.access import Grants, SchedulerSettings, parse_api_keys
from report.text import clean_or_none

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The hosts that a webhook may reach without TLS."""
MAX_INT64 = 2**63 - 1
PROJECT = r"[a-z0-9:.-]+"
"""A Google Cloud project's id."""
MIN_LINK_SECRET_CHARACTERS = 16


class SettingsError(ValueError):
    """A setting that is wrong. The message names it and says what it takes; it never quotes a secret."""


SourceName = Literal["tables", "ga4", "segment"]
TrackedUsers = Literal["known", "buyers", "everybody"]


@dataclass(frozen=True)
class Source:
    """Where the events of a client are read from: a file in `report/sql/sources`, and its values."""

    name: SourceName = "tables"
    dataset: str | None = None
    """The dataset in which a tool keeps only this client's data; for another project, with that project and a dot before it."""
    users: TrackedUsers = "known"
    """Which users of the tool are customers."""
    tables: tuple[str, ...] = ()
    """The tables of events that are read, if each kind of event has its own table."""


@dataclass(frozen=True)
class WarehouseSettings:
    """Where the tables are in BigQuery, and how much a query may cost."""

    project: str | None
    dataset: str
    location: str | None
    events_table: str
    users_table: str | None
    """None without a users table: then customers have no names."""
    max_bytes_billed: int | None
    emulator_host: str | None
    source: Source = Source()


@dataclass(frozen=True)
class GeminiSettings:
    """Which Gemini model writes the summary, and how long it may take."""

    api_key: str = field(repr=False)
    model: str
    endpoint: str | None
    timeout_seconds: float


@dataclass(frozen=True)
class MailSettings:
    """The mail server that sends the weekly reports, and the address they come from."""

    smtp_url: str = field(repr=False)
    """`smtp://user:password@host:587` (with STARTTLS) or `smtps://`."""
    sender: str


@dataclass(frozen=True)
class ClientSettings:
    """What the function knows about a client, apart from its id.

    A mistake in one client's entry affects that client alone: `problem` stops its reports, `webhook_problem` and
    `email_problem` stop one channel of the weekly run.
    """

    name: str | None = None
    time_zone: str = "UTC"
    currency: str = "USD"
    """The currency of the client's prices, by its ISO 4217 code."""
    usd_rate: float = 1.0
    """How many units of the currency one US dollar is worth."""
    ignored_event_types: tuple[str, ...] = ()
    """Event types that the customer does not cause, such as a delivered newsletter."""
    ga4_dataset: str | None = None
    """The dataset of the client's GA4 export."""
    segment_dataset: str | None = None
    """The dataset that Segment or RudderStack fills with the client's events."""
    segment_tables: tuple[str, ...] = ()
    """The tables of events in it."""
    users: TrackedUsers = "known"
    """Which users of a tracking tool are customers."""
    webhook_url: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_flavour: Literal["report", "slack"] = "report"
    email: tuple[str, ...] = ()
    problem: str | None = None
    """Why no report of this client can be made; None if its entry in `CLIENTS` is correct."""
    webhook_problem: str | None = None
    """Why nothing can be sent to its webhook."""
    email_problem: str | None = None
    """Why no e-mail can be sent."""

    def zone(self) -> ZoneInfo:
        """Return the client's time zone. Raises SettingsError if the client's entry is wrong."""
        if self.problem:
            raise SettingsError(self.problem)
        return ZoneInfo(self.time_zone)


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
    """The address of the report's page; None for this function's own page."""
    link_secret: str | None = field(repr=False)
    """Signs links; None if links are not signed."""
    scheduler: SchedulerSettings | None
    """None if only an API key can start the weekly run."""

    source: SourceName = "tables"
    """Where the events of all clients are read from."""
    wait_for_data_hours: float = 0.0
    """Until how many hours after the end of a week, not after the call, the weekly run waits for the events of its last day."""

    def client(self, client_id: int) -> ClientSettings:
        """Return the settings of a client: the defaults if `CLIENTS` does not have it."""
        if client_id in self.clients:
            return self.clients[client_id]
        return _of_source(client_id, ClientSettings(), self.clients, self.source, self.warehouse.project)

    def warehouse_of(self, client_id: int) -> WarehouseSettings:
        """Return where the client's data is. With a tracking tool this is only the client's own dataset."""
        client = self.client(client_id)
        if client.problem:
            raise SettingsError(client.problem)
        source = Source(self.source, _dataset(client, self.source), client.users, client.segment_tables)
        return replace(self.warehouse, source=source)

    def problems(self) -> tuple[str, ...]:
        """List the mistakes that do not stop the function: in the keys, and in the entries of single clients."""
        of_clients = (
            problem
            for client in self.clients.values()
            for problem in (client.problem, client.webhook_problem, client.email_problem)
        )
        return tuple(problem for problem in (self.api_keys_problem, *of_clients) if problem)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from `environment`.

    A missing or broken `API_KEYS` lets nobody in, and a mistake in one client's entry stops only that client;
    `Settings.problems` lists both. Any other mistake raises SettingsError.
    """
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    grants, api_keys_problem = _api_keys(given.get("API_KEYS"))
    source = _source(given)
    return Settings(
        warehouse=WarehouseSettings(
            project=_identifier(given, "BIGQUERY_PROJECT", PROJECT),
            dataset=_identifier(given, "BIGQUERY_DATASET", r"\w+") or "analytics",
            location=_identifier(given, "BIGQUERY_LOCATION", r"[\w-]+"),
            events_table=_identifier(given, "EVENTS_TABLE", r"[\w-]+") or "events",
            users_table=_identifier(given, "USERS_TABLE", r"[\w-]+") or ("users" if source == "tables" else None),
            max_bytes_billed=_max_bytes_billed(given),
            emulator_host=given.get("BIGQUERY_EMULATOR_HOST"),
            source=Source(source),
        ),
        gemini=_gemini(given),
        grants=grants,
        api_keys_problem=api_keys_problem,
        clients=_clients(given.get("CLIENTS", "{}"), source, given.get("BIGQUERY_PROJECT")),
        allowed_origins=_allowed_origins(given),
        request_deadline_seconds=_positive(given, "REQUEST_DEADLINE_SECONDS", 60.0),
        report_cache_seconds=_report_cache_seconds(given),
        weekly_deadline_seconds=_positive(given, "WEEKLY_DEADLINE_SECONDS", 300.0),
        mail=_mail(given),
        page_url=_page_url(given),
        link_secret=_link_secret(given),
        scheduler=_scheduler(given),
        source=source,
        wait_for_data_hours=0.0 if given.get("WAIT_FOR_DATA_HOURS") == "0" else _positive(given, "WAIT_FOR_DATA_HOURS", 0.0),
    )


def _source(given: Mapping[str, str]) -> SourceName:
    source = given.get("EVENTS_SOURCE", "tables")
    if source not in get_args(SourceName):
        raise SettingsError(f"EVENTS_SOURCE is {source!r}; it takes one of {', '.join(get_args(SourceName))}")
    return cast(SourceName, source)


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
    address = _address(given["SMTP_URL"])
    if address is None or not re.fullmatch(r"smtps?://[^/?#\s]+", given["SMTP_URL"]):
        raise SettingsError(
            "SMTP_URL takes an address such as smtp://user:password@mail.example:587;"
            " special characters in the user and the password are written as in %40 for @"
        )
    if not all(re.fullmatch(r"[ -~]*", unquote(part or "")) for part in (address.username, address.password)):
        raise SettingsError("SMTP_URL has a user or a password with characters that are not ASCII; mail servers take ASCII alone")
    sender = given.get("MAIL_FROM", "")
    named = re.fullmatch(r'(?:"[^"\\<>]*"|[^"\\<>(),:;@\[\]]*)<([^<>]*)>', sender)
    if not sender.isprintable() or not _is_email_address(named[1] if named else sender):
        raise SettingsError(
            "MAIL_FROM is needed with SMTP_URL and takes the address that the reports come from,"
            " such as reports@shop.example or Reports <reports@shop.example>"
        )
    return MailSettings(given["SMTP_URL"], sender)


def _scheduler(given: Mapping[str, str]) -> SchedulerSettings | None:
    email, audience = given.get("SCHEDULER_EMAIL"), given.get("SCHEDULER_AUDIENCE")
    if email is None and audience is None:
        return None
    if email is None or audience is None:
        raise SettingsError("SCHEDULER_EMAIL and SCHEDULER_AUDIENCE are needed together, or neither of them")
    return SchedulerSettings(email, audience)


def _page_url(given: Mapping[str, str]) -> str | None:
    url = given.get("PAGE_URL")
    if url is not None and not (re.fullmatch(r"https?://[^/?#\s]+[^?#\s]*", url) and _address(url)):
        raise SettingsError("PAGE_URL takes the address of the report's page, such as https://shop.example/dashboard/reports")
    return url


def _link_secret(given: Mapping[str, str]) -> str | None:
    secret = given.get("LINK_SECRET")
    if secret is not None and len(secret) < MIN_LINK_SECRET_CHARACTERS:
        raise SettingsError(f"LINK_SECRET is too short: it takes at least {MIN_LINK_SECRET_CHARACTERS} random characters")
    return secret


def _allowed_origins(given: Mapping[str, str]) -> frozenset[str]:
    origins = frozenset(origin.strip() for origin in given.get("ALLOWED_ORIGINS", "").split(",") if origin.strip())
    if not all(map(_is_origin, origins)):
        raise SettingsError(
            "ALLOWED_ORIGINS takes origins as a browser sends them, with commas between them: scheme, host in lower case, and"
            " a port where it is not the usual one, such as https://shop.example; no path and no slash at the end"
        )
    return origins


def _is_origin(text: str) -> bool:
    usual = {"https": ":443", "http": ":80"}
    found = re.fullmatch(r"(https?)://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", text)
    return bool(found and _address(text) and found[2] != usual[found[1]])


def _clients(text: str, source: SourceName, project: str | None) -> Mapping[int, ClientSettings]:
    example = 'CLIENTS takes a JSON object such as {"1": {"name": "Sample Shop", "time_zone": "Europe/Berlin"}}'
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: it is nested too deeply
        raise SettingsError(example) from None
    if not isinstance(entries, dict):
        raise SettingsError(example)
    for client_id in entries:
        if not re.fullmatch(r"[1-9][0-9]{0,18}", client_id, re.ASCII) or int(client_id) > MAX_INT64:
            raise SettingsError(f"{example}; each name in it is a client id, a whole number from 1 on")
    clients = {int(client_id): _client(client_id, entry) for client_id, entry in entries.items()}
    return {client_id: _of_source(client_id, client, clients, source, project) for client_id, client in clients.items()}


def _of_source(
    client_id: int, client: ClientSettings, clients: Mapping[int, ClientSettings], source: SourceName, project: str | None
) -> ClientSettings:
    """Add the problem of a client's source, if there is one: no dataset, another client's dataset, or one that is not read."""
    if client.problem:
        return client
    dataset = _dataset(client, source)
    is_shared = any(_may_be_same(dataset, _dataset(its, source), project) for other, its in clients.items() if other != client_id)
    problem = None
    for tool in ("ga4", "segment"):
        if tool != source and _dataset(client, tool):
            problem = f"CLIENTS has a {tool}_dataset for client {client_id}, which needs EVENTS_SOURCE to be {tool}"
    if source != "tables" and dataset is None:
        problem = f"EVENTS_SOURCE is {source}, so CLIENTS needs a {source}_dataset for client {client_id}"
    elif is_shared:  # this client may read the sentence, so it does not name the other client
        problem = f"CLIENTS has the {source}_dataset of client {client_id} for another client as well"
    elif source == "segment" and not client.segment_tables:
        problem = f"CLIENTS has a segment_dataset for client {client_id}, so it needs segment_tables: the tables of events in it"
    return replace(client, problem=problem)


def _may_be_same(one: str | None, other: str | None, project: str | None) -> bool:
    """Whether two names may be one dataset's: a name without a project is one of `project`, or where that is unset of any."""
    if one is None or other is None:
        return False
    names = [name if "." in name or project is None else f"{project}.{name}" for name in (one, other)]
    if all("." in name for name in names):
        return names[0] == names[1]
    return names[0].rpartition(".")[2] == names[1].rpartition(".")[2]


def _dataset(client: ClientSettings, source: SourceName) -> str | None:
    return {"tables": None, "ga4": client.ga4_dataset, "segment": client.segment_dataset}[source]


def _client(client_id: str, entry: object) -> ClientSettings:
    """Read one client's entry in `CLIENTS`; a mistake in it becomes a problem of this client."""
    if not isinstance(entry, dict):
        return ClientSettings(problem=f"CLIENTS has an entry for client {client_id} that is not a JSON object")
    given = {name: value for name, value in entry.items() if value is not None}
    wrong = {
        name: _wrong_value(client_id, name, given[name], what)
        for name, (is_right, what) in _CLIENT.items()
        if name in given and not is_right(given[name])
    }
    right: dict[str, Any] = {name: given[name] for name in _CLIENT if name in given and name not in wrong}
    unknown = [name for name in entry if name not in _CLIENT]
    if unknown:
        wrong["unknown"] = _unknown_name(client_id, unknown[0])
    if right.get("currency", "USD") != "USD" and not {"usd_rate"} & {*right, *wrong}:
        wrong["usd_rate"] = (
            f"CLIENTS has a currency for client {client_id}, so it needs a usd_rate: the units of it for one dollar"
        )
    if "webhook_url" in right and "webhook_secret" not in given and right.get("webhook_flavour") != "slack":
        wrong["webhook_secret"] = f"CLIENTS has a webhook_url for client {client_id}, so it needs a webhook_secret (whsec_...)"
    if "name" in right:
        right["name"] = clean_or_none(right["name"])

    def problem(*names: str) -> str | None:
        return next((wrong[name] for name in names if name in wrong), None)

    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in right.items()}
    return ClientSettings(
        **values,
        problem=problem("unknown", "name", "time_zone", "currency", "usd_rate", "ignored_event_types", *_OF_SOURCES),
        webhook_problem=problem("webhook_url", "webhook_secret", "webhook_flavour"),
        email_problem=problem("email"),
    )


def _wrong_value(client_id: str, name: str, value: object, what: str) -> str:
    told = f", {value!r}," if name == "time_zone" and isinstance(value, str) else ""
    return f"CLIENTS has {'an' if name[0] in 'aeio' else 'a'} {name} for client {client_id}{told} that is not {what}"


def _unknown_name(client_id: str, name: str) -> str:
    """Say that a name is unknown, without quoting it: it may be a secret in the wrong place."""
    from difflib import get_close_matches

    meant = "".join(f" (is it {known}?)" for known in get_close_matches(name, _CLIENT, n=1))
    return f"CLIENTS has a name for client {client_id} that is unknown{meant}; there are {', '.join(_CLIENT)}"


def _is_text(value: object) -> bool:
    """Tell whether the value is a text that can be sent: JSON's escapes may produce halves of characters."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(text) and text.strip() for text in value)


def _is_time_zone(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(ZoneInfo(value))
    except (ValueError, OSError, KeyError):
        return False


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Z]{3}", value))


def _is_rate(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def _is_dataset(value: object) -> bool:
    """Tell whether the value names a dataset, with or without a project and a dot before it."""
    return isinstance(value, str) and bool(re.fullmatch(rf"(?:{PROJECT}\.)?\w+", value, re.ASCII))


def _is_event_tables(value: object) -> bool:
    """Tell whether the value is a list of names of tables that have one kind of event each."""
    return isinstance(value, list) and all(
        isinstance(table, str) and re.fullmatch(r"\w+", table, re.ASCII) and table not in NO_EVENT_TABLES for table in value
    )


def _is_users(value: object) -> bool:
    return value in get_args(TrackedUsers)


def _is_webhook_url(value: object) -> bool:
    """Tell whether a report may go there: https without a password, or http on this machine (for tests)."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        return False
    address = _address(value)
    if address is None or "@" in address.netloc:
        return False
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in LOOPBACK)


def _is_webhook_secret(value: object) -> bool:
    """Tell whether the value is a long enough secret in the form of the Standard Webhooks specification."""
    try:
        return isinstance(value, str) and value.startswith("whsec_") and len(b64decode(value[6:], validate=True)) >= 16
    except ValueError:
        return False


def _is_flavour(value: object) -> bool:
    return value in ("report", "slack")


def _is_email_address(value: object) -> bool:
    """Tell whether mail can be sent there: one @ between two parts without white space, invisible or special characters."""
    part, label = r"[^\s@<>()\[\],;:\"\\.]+", r"[^\W_](?:[\w-]*[^\W_])?"
    return (
        isinstance(value, str)
        and len(value) <= 254
        and value.isprintable()
        and bool(re.fullmatch(rf"{part}(?:\.{part})*@{label}(?:\.{label})*", value))
    )


def _is_email(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_email_address, value))


NO_EVENT_TABLES = ("tracks", "users", "identifies")
"""`tracks` repeats every event; the others have no events."""
_OF_SOURCES = ("ga4_dataset", "segment_dataset", "segment_tables", "users")
_CLIENT: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a text"),
    "time_zone": (_is_time_zone, "a time zone such as Europe/Berlin"),
    "currency": (_is_currency, "a currency code of ISO 4217 such as EUR"),
    "usd_rate": (_is_rate, "a number above 0: the units of the currency for one dollar"),
    "ignored_event_types": (_is_texts, "a list of event types"),
    "ga4_dataset": (_is_dataset, "a dataset's name such as analytics_123456789"),
    "segment_dataset": (_is_dataset, "a dataset's name such as shop_website"),
    "segment_tables": (
        _is_event_tables,
        "a list of tables of events, each of one event such as product_added",
    ),
    "users": (_is_users, '"known", "buyers" or "everybody"'),
    "webhook_url": (_is_webhook_url, "an https address without a password in it"),
    "webhook_secret": (_is_webhook_secret, "a Standard Webhooks secret: whsec_ and the Base64 of at least 16 random bytes"),
    "webhook_flavour": (_is_flavour, '"report" or "slack"'),
    "email": (_is_email, "a list of e-mail addresses"),
}
"""The names in an entry of `CLIENTS`: the test of a value, and its description for messages."""


def _address(url: str) -> SplitResult | None:
    """Return the parts of an address with a host and, after a colon, only a port; None for any other text."""
    try:
        address = urlsplit(url)
        port = address.port
    except ValueError:
        return None
    return address if address.hostname and (port is None or port > 0) and not address.netloc.endswith(":") else None


def _identifier(given: Mapping[str, str], name: str, pattern: str) -> str | None:
    value = given.get(name)
    if value is not None and not re.fullmatch(pattern, value, re.ASCII):
        raise SettingsError(f"{name} is {value!r}, which is not a name that BigQuery takes")
    return value


def _max_bytes_billed(given: Mapping[str, str]) -> int | None:
    if "BIGQUERY_MAX_BYTES_BILLED" not in given:
        return None
    given_bytes = given["BIGQUERY_MAX_BYTES_BILLED"]
    value = math.ceil(_positive(given, "BIGQUERY_MAX_BYTES_BILLED", 1.0))
    value = int(given_bytes) if re.fullmatch("[0-9]{1,19}", given_bytes) else value  # because a float rounds large numbers
    if value > MAX_INT64:
        raise SettingsError(f"BIGQUERY_MAX_BYTES_BILLED takes at most {MAX_INT64}")
    return value


def _report_cache_seconds(given: Mapping[str, str]) -> float:
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
