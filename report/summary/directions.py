"""Find the words that say which way a figure went: "Sales grew this week", "Fewer customers came than usual".

A direction is a number of its own units: 1 for up or better, -1 for down or worse, and no value for what no report can tell.
"""

import math
import re
from collections.abc import Iterator

from report.summary import numbers as n
from report.summary.numbers import Number

_RISE, _FALL = "rise|increase|gain|jump|surge|growth|climb|uptick", "fall|drop|decrease|decline|dip|reduction|slump"
_GONE = r"(?:is|are|was|were|been|'s|went|gone|going|goes|stands?|remains?)(?: (?:now|also|still|\w+ly|well|a (?:little|bit)))*"
_ON = r"(?= (?:\w+ly |a (?:little|bit) |sharply )?(?:from|on|against|compared|versus|since|over)\b)"
_OF = r"(?= (?:in|of|from|on|over|compared|this|since)\b)"
_NOUN = r"(?:an?|the|this)(?: [\w-]+)?"
_THE = r" (?:(?:the|its|your|their|our) )?"

WAYS: tuple[tuple[str, float, str], ...] = (
    (
        n.TREND,
        math.nan,
        rf"(?:will|going to|expected to|likely to|set to|about to|bound to)(?: \w+ly)? "
        rf"(?:{_RISE}|{_FALL}|grow|shrink|improve|worsen)(?! (?:away|off|out)\b)"
        r"|(?:highest|lowest|best|worst|most|fewest|largest|smallest) (?:[\w-]+ ){0,2}"
        r"(?:ever|yet|in (?:weeks|months|years|a)|since|this year)"
        r"|(?:a|new|all-time|another) record|for the (?:first|second|third) (?:week|time)|week after week"
        r"|(?:straight|consecutive) weeks?|weeks? (?:in a row|running)",
    ),
    (
        n.TREND,
        1,
        rf"rose|risen|rises|rising|grew|grown|grows|growing|(?:climb|soar|gain|surg|increas|jump|swell|expand)(?:s|es|ed|ing)"
        rf"|{_NOUN} (?:{_RISE}){_OF}|growth in|{_GONE} up\b(?! to\b)|^\W*(?:\w+ly )?up{_ON}",
    ),
    (
        n.TREND,
        -1,
        r"fell|fallen|falls|falling|shrank|shrunk|shrinks|shrinking|slid|sank|drops|slips|dips"
        r"|(?:dropp|slipp|dipp|plung|plummet|tumbl|slump|declin|decreas|reduc|contract|dwindl)(?:es|ed|ing)"
        rf"|{_NOUN} (?:{_FALL}){_OF}|{_GONE} down\b(?! to\b)|^\W*(?:\w+ly )?down{_ON}",
    ),
    (n.COURSE, 1, "improv(?:ed|es|ing)"),
    (n.COURSE, -1, "(?:worsen|deteriorat)(?:ed|es|s|ing)"),
)
"""The words that say a direction wherever they stand."""
COMPARISONS: tuple[tuple[str, float, str], ...] = (
    (n.TREND, 1, "more|higher|greater|larger|bigger|busier|stronger|riskier"),
    (n.TREND, -1, "fewer|less|lower|smaller|quieter|weaker|safer"),
    (n.COURSE, 1, "better|healthier"),
    (n.COURSE, -1, "worse"),
)
"""The words that say one only where something before is their measure: "higher than last week"."""
LIMITS: tuple[tuple[str, float, str], ...] = (
    (n.TREND, 1, rf"(?:above|exceed(?:s|ed|ing)?)(?={_THE}(?:usual|normal|last week))|over(?={_THE}(?:usual|normal))"),
    (n.TREND, -1, rf"below(?={_THE}(?:usual|normal|last week))|(?:under|beneath)(?={_THE}(?:usual|normal))"),
)
"""The words that say one only next to their measure: "above the usual"."""
_BY_ITSELF = re.compile(
    r"\W*(?:(?:slightly|somewhat|far|many|considerably|so|also|this week) )*(?:more|fewer|less) (?:[\w-]+ ){0,2}?"
    r"(?:customers|shoppers|people|buyers|visitors|regulars|sales|spend|spending|revenue)\b(?!.*\b(?:could|can|would|should|if)\b)",
    re.IGNORECASE,
)
"""A comparison that needs no measure: "fewer customers came" means than last week."""
_OF_NO_FIGURE = re.compile(
    r"\b(?:visits|visit (?:numbers|frequency|counts)|orders|sessions|purchases|carts?|baskets?|wish ?lists?|conversions?|profits?"
    r"|margins?|engagement|loyalty|satisfaction|traffic|per (?:customer|visit|order|head)|average (?:spend|order|sale))\b",
    re.IGNORECASE,
)


def _pattern(ways: tuple[tuple[str, float, str], ...]) -> re.Pattern[str]:
    return re.compile(
        "|".join(rf"(?P<_{number}>(?<![\w-])(?:{words})(?![\w-]))" for number, (_, _, words) in enumerate(ways)), re.IGNORECASE
    )


_WAYS = (*WAYS, *LIMITS)
_COMPARING_WAYS = (*_WAYS, *COMPARISONS)
_ALWAYS, _COMPARING = _pattern(_WAYS), _pattern(_COMPARING_WAYS)


def directions(words: str, *, is_comparing: bool) -> Iterator[Number]:
    """Find the directions in the words of a clause; `is_comparing` tells whether they compare a figure with another week's."""
    is_comparing = is_comparing or _BY_ITSELF.match(words) is not None
    of_no_figure = _OF_NO_FIGURE.search(words) is not None
    for match in (_COMPARING if is_comparing else _ALWAYS).finditer(words):
        unit, way, _ = _COMPARING_WAYS[int((match.lastgroup or "_0")[1:])]
        value = math.nan if of_no_figure else way
        yield Number(match.start(), match.end(), match.group(), unit, value, value, value)
