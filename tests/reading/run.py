"""`make read`: print whole reports of many kinds of shops, to read before and after a sentence is changed."""

import sys
from collections.abc import Iterator
from time import monotonic

import pyarrow as pa

from local import bigquery
from local.bigquery import USERS
from local.function import bigquery_settings
from report.build import Request, Trace, build_report
from report.schema import Report
from report.settings import Settings, read_settings
from report.week import week_at
from tests.reading.shops import Subject, subjects


def main() -> int:
    """Print the reports."""
    all_subjects = list(subjects())
    with bigquery.running() as local:
        bigquery.create_tables(local.client)
        rows = [subject.rows(client_id) for client_id, subject in enumerate(all_subjects, 1)]
        bigquery.load(local.client, pa.concat_tables(rows), USERS.empty_table())
        settings = read_settings(bigquery_settings(local.address))
        for client_id, subject in enumerate(all_subjects, 1):
            sys.stderr.write(f"{client_id} of {len(all_subjects)}: {subject.name}\n")
            sys.stdout.write(
                "\n".join([f"# {client_id}. {subject.name}", *_lines(_report(settings, client_id, subject)), "", ""])
            )
    return 0


def _report(settings: Settings, client_id: int, subject: Subject) -> Report:
    week = week_at(subject.now, subject.client.zone(), subject.ending)
    of_client = Settings(**(vars(settings) | {"clients": {client_id: subject.client}}))
    request = Request(client_id, week, include_customers=False, now=subject.now, deadline=monotonic() + 600, include_history=True)
    return build_report(of_client, request, Trace())


def _lines(report: Report) -> Iterator[str]:
    """Write every sentence of a report, and the figures next to it."""
    data = report.report_data
    news = data.headline
    yield from (f"! {caveat.severity}: {caveat.text}" for caveat in data.caveats)
    yield f"SUBJECT  {news.short}"
    yield f"HEADLINE {news.text} {news.detail}".rstrip()
    yield ""
    yield data.executiveSummary
    yield ""
    yield from (f"- {insight}" for insight in data.keyInsights)
    yield from (f"? {factor.factor}: {factor.customers} of {factor.of} ({factor.impact})" for factor in data.topRiskFactors)
    yield from (f"> [{advice.priority}] {advice.action} {advice.expectedImpact}" for advice in data.recommendations)
    rows = (f"{row.segment} {row.count} (before {row.countBefore}), risk {row.riskLevel}%" for row in data.segmentBreakdown)
    yield f"= {'; '.join(rows)}"
    weeks = (
        f"{week.customers}/{week.highRiskCount}"
        + ("" if week.reportedHighRiskCount in (None, week.highRiskCount) else f" (reported {week.reportedHighRiskCount})")
        for week in data.history or ()
    )
    yield f"= customers/high risk of the last weeks: {', '.join(weeks)}"


if __name__ == "__main__":
    sys.exit(main())
