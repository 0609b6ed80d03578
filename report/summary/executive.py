"""Write the executive summary (the brief's section 8): Gemini's text if the report confirms it, otherwise the template's.

This module is pure: the function that asks Gemini is passed in.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from report.analysis.sentences import at_stake_sentence, change_sentence, judged, news_of, of_average_shop, riskiest_sentence
from report.formatting import counted, day, listed, money_whole, percent, verb, whole
from report.schema import Caveat, Change, ChangeName, SummarySource
from report.summary.caveats import is_named
from report.summary.check import bears_out, known, ranks
from report.summary.claims import claims, rankings
from report.summary.facts import MAX_TENTH_SHARE, Facts

MAX_PARAGRAPHS = 3
MAX_CHARACTERS = 2_000
WHOLE_SHOP: tuple[ChangeName, ...] = ("customers", "spent", "expectedToLeave")
"""The changes that are about all customers."""


class ExecutiveSummary(NamedTuple):
    """The text, its author, and, if the template wrote it, the reason: a few words for the log."""

    text: str
    source: SummarySource
    reason: str | None


class GeminiError(Exception):
    """Gemini gave no complete text. The message says why in a few words for the log, without key, prompt or text."""


class RejectedTextError(ValueError):
    """The text must not be used. The message says why in a few words for the log."""


def executive_summary(facts: Facts, ask: Callable[[str], str] | None) -> ExecutiveSummary:
    """Ask for the summary of the brief's section 8.2; without an acceptable text, use the template of its section 8.3.

    `ask` sends a prompt to Gemini and returns its text or raises GeminiError; None if Gemini is not configured.
    """
    if ask is None:
        return ExecutiveSummary(template_summary(facts), "template", "no Gemini")
    try:
        return ExecutiveSummary(accepted(ask(prompt(facts)), facts), "gemini", None)
    except (GeminiError, RejectedTextError) as problem:
        return ExecutiveSummary(template_summary(facts), "template", str(problem))


def prompt(facts: Facts) -> str:
    """Write the prompt of the brief's section 8.2, filled with the facts."""
    return _render("prompt.txt", facts).strip()


def template_summary(facts: Facts) -> str:
    """Write the facts in two or three paragraphs, as the brief's section 8.3 does: the outlook, the news, where to start."""
    return "\n\n".join(_paragraphs(_render("summary.txt", facts)))


def accepted(text: str, facts: Facts) -> str:
    """Return the accepted text: one to three plain paragraphs that have only the report's numbers and name its caveats.

    Bold marks and stray white space are removed. Raises RejectedTextError for anything else.
    """
    text = plain(text)
    report = known(facts)
    for claim in claims(text, report.factors):
        if not bears_out(report, claim):
            raise RejectedTextError(f"a number that is not in the report: {claim.number.words[:40]!r} ({claim.number.unit})")
    for words, group, what, order in rankings(text):
        if not ranks(report, group, what, order):
            raise RejectedTextError(f"a ranking that is not the report's: {words.strip()[:40]!r}")
    opening = text.split("\n\n")[0]
    for caveat in facts.serious_caveats:
        if not is_named(caveat, opening, facts.days):
            raise RejectedTextError(f"the caveat {caveat.code} is not in the first paragraph")
    if facts.caveats and (praise := _PRAISE.search(text)):
        raise RejectedTextError(f"praise in a week with a caveat: {praise[0][:40]!r}")
    return text


_PRAISE = re.compile(
    r"\b(?:congrat\w+|well done|bravo|kudos|applau\w+|celebrat\w+|proud|pleas(?:ed|ing)|delight\w*|thrill\w*"
    r"|(?:excellent|outstanding|impressive|fantastic|wonderful|superb|terrific|amazing|brilliant|fabulous|magnificent|exceptional"
    r"|spectacular|stunning|splendid|awesome|phenomenal|tremendous|perfect|flawless|stellar|robust|encouraging|reassuring"
    r"|promising|heartening|successful)(?:ly)?|remarkabl[ey]|incredibl[ey]|marvell?ous(?:ly)?|success|triumph\w*"
    r"|thank (?:your|the) customers|thriv(?:e|es|ed|ing)|flourish\w*|prosper\w*|booming|health(?:y|ily|ier)"
    r"|keep (?:doing what works|it up|up the)"
    r"|in (?:\w+ )?(?:good|great|fine|top|excellent) (?:shape|form|health|hands)|on (?:a roll|the right track)"
    r"|(?:do|doing|did|done|going|went|goes|performing|performed|running) (?:\w+ )?(?:well|great|nicely|fine)"
    r"|(?:great|good|strong|solid|positive|nice|fine|super|banner) (?:\w+ )?"
    r"(?:job|work|weeks?|news|performance|results?|showing|numbers?|figures?|signs?|start|trend|momentum|growth|position)"
    r"|(?:looks?|is|are|was|were|remains?) (?:\w+ )?(?:great|good|strong|solid|rosy|bright)(?! (?:reason|idea|time|place)))\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"[<>{}\[\]|\\`*_#~^=@•]|^[^\S\n]*(?:[-–—+]|(?:\d+|[a-z])[.)])\s|://|\bwww\.|\w\.[a-z]{2}|&#?\w+;",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE_END = re.compile(r"[.!?][\"'”’)]*$")
_THOUGHT_HEADING = re.compile(
    r"\W*(?:(?:my|internal|the model's) )?(?:thoughts?|thinking|thought process|chain of thought|reasoning|rationale|analysis"
    r"|scratchpad|plan|draft|self-correction)(?: (?:process|steps?|summary|out loud))?\s*(?::|[-–—]\s|\*\*|$)",
    re.IGNORECASE | re.MULTILINE,
)


def plain(text: str) -> str:
    """Return one to three paragraphs of whole sentences without markup, separated by empty lines.

    Raises RejectedTextError for anything else.
    """
    if _THOUGHT_HEADING.match(text):
        raise RejectedTextError("a heading of the model's thoughts")
    text = re.sub(r"\*\*([^*\n]+)\*\*", r"\1", text)
    paragraphs = _paragraphs(text)
    if not 1 <= len(paragraphs) <= MAX_PARAGRAPHS:
        raise RejectedTextError(f"{len(paragraphs)} paragraphs")
    if any(map(_THOUGHT_HEADING.match, paragraphs)):
        raise RejectedTextError("a heading of the model's thoughts")
    if sum(map(len, paragraphs)) > MAX_CHARACTERS:
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


def _render(template: str, facts: Facts) -> str:
    """Fill a template with the facts, field by field."""
    total = facts.summary.totalCustomers
    tenth = facts.outlook.riskiestTenth.customers
    average_shop = of_average_shop(facts.caveats)
    return (
        _templates()
        .get_template(template)
        .render(
            **{field.name: getattr(facts, field.name) for field in fields(facts)},
            serious_caveats=facts.serious_caveats,
            comparable=facts.comparable,
            average_shop=average_shop,
            at_stake="" if average_shop else at_stake_sentence(facts.outlook, facts.segments, facts.currency),
            riskiest=riskiest_sentence(total, facts.outlook),
            riskiest_customers="the riskiest tenth" if tenth < MAX_TENTH_SHARE * total else "the riskiest",
            news=tuple(change_sentence(change, facts.currency) for change in _told(facts.news)),
            judged=judged(facts.changes),
            running=any(caveat.code == "week_not_over" for caveat in facts.caveats),
            money=lambda amount: money_whole(amount, facts.currency),
        )
    )


def _told(news: Sequence[Change]) -> tuple[Change, ...]:
    """Select the news of the whole shop; if there is none, the news of the segments."""
    told = news_of(news)
    return tuple(change for change in told if change.what in WHOLE_SHOP) or told


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
    filters: Mapping[str, Callable[..., str]] = {
        "counted": counted,
        "percent": percent,
        "day": day,
        "listed": listed,
        "whole": whole,
        "verb": verb,
        "sentence": _sentence,
        "caveat": _caveat,
    }
    templates.filters |= filters
    return templates


def _sentence(text: str) -> str:
    text = text.replace("_", " ")  # an event's name is not markup
    return text if _SENTENCE_END.search(text) else f"{text}."


def _caveat(caveat: Caveat) -> str:
    return _sentence(caveat.text)
