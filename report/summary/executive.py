"""The executive summary: the brief's section 8. Gemini's text where every number in it is the report's, a template's otherwise.

Nothing here touches the outside: whoever asks Gemini is handed in.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from report.analysis.segments import most_at_risk
from report.formatting import counted, day, percent
from report.schema import Recommendation, RiskFactor, SegmentRow, Summary, SummarySource
from report.summary import claims as q

MOST_PARAGRAPHS = 3
MOST_CHARACTERS = 2_000


@dataclass(frozen=True)
class Facts:
    """What a summary may speak of: the aggregates of the brief's section 8.1 and the week's dates, and nothing about anyone."""

    week_start: date
    week_ending: date
    summary: Summary
    key_insights: tuple[str, ...]
    risk_factors: tuple[RiskFactor, ...]
    segments: tuple[SegmentRow, ...]
    recommendations: tuple[Recommendation, ...]
    average_churn: float | None
    """In percent, as the insights have it: not rounded to the summary's four decimals first."""
    look_back: str = ""
    """How right the last call was: one of the insights, which the template says too."""


class ExecutiveSummary(NamedTuple):
    """The text, whose it is, and, where it is the template's, why: a few words for the log."""

    text: str
    source: SummarySource
    reason: str | None


class GeminiError(Exception):
    """Gemini gave no complete text; the message says why in a few words fit for a log, without key, prompt or text."""


class RejectedTextError(ValueError):
    """A text that must not go out; the message says why in a few words fit for a log."""


def executive_summary(facts: Facts, ask: Callable[[str], str] | None) -> ExecutiveSummary:
    """Ask for the summary of the brief's section 8.2; where nothing fit to go out comes back, its section 8.3: the template.

    `ask` sends a prompt to Gemini and returns its text or raises GeminiError; None where there is no Gemini.
    """
    if ask is None:
        return ExecutiveSummary(template_summary(facts), "template", "no Gemini")
    try:
        return ExecutiveSummary(accepted(ask(prompt(facts)), facts), "gemini", None)
    except (GeminiError, RejectedTextError) as problem:
        return ExecutiveSummary(template_summary(facts), "template", str(problem))


def prompt(facts: Facts) -> str:
    """What Gemini is asked: the brief's section 8.2, filled with the facts."""
    return _render("prompt.txt", facts).strip()


def template_summary(facts: Facts) -> str:
    """The facts in the words of the brief's section 8.3, in two or three paragraphs."""
    return "\n\n".join(_paragraphs(_render("summary.txt", facts)))


def accepted(text: str, facts: Facts) -> str:
    """The text as it may go out: one to three paragraphs of plain text, every number in it in the facts or following from them.

    Bold marks and stray white space are taken away. Raises RejectedTextError for anything else.
    """
    text = plain(text)
    known = _known(facts)
    for claim in q.claims(text):
        if not q.borne_out(claim, known):
            raise RejectedTextError(f"a number that is not in the report: {claim.words[:40]!r} ({claim.unit})")
    return text


_MARKUP = re.compile(
    r"[<>{}\[\]|\\`*_#~^=@•]|^[^\S\n]*(?:[-–—+]|(?:\d+|[a-z])[.)])\s|://|\bwww\.|\w\.[a-z]{2}|&#?\w+;",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE_END = re.compile(r"[.!?][\"'”’)]*$")


def plain(text: str) -> str:
    """One to three paragraphs of whole sentences without markup, an empty line between. Raises RejectedTextError otherwise."""
    text = re.sub(r"\*\*([^*\n]+)\*\*", r"\1", text)
    paragraphs = _paragraphs(text)
    if not 1 <= len(paragraphs) <= MOST_PARAGRAPHS:
        raise RejectedTextError(f"{len(paragraphs)} paragraphs")
    if sum(map(len, paragraphs)) > MOST_CHARACTERS:
        raise RejectedTextError("a text too long")
    if _MARKUP.search(text):
        raise RejectedTextError("markup")
    if not all(map(_SENTENCE_END.search, paragraphs)):
        raise RejectedTextError("a heading, or a text cut off")
    tidy = "\n\n".join(paragraphs)
    if any(unicodedata.category(character).startswith("C") for character in tidy if character != "\n"):
        raise RejectedTextError("a control character")
    return tidy


def _paragraphs(text: str) -> list[str]:
    lines = "\n".join(line.strip() for line in text.split("\n"))
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n{2,}", lines) if paragraph]


def _known(facts: Facts) -> Mapping[str, set[float]]:
    """The values that bear a text's numbers out, by unit: those of the report, and what follows from them.

    Like is added to and subtracted from like: customers (to no more than there are), dollars, and rates, whose differences are
    percentage points. What is not kept is lost, and a count of customers has its share of all. The report's own sentences are
    read as any text is.
    """
    summary, in_segments = facts.summary, [row.count for row in facts.segments]
    total, parts = summary.totalCustomers, [summary.highRiskCount, summary.churnedThisWeek, *in_segments]
    averages = [rate for rate in (summary.retentionRate, _in_percent(summary.avgChurnProbability)) if rate is not None]
    rates = [*averages, *(row.riskLevel for row in facts.segments)]
    changes = [change for _, change in _changes(summary)]
    days = [facts.week_ending - timedelta(days=back) for back in range(14)]

    known: defaultdict[str, set[float]] = defaultdict(set)
    sentences = (
        *facts.key_insights,
        *(text for advice in facts.recommendations for text in (advice.action, advice.expectedImpact)),
    )
    for claim in chain.from_iterable(map(q.claims, sentences)):
        known[claim.unit].add(claim.value)
    known[q.DOLLARS] |= _sums(known[q.DOLLARS], 2) | _differences(known[q.DOLLARS])
    known[q.CUSTOMERS] |= {total, *parts} | _differences([total, *parts])
    known[q.CUSTOMERS] |= {count for count in _sums(parts, 2) | _sums(in_segments, len(in_segments)) if count <= total}
    known[q.PERCENT] |= {*rates, *(100 - rate for rate in averages)}
    known[q.PERCENT] |= {100 * part / total for part in (*parts, total - summary.highRiskCount) if total}
    known[q.RISEN] |= {change for change in changes if change >= 0}
    known[q.FALLEN] |= {-change for change in changes if change <= 0}
    known[q.POINTS] |= _differences(rates)
    known[q.DECIMAL] |= {*rates, *(rate / 100 for rate in rates)}
    known[q.DAYS] |= {7, 28}
    known[q.WEEKS] |= {4}
    known[q.SEGMENTS] |= {*range(1, len(facts.segments) + 1)}
    known[q.FACTORS] |= {*range(1, len(facts.risk_factors) + 1)}
    known[q.ACTIONS] |= {*range(1, len(facts.recommendations) + 1)}
    known[q.CALENDAR_DAY] |= {q.calendar_day(day.month, day.day) for day in days}
    known[q.YEAR] |= {day.year for day in days}
    return known


def _sums(values: Iterable[float], most: int) -> set[float]:
    values = list(values)
    return {sum(some) for size in range(2, most + 1) for some in combinations(values, size)}


def _differences(values: Iterable[float]) -> set[float]:
    # That two counts are equal bears out no "no customers are at risk".
    return {abs(one - other) for one, other in combinations(values, 2) if one != other}


def _in_percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _changes(summary: Summary) -> list[tuple[str, float]]:
    """What changed against the week before, in words, and by how many percent of what it was."""
    before = summary.prevWeekComparison
    changes = (
        ("the number of customers at high risk", before.highRisk),
        ("the number estimated to have churned", before.churned),
        ("the retention rate", before.retention),
    )
    return [(what, change) for what, change in changes if change is not None]


def _render(template: str, facts: Facts) -> str:
    """A template filled with the facts, field by field."""
    parts = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return (
        _templates()
        .get_template(template)
        .render(
            **parts,
            changes=_changes(facts.summary),
            riskiest=most_at_risk(facts.segments),
        )
    )


@cache
def _templates() -> Environment:
    # The templates make plain text, in which nothing is escaped.
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # nosec B701  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "counted": counted,
        "percent": percent,
        "day": day,
        "changed": _changed,
        "listed": _listed,
        "sentence": _sentence,
    }
    return templates


def _changed(change: tuple[str, float]) -> str:
    what, by = change
    return f"{what} {'rose' if by > 0 else 'fell'} by {percent(abs(by))}" if by else f"{what} did not change"


def _listed(things: Iterable[str]) -> str:
    *others, last = things
    return f"{', '.join(others)} and {last}" if others else last


def _sentence(text: str) -> str:
    return text if _SENTENCE_END.search(text) else f"{text}."
