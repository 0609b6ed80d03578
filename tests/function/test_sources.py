"""Reports whose events come from tracking tools: each client's from its own dataset."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

import jinja2
import pytest

from local.bigquery import LocalBigQuery
from local.dry_run import dry_run
from report import warehouse
from report.build import Request, Trace, build_report
from report.schema import Report
from report.settings import Settings, SettingsError, read_settings
from report.week import Week

EXPORT = Path(__file__).parents[1] / "conformance/ga4_export.sql"
WEEK = Week(date(2025, 1, 19), ZoneInfo("UTC"), date(2025, 2, 1))


def load_export(bigquery: LocalBigQuery, dataset: str, rows: list[tuple[str, str, str | None, str, float]]) -> None:
    """Make an export of these rows: day, event, user id, device and dollars, each a transaction of its own."""
    bigquery.client.create_dataset(dataset)
    table = f"`{dataset}.events_all`"
    bigquery.client.query(jinja2.Template(EXPORT.read_text("utf-8")).render(table=table)).result()
    for day, event, user_id, device, dollars in rows:
        instant, logged_in = datetime.fromisoformat(f"{day} 12:00Z"), f"'{user_id}'" if user_id else "NULL"
        bigquery.client.query(
            f"INSERT INTO {table} (_TABLE_SUFFIX, event_timestamp, event_name, user_id, user_pseudo_id, ecommerce) "
            f"SELECT '{instant:%Y%m%d}', {int(instant.timestamp()) * 10**6}, '{event}', {logged_in}, "
            f"'{device}', STRUCT(NULL, {dollars}, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{day}')"
        ).result()


@pytest.fixture(scope="module")
def settings(bigquery: LocalBigQuery) -> Iterator[Settings]:
    """Two shops, each with an export of its own."""
    load_export(
        bigquery,
        "analytics_71",
        [
            ("2025-01-14", "purchase", "ann", "a", 20.5),
            ("2025-01-15", "purchase", None, "a", 4),
            ("2025-01-15", "view", None, "b", 0),
        ],
    )
    load_export(bigquery, "analytics_72", [("2025-01-16", "purchase", None, "c", 300), ("2025-01-16", "view", None, "d", 0)])
    clients = {"71": {"ga4_dataset": "analytics_71"}, "72": {"ga4_dataset": "analytics_72", "users": "buyers"}}
    given = {"EVENTS_SOURCE": "ga4", "CLIENTS": json.dumps(clients), "BIGQUERY_PROJECT": "local"}
    # The emulator answers the wildcard over nested columns without rows: one table stands for it, as in tests/conformance.
    text = warehouse._text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "_text", lambda *about: text(*about).replace("events_*", "events_all"))
        yield read_settings(given | {"BIGQUERY_EMULATOR_HOST": bigquery.address})


def report_of(settings: Settings, client_id: int) -> Report:
    request = Request(client_id, WEEK, True, datetime(2025, 2, 1, tzinfo=UTC), monotonic() + 120)
    return build_report(settings, request, Trace())


@pytest.mark.parametrize(("client_id", "customer", "spent"), [(71, "ann", 24.5), (72, "c", 300)])
def test_a_report_is_made_of_the_clients_own_export_alone(
    settings: Settings, client_id: int, customer: str, spent: float
) -> None:
    report = report_of(settings, client_id)

    assert report.report_data.summary.totalCustomers == 1
    assert report.report_data.outlook.spent == spent
    assert [found.user_id for found in report.report_data.atRiskCustomers or []] == [customer]
    assert (report.report_data.atRiskCustomers or [])[0].email is None


def test_a_dry_run_asks_what_each_query_would_read(settings: Settings) -> None:
    found = dict(dry_run(settings, 71, datetime(2025, 2, 1, tzinfo=UTC)))
    assert found == {"cells.sql": 0, "days.sql": 0, "last_day.sql": 0}  # the emulator reads nothing in a dry run


def test_a_client_without_an_export_has_no_report(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="needs a ga4_dataset for client 73"):
        report_of(settings, 73)
