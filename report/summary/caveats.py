"""Tell whether a text names a caveat: what it is about, and the days and things that the caveat names."""

import re
from collections.abc import Mapping

from report.schema import Caveat, CaveatCode

_ABOUT: Mapping[CaveatCode, str] = {
    "no_look_back": r"average shop|histor|past week|earlier week|look(?:ed|ing)? back"
    r"|not (?:yet )?(?:been )?(?:adjust|correct|tun|learn)",
    "days_without_events": r"no (?:events|data|visits|activity|records)|without (?:any )?(?:events|data|visits|activity)"
    r"|missing|stopped|gap|incomplete|did not (?:arrive|come in)|not (?:all )?recorded",
    "gap_in_look_back": r"gap|missing|closed|without (?:any )?(?:events|data)|no (?:events|data)|average shop"
    r"|not (?:been )?(?:adjust|correct)",
    "tracking_changed": r"track|record|measur|no longer|stopped|missing|disappear|vanish|began|chang|arriv|sent|sends|log",
}
"""What a text must speak of, for the codes that may be serious."""

_DAYS = re.compile(
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec) \d{1,2}\b"
)
_THINGS = re.compile(
    r"\b(?:spend|spending|sales|purchas|session|visit|order|wish ?list|cart|added to cart|removed from cart|added to wishlist"
    r"|removed from wishlist)",
    re.IGNORECASE,
)
_SAME: Mapping[str, str] = {
    "spending": "spen",
    "spend": "spen",
    "sales": "sales|spen",
    "wishlist": "wish ?list",
    "wish list": "wish ?list",
}


def is_named(caveat: Caveat, text: str) -> bool:
    """Whether `text` says what a serious caveat says, with every day or tracked thing that it names."""
    about = _ABOUT.get(caveat.code)
    if about is not None and not re.search(about, text, re.IGNORECASE):
        return False
    return all(re.search(rf"\b(?:{thing})", text, re.IGNORECASE) for thing in _named(caveat))


def _named(caveat: Caveat) -> list[str]:
    """What the caveat names, as patterns: days for missing days, things for changed tracking."""
    match caveat.code:
        case "days_without_events":
            weekdays = [day for day in _DAYS.findall(caveat.text) if day.endswith("day")]
            return weekdays or _DAYS.findall(caveat.text)
        case "tracking_changed":
            things = {thing.lower() for thing in _THINGS.findall(caveat.text.replace("_", " "))}
            return [_SAME.get(thing, thing) for thing in things]
        case _:
            return []
