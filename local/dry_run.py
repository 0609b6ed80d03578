"""Ask BigQuery what a client's report would read, and run nothing: on your own project, with the function's own settings.

    EVENTS_SOURCE=ga4 CLIENTS='{"7": {"ga4_dataset": "analytics_123456789"}}' python -m local.dry_run 7

Prints the bytes of each query. BigQuery checks the queries against the real tables, so a missing table or column is named.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from google.cloud import bigquery

from model import churn
from report import warehouse
from report.analysis.limits import cell_limits
from report.settings import Settings, read_settings
from report.warehouse import Parameters, Scan
from report.week import MEMORY_WEEKS, midnight, week_at


def dry_run(settings: Settings, client_id: int, now: datetime) -> Iterator[tuple[str, int]]:
    """Yield the queries of the client's newest report, each with the bytes that it would read."""
    place, client = settings.warehouse_of(client_id), settings.client(client_id)
    week = week_at(now, client.zone())
    scan = Scan(client_id, week, now, cell_limits(churn.load()), client.usd_rate, client.ignored_event_types)
    counted: Parameters = {"weeks": ("INT64", week.counted_weeks)}
    days = {"days_start": week.first_counted_day, "week_start": week.start, "day_start": week.ending}
    instants: Parameters = {name: ("TIMESTAMP", midnight(day, week.time_zone)) for name, day in days.items()}
    parameters = warehouse._parameters(scan, week.counted_weeks, MEMORY_WEEKS) | counted | instants
    bigquery_client = warehouse._client(place)
    for query in ("cells.sql", "days.sql", "last_day.sql"):
        text = warehouse._text(query, bigquery_client.project, place)
        typed = warehouse._typed(parameters, text)
        config = bigquery.QueryJobConfig(query_parameters=typed, dry_run=True, use_query_cache=False)
        yield query, bigquery_client.query(text, job_config=config).total_bytes_processed or 0


if __name__ == "__main__":
    for name, size in dry_run(read_settings(os.environ), int(sys.argv[1]), datetime.now(UTC)):
        sys.stdout.write(f"{name:<13} {size:>18,} bytes\n")
