"""How long a warm PDF takes: a full report with names in many scripts, with other numbers each time."""

from time import perf_counter

from report.pages import pdf
from report.pages.view import view
from tests.benchmarks.timing import Measured
from tests.support.sample_report import sample_report

RUNS = 25


def milliseconds() -> Measured:
    """Measure some PDFs, after one that does not count."""
    return Measured(tuple(_milliseconds(number) for number in range(RUNS + 1))[1:])


def _milliseconds(number: int) -> float:
    report = sample_report(
        executiveSummary=f"This week you had {1_000 + number} active customers."
    )  # Typst caches what it has set
    started = perf_counter()
    pdf.document(view(report))
    return (perf_counter() - started) * 1_000
