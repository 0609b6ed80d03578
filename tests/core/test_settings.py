"""Broken settings are named with what they take and never quoted; one client's mistake stays that client's own."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from local.programs import ROOT
from report.settings import ClientSettings, Settings, SettingsError, Source, read_settings

WEBHOOK = {"webhook_url": "https://hooks.shop.example/a", "webhook_secret": "whsec_" + "MTIz" * 8}  # pragma: allowlist secret
MAIL = {"SMTP_URL": "smtp://mail.example", "MAIL_FROM": "reports@shop.example"}


def client(**entry: Any) -> ClientSettings:
    """The settings of a client with this entry, next to a client with a correct entry."""
    settings = read_settings({"CLIENTS": json.dumps({"1": entry, "2": {"name": "Sample Shop"}})})
    assert settings.client(2) == ClientSettings(name="Sample Shop")
    return settings.client(1)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SMTP_URL": "mail.example:587"}, "SMTP_URL takes an address such as"),
        ({"SMTP_URL": "smtp://mail.example/secret"}, "SMTP_URL takes an address such as"),
        ({"SMTP_URL": "smtp://user:secret"}, "SMTP_URL takes an address such as"),
        # pragma: allowlist nextline secret
        ({"SMTP_URL": "smtp://user:secret@:587"}, "SMTP_URL takes an address such as"),
        # pragma: allowlist nextline secret
        ({**MAIL, "SMTP_URL": "smtp://user:secret\u00fc@mail.example"}, "SMTP_URL has a user or a password"),
        # pragma: allowlist nextline secret
        ({**MAIL, "SMTP_URL": "smtp://user:secret%C3%BC@mail.example"}, "SMTP_URL has a user or a password"),
        # pragma: allowlist nextline secret
        ({**MAIL, "SMTP_URL": "smtp://secret%00:secret@mail.example"}, "SMTP_URL has a user or a password"),
        ({"SMTP_URL": "smtp://mail.example"}, "MAIL_FROM is needed with SMTP_URL"),
        ({**MAIL, "MAIL_FROM": "secret"}, "MAIL_FROM is needed with SMTP_URL"),
        ({**MAIL, "MAIL_FROM": "secret@"}, "MAIL_FROM is needed with SMTP_URL"),
        ({**MAIL, "MAIL_FROM": "@"}, "MAIL_FROM is needed with SMTP_URL"),
        ({**MAIL, "MAIL_FROM": "secret shop@shop.example"}, "MAIL_FROM is needed with SMTP_URL"),
        ({**MAIL, "MAIL_FROM": "Reports\nBcc: <secret@shop.example>"}, "MAIL_FROM is needed with SMTP_URL"),
        ({**MAIL, "MAIL_FROM": "Reports, Secret <reports@shop.example>"}, "MAIL_FROM is needed with SMTP_URL"),
        ({**MAIL, "MAIL_FROM": "a@shop.example, b@shop.example"}, "MAIL_FROM is needed with SMTP_URL"),
        ({"PAGE_URL": "secret"}, "PAGE_URL takes the address of the report's page"),
        ({"PAGE_URL": "https://shop.example/?secret"}, "PAGE_URL takes the address of the report's page"),
        # pragma: allowlist nextline secret
        ({"LINK_SECRET": "fifteen_secret_"}, "LINK_SECRET is too short"),
        ({"BIGQUERY_MAX_BYTES_BILLED": "9223372036854775808"}, "BIGQUERY_MAX_BYTES_BILLED takes at most"),
        ({"ALLOWED_ORIGINS": "https://shop.example/"}, "ALLOWED_ORIGINS takes origins"),
        ({"ALLOWED_ORIGINS": "https://shop.example, https://secret.example/reports"}, "ALLOWED_ORIGINS takes origins"),
        ({"ALLOWED_ORIGINS": "https://Secret.example"}, "ALLOWED_ORIGINS takes origins"),
        ({"ALLOWED_ORIGINS": "https://secret.example:443"}, "ALLOWED_ORIGINS takes origins"),
        ({"ALLOWED_ORIGINS": "https://secret@shop.example"}, "ALLOWED_ORIGINS takes origins"),
        ({"ALLOWED_ORIGINS": "secret.example"}, "ALLOWED_ORIGINS takes origins"),
        ({"ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS takes origins"),
        ({"CLIENTS": '["secret"]'}, "CLIENTS takes a JSON object such as"),
        ({"CLIENTS": '{"0": {}}'}, "CLIENTS takes a JSON object such as"),
        ({"CLIENTS": '{"secret": {}}'}, "CLIENTS takes a JSON object such as"),
    ],
)
def test_a_broken_setting_stops_the_function_and_is_named_without_its_value(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as found:
        read_settings(environment)
    assert str(found.value).startswith(said)
    assert "secret" not in str(found.value)
    assert found.value.__suppress_context__ or found.value.__context__ is None  # whose message would quote it


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("secret", "an entry for client 1 that is not a JSON object"),
        ({"name": ["secret"]}, "a name for client 1 that is not a text"),
        ({"name": "\ud800"}, "a name for client 1 that is not a text"),
        ({"time_zone": 1}, "a time_zone for client 1 that is not a time zone such as Europe/Berlin"),
        ({"time_zone": "Mars/Olympus"}, "a time_zone for client 1, 'Mars/Olympus', that is not a time zone"),
        ({"time_zome": "Europe/Berlin"}, "a name for client 1 that is unknown (is it time_zone?); there are name, time_zone"),
        ({"a secret": 1}, "a name for client 1 that is unknown; there are name, time_zone"),
        ({"currency": "secret"}, "a currency for client 1 that is not a currency code of ISO 4217"),
        ({"currency": "eur", "usd_rate": 0.9}, "a currency for client 1 that is not a currency code of ISO 4217"),
        ({"currency": "JPY"}, "a currency for client 1, so it needs a usd_rate"),
        ({"currency": "JPY", "usd_rate": 0}, "a usd_rate for client 1 that is not a number above 0"),
        ({"currency": "JPY", "usd_rate": "secret"}, "a usd_rate for client 1 that is not a number above 0"),
        ({"currency": "JPY", "usd_rate": True}, "a usd_rate for client 1 that is not a number above 0"),
        ({"currency": "JPY", "usd_rate": float("inf")}, "a usd_rate for client 1 that is not a number above 0"),
        ({"currency": "JPY", "usd_rate": 10**400}, "a usd_rate for client 1 that is not a number above 0"),
        ({"ignored_event_types": "email_delivered"}, "a ignored_event_types for client 1 that is not a list of event types"),
        ({"ignored_event_types": ["secret", " "]}, "a ignored_event_types for client 1 that is not a list of event types"),
    ],
)
def test_a_mistake_that_touches_a_clients_report_stops_that_report_alone(entry: Any, said: str) -> None:
    settings = read_settings({"CLIENTS": json.dumps({"1": entry, "2": {"name": "Sample Shop"}})})
    said = said.replace("a ignored", "an ignored")
    (problem,) = settings.problems()[1:]
    assert problem.startswith(f"CLIENTS has {said}")
    assert "secret" not in problem.replace("webhook_secret", "")
    with pytest.raises(SettingsError) as found:
        settings.client(1).zone()
    assert str(found.value) == problem
    assert settings.client(2).zone().key == "UTC"


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_url": "http://hooks.shop.example/secret"},
        {"webhook_url": "https://user:secret@hooks.shop.example"},  # pragma: allowlist secret
        {"webhook_url": "https://"},
        {"webhook_url": "https://hooks.shop.example:secret"},
        {"webhook_url": "https://[::1"},
        {"webhook_url": "https://hooks.shop.example/a secret"},
        {"webhook_url": "hooks.shop.example"},
        {"webhook_url": 1},
        {"webhook_secret": None},
        # pragma: allowlist nextline secret
        {"webhook_secret": "secret"},
        # pragma: allowlist nextline secret
        {"webhook_secret": "whsec_secret!"},
        # pragma: allowlist nextline secret
        {"webhook_secret": "whsec_c2VjcmV0"},
        {"webhook_flavour": "secret"},
    ],
)
def test_a_mistake_in_a_webhook_stops_that_channel_alone(wrong: dict[str, Any]) -> None:
    found = client(**{**WEBHOOK, "email": ["owner@shop.example"], **wrong})
    (name,) = wrong
    assert (found.webhook_problem or "").startswith("CLIENTS has a webhook_")
    assert name in (found.webhook_problem or "")
    assert "secret" not in (found.webhook_problem or "").replace("webhook_secret", "").replace("Webhooks secret", "")
    assert (found.problem, found.email_problem, found.email) == (None, None, ("owner@shop.example",))


@pytest.mark.parametrize(
    "address",
    [
        *(
            "@",
            "secret@",
            "@shop.example",
            "secret",
            "a secret@shop.example",
            "secret@shop.example\n",
            "secret\u200b@shop.example",
        ),
        *(
            "secret@shop..example",
            "secret@-shop.example",
            "secret..b@shop.example",
            "Secret <secret@shop.example>",
            "a,secret@b.c",
        ),
        *("secret\x00@shop.example", "secret@shop@shop.example", "\ud800@shop.example", "a" * 250 + "@b.example", 1, None),
    ],
)
def test_what_is_no_e_mail_address_stops_that_channel_alone(address: Any) -> None:
    found = client(**WEBHOOK, email=["owner@shop.example", address])
    assert found.email_problem == "CLIENTS has an email for client 1 that is not a list of e-mail addresses"
    assert (found.problem, found.webhook_problem) == (None, None)
    assert found.webhook_url


def test_right_settings_are_taken_as_they_stand() -> None:
    settings = read_settings(
        {
            "SMTP_URL": "smtp://user:pass%40word@mail.example:587",  # pragma: allowlist secret
            "MAIL_FROM": "Reports <reports@shop.example>",
            "PAGE_URL": "https://shop.example/dashboard/reports",
            # pragma: allowlist nextline secret
            "LINK_SECRET": "sixteen letters!",
            "ALLOWED_ORIGINS": "https://shop.example, http://localhost:3000,http://[::1]:8080",
            "BIGQUERY_MAX_BYTES_BILLED": "1e12",
        }
    )
    assert settings.mail
    assert settings.mail.smtp_url == "smtp://user:pass%40word@mail.example:587"  # pragma: allowlist secret
    assert settings.mail.sender == "Reports <reports@shop.example>"
    assert settings.page_url == "https://shop.example/dashboard/reports"
    assert settings.link_secret == "sixteen letters!"  # noqa: S105  # pragma: allowlist secret
    assert settings.allowed_origins == {"https://shop.example", "http://localhost:3000", "http://[::1]:8080"}
    assert settings.warehouse.max_bytes_billed == 10**12
    assert settings.problems() == ("API_KEYS is not set",)
    assert "sixteen" not in repr(settings)


def test_a_clients_entry_is_taken_as_it_stands() -> None:
    entry = {
        "name": "\ufeff Ann\u2019s\tShop\x00\n",
        "time_zone": "Asia/Tokyo",
        "currency": "JPY",
        "usd_rate": 150,
        "ignored_event_types": ["email_delivered"],
        "webhook_url": "https://hooks.slack.example/services/a?b=c",
        "webhook_flavour": "slack",
        "email": ["owner@shop.example", "j\u00f6rg+x@b\u00fccher.example"],
    }
    assert client(**entry) == ClientSettings(
        **{
            **entry,
            "name": "Ann\u2019s Shop",
            "ignored_event_types": ("email_delivered",),
            "email": ("owner@shop.example", "j\u00f6rg+x@b\u00fccher.example"),
        }
    )


def test_what_is_not_set_is_none_or_its_default() -> None:
    settings = read_settings({"LINK_SECRET": " ", "SMTP_URL": "", "ALLOWED_ORIGINS": " , "})
    assert (settings.mail, settings.page_url, settings.link_secret, settings.gemini) == (None, None, None, None)
    assert not settings.allowed_origins
    assert settings.warehouse.max_bytes_billed is None
    assert settings.client(7) == client() == ClientSettings()
    assert (settings.client(7).currency, settings.client(7).usd_rate, settings.client(7).ignored_event_types) == ("USD", 1.0, ())


def test_settings_are_read_before_anything_is_installed() -> None:
    code = "from report.settings import read_settings; read_settings({'CLIENTS': '{\"1\": {\"time_zome\": 1}}'})"
    subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"], check=True)


def of_source(source: str, **clients: dict[str, Any]) -> Settings:
    return read_settings({"EVENTS_SOURCE": source, "CLIENTS": json.dumps({name[1:]: entry for name, entry in clients.items()})})


SEGMENT = {"segment_dataset": "shop", "segment_tables": ["product_added", "order_completed"]}


def test_a_client_is_read_from_its_own_dataset_alone() -> None:
    settings = of_source("ga4", _7={"ga4_dataset": "analytics_7"}, _8={"ga4_dataset": "p-1.analytics_8", "users": "buyers"})
    assert settings.problems()[1:] == ()
    assert settings.warehouse_of(7).source == Source("ga4", "analytics_7", "known")
    assert settings.warehouse_of(8).source == Source("ga4", "p-1.analytics_8", "buyers")
    assert settings.warehouse.users_table is None
    of_segment = of_source("segment", _7=SEGMENT).warehouse_of(7).source
    assert of_segment == Source("segment", "shop", "known", ("product_added", "order_completed"))
    assert read_settings({}).warehouse_of(7).source == Source("tables")


@pytest.mark.parametrize(
    ("source", "entries", "said"),
    [
        ("ga4", {"_8": {"ga4_dataset": "other"}}, "EVENTS_SOURCE is ga4, so CLIENTS needs a ga4_dataset for client 7"),
        ("ga4", {"_7": {}}, "EVENTS_SOURCE is ga4, so CLIENTS needs a ga4_dataset for client 7"),
        ("ga4", {"_7": {"ga4_dataset": "a"}, "_8": {"ga4_dataset": "a"}}, "the ga4_dataset of client 7 for another client"),
        ("ga4", {"_7": {"ga4_dataset": "a"}, "_8": {"ga4_dataset": "p-1.a"}}, "the ga4_dataset of client 7 for another client"),
        ("ga4", {"_7": {"ga4_dataset": "a` --"}}, "a ga4_dataset for client 7 that is not a dataset's name"),
        ("ga4", {"_7": {"ga4_dataset": "a", "users": "all"}}, "a users for client 7"),
        (
            "ga4",
            {"_7": {"ga4_dataset": "a", **SEGMENT}},
            "a segment_dataset for client 7, which needs EVENTS_SOURCE to be segment",
        ),
        ("tables", {"_7": {"ga4_dataset": "a"}}, "a ga4_dataset for client 7, which needs EVENTS_SOURCE to be ga4"),
        ("segment", {"_7": {"segment_dataset": "a"}}, "so it needs segment_tables"),
        (
            "segment",
            {"_7": {**SEGMENT, "segment_tables": ["tracks"]}},
            "a segment_tables for client 7 that is not a list of tables",
        ),
        ("segment", {"_7": {**SEGMENT, "segment_tables": ["a`b"]}}, "a segment_tables for client 7 that is not a list of tables"),
    ],
)
def test_a_client_whose_dataset_is_not_its_own_has_no_report(source: str, entries: dict[str, Any], said: str) -> None:
    settings = of_source(source, **entries)
    with pytest.raises(SettingsError, match=re.escape(said)):
        settings.warehouse_of(7)
    assert "_7" not in entries or any(said in problem for problem in settings.problems())


def test_an_unknown_source_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="EVENTS_SOURCE is 'ga3'; it takes one of tables, ga4, segment"):
        read_settings({"EVENTS_SOURCE": "ga3"})
