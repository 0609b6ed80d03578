"""Tell whether a text names a caveat: its subject, and the days and things in it."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from report.schema import Caveat, CaveatCode

ABOUT: Mapping[CaveatCode, str] = {
    "no_look_back": r"average shop|histor|past week|earlier week|look(?:ed|ing)? back"
    r"|not (?:yet )?(?:been )?(?:adjust|correct|tun|learn)",
    "days_without_events": r"no (?:events|data|visits|activity|records)|without (?:any )?(?:events|data|visits|activity)"
    r"|missing|stopped|gap|incomplete|did not (?:arrive|come in)|not (?:all )?recorded",
    "gap_in_look_back": r"gap|missing|closed|without (?:any )?(?:events|data)|no (?:events|data)|average shop"
    r"|not (?:been )?(?:adjust|correct)",
    "tracking_changed": r"track|record|measur|no longer|stopped|missing|disappear|vanish|began|chang|arriv|sent|sends|log",
}
"""For each code that may be serious, a pattern of the words that a text must have."""

THINGS: Mapping[str, str] = {
    r"wish ?list": r"wish[ -]?list",
    r"\bcart": r"\b(?:cart|basket)",
    r"\bsessions?\b": r"\b(?:session|visit)",
    r"\bpurchases?\b|\bspend|\bsales\b": r"\b(?:purchas|spen[dt]|sales|order|amount)",
}
"""The tracked things that a caveat may name, and the words for them in a text."""


def is_named(caveat: Caveat, text: str, days: Sequence[date]) -> bool:
    """Tell whether `text` names a serious caveat, with each of the week's `days` and every tracked thing in it."""
    about = ABOUT.get(caveat.code, "")
    if not re.search(about, text, re.IGNORECASE):
        return False
    wanted = things(caveat)
    if caveat.code == "days_without_events":
        wanted = [_day(day) for day in days if re.search(_day(day), caveat.text, re.IGNORECASE)]
    return all(re.search(words, text, re.IGNORECASE) for words in wanted)


def things(caveat: Caveat) -> list[str]:
    """Return patterns for the tracked things in a caveat of changed tracking; none for other caveats."""
    if caveat.code != "tracking_changed":
        return []
    said = caveat.text.replace("_", " ")
    return [words for thing, words in THINGS.items() if re.search(thing, said, re.IGNORECASE)]


def _day(day: date) -> str:
    """Return a pattern of the ways to write a day of the week: "Wednesday", "February 26", "26 Feb", "to 26"."""
    month, number = f"{day:%b}\\w*\\.?", rf"{day.day}(?:st|nd|rd|th)?\b"
    return rf"\b{day:%A}\b|\b{month} {number}|\b{number} (?:of )?{month}|(?:\bto|\bthrough|\band|[-–]) ?{number}"
