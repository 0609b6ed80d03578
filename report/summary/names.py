"""Find the names in a sentence: groups of customers, weeks, and what is measured; and cut the sentence into clauses.

`PHRASES` lists the ways in which a text may call each of them, as regular expressions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from report.summary import numbers as n
from report.summary.numbers import Number, numbers

When = Literal["now", "before", "past", "usual"]
"""This week; the week before; the week that ended four weeks ago; what is usual for the shop."""
What = Literal[
    "count", "leaving", "of leavers", "staying", "lost", "returned", "spent", "at stake", "risk", "retention", "times average"
]

CHURNED, RISKIEST, MISSING = "churned", "riskiest", "missing regulars"
SEGMENT_NAMES = ("High-Value", "Regular", "Occasional", "New")
LEVEL_NAMES = ("High", "Medium", "Low")


@dataclass(frozen=True)
class Group:
    """A group of customers: of these segments and at these risk levels (empty: any), or with another name; else all customers."""

    segments: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    other: str = ""

    def __and__(self, group: "Group") -> "Group | None":
        """Return the customers of both groups; None if no report counts them."""
        if group in (self, ALL):
            return self
        if self == ALL:
            return group
        if self.other or group.other:
            named, whole = (self, group) if self.other else (group, self)
            is_part = named.other not in (RISKIEST, MISSING) and whole in (HIGH, Group(other=RISKIEST))
            return named if is_part else None
        segments, levels = _both(self.segments, group.segments), _both(self.levels, group.levels)
        return None if segments is None or levels is None else Group(segments, levels)

    def complement(self) -> "Group | None":
        """Return all other customers; None if no report counts them."""
        if self.segments and not self.levels and not self.other:
            return Group(segments=tuple(name for name in SEGMENT_NAMES if name not in self.segments))
        if self.levels and not self.segments and not self.other:
            return Group(levels=tuple(name for name in LEVEL_NAMES if name not in self.levels))
        return None


ALL = Group()
HIGH = Group(levels=("High",))
HIGH_OR_MEDIUM = Group(levels=("High", "Medium"))


def _both(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...] | None:
    if not some or not others:
        return some or others
    return tuple(name for name in some if name in others) or None


MAX_PATTERNS = 64
"""A pattern is kept for each of the latest sets of risk factors; compiling one takes longer than reading a text."""

# The words of a text for things.

_NOUN = r"(?:customers?|shoppers?|buyers?|visitors?|people|accounts?|ones?|members?|segments?|groups?)"
_LAST_WEEK = r"(?:last week|(?:the )?(?:previous|prior|preceding) week|(?:the |a )week (?:before|earlier|ago|prior))"
_LEVEL = r"(?:high|medium|moderate|low)"
_LEAVE = (
    r"(?:leave|churn|go|be lost|be gone|disappear|stay away|(?:drift|slip|walk|fall) away|drop off"
    r"|not (?:be|come|return)(?: back)?)"
)
_STAY = r"(?:stay|return|come back|be back|remain)(?! away)"
_LIKELY = r"(?:expected|likely|likeliest|set|forecast|predicted|about|liable|projected|bound|due|estimated)"
_WILL = r"(?:will|may|might|could|would|should|can)"
_PERHAPS = r"(?: (?:probably|likely|well|soon|still|therefore|all|then|also))*"
_SINCE = r"(?: (?:since|still|really|actually|in fact|indeed))*"
_COME = r"(?: (?:since|yet|been|come|returned?|visited|seen|shopped|back))+"
_MONEY = r"(?= (?:\w+ ){0,2}(?:[$€£¥₹₩]|(?-i:[A-Z]{3}) ?[0-9]))"
_LOSE = r"(?:(?:am|are|is|was|were|been|keep) losing|(?<!to )loses?|missed(?: out on)?|forfeited|gave up)"
_COST = r"cost(?:s|ing)? (?:you|your)"
_END = r"(?=[.,;:)!?]|$)"

PHRASES: Mapping[str, tuple[str, ...]] = {
    "riskiest": (
        r"riskiest (?:tenth|10 ?(?:%|percent))",
        r"(?:top|highest-risk) tenth",
        r"riskiest(?= (?:[0-9,]+|customers?)\b)",
        r"at (?:the )?greatest risk",
        r"(?:(?<=considered )|(?<=ranked )|(?<=rated )|(?<=called )|(?<=were the )|(?<=as the ))riskiest",
    ),
    "missing": (
        r"missing regulars?",
        r"regulars? (?:customers? )?(?:who|that) used to (?:come|visit|shop|buy)",
        r"regulars? (?:customers? )?(?:(?:who|that) )?(?:have |has |had |are |were |is )?(?:gone |went )?"
        r"(?:missing|absent|quiet|silent|did not come|didn't come|not (?:come|been seen|been in|visited)|stayed away)",
    ),
    "segment": (
        r"high[- ]value",
        r"regulars|occasionals",
        r"(?-i:\bRegular|\bOccasional|(?<=[a-z0-9,&(] )New\b)",
        rf"(?:regular|occasional|new)(?= {_NOUN}\b)",
    ),
    "maybe_segment": (r"(?:regular|occasional|new)(?=,? (?:and|or|to) |, )",),
    "level": (
        rf"{_LEVEL}(?=[- ](?:churn[- ])?risk(?! of (?:(?:just|only|about|around) )?[0-9]))",
        r"(?-i:(?<=[a-z0-9,(] )(?:High|Medium|Low)\b)(?! (?:spend|cart))",
        rf"(?<=\bat )(?:a )?{_LEVEL}(?:{_END}|(?= (?:and|or|while|but)\b))",
        rf"(?<=[0-9] ){_LEVEL}(?:{_END}|(?= and\b))",
    ),
    "maybe_level": (rf"{_LEVEL}-?(?=,? (?:and|or|to) |, |/|-)",),
    "risk_word": (
        r"(?:(?<=high)|(?<=medium)|(?<=moderate)|(?<=low))(?:[- ]churn)?[- ]risk\b"
        r"(?! of (?:(?:just|only|about|around) )?[0-9])(?: of (?:leaving|churn(?:ing)?))?(?: levels?)?",
    ),
    "churned": (
        r"(?:estimated|thought|believed|assumed|counted|judged) (?:to have|to be|as having|as)(?: already)?"
        r" (?:churned|lost|gone|left)",
        r"churned",
        r"(?:above|over|at least|more than) 80 ?(?:%|percent)|80 ?(?:%|percent) or more",
        r"(?:almost|nearly) certain to leave",
        r"as good as (?:gone|lost)",
    ),
    "high": (r"(?:above|over|at least|more than) 70 ?(?:%|percent)|70 ?(?:%|percent) or more",),
    "flagged": (rf"flagged(?! (?:as|at|with|for) (?:a |being )?(?:at )?(?:a )?{_LEVEL}\b)",),
    "at_stake": (
        rf"at stake|expected loss(?:es)?|worth|{_WILL} cost|on the line|in danger",
        r"(?:(?<=spend )|(?<=spending )|(?<=money )|(?<=revenue )|(?<=sales ))at risk",
    ),
    "at_risk": (r"(?<!most )at risk\b(?! of)",),
    "lost": (
        rf"(?:has|have|had|did|do|does){_SINCE} not{_COME}",
        rf"(?:haven't|hasn't|didn't|hadn't){_COME}",
        r"never (?:came|come) back",
        r"stayed away",
        r"(?:really|actually|in fact) (?:left|churned|went|stayed away|did|were lost)",
        r"did (?:indeed |in fact |actually )?(?:leave|go|churn)|actual",
        rf"(?:did|have|has){_END}",
    ),
    "gone": (
        r"(?:has|have|had|are|is) (?:since |now |indeed )?(?:left|gone)",
        r"left\b",
        r"lost",
        rf"{_LOSE}{_MONEY}",
        rf"{_COST}",
    ),
    "returned": (r"came back|(?:have|has|had) (?:come|been) back", r"(?:have |has )?returned", r"stayed(?! away)"),
    "leaving": (
        rf"{_LIKELY}(?: \w+)? (?:to {_LEAVE}|not to (?:return|come back|be back))",
        rf"{_WILL}{_PERHAPS} {_LEAVE}",
        r"won't (?:be back|come back|return|be seen)",
        r"(?:probably|likely|not expected to) (?:not )?(?:be back|come back|return|leave)",
        r"unlikely to (?:return|come back|be back)",
        r"(?:expect(?:ed)?|stand|risk|likely|set|about) (?:to )?los(?:e|ing)",
        rf"{_WILL} (?:probably |likely )?lose",
        r"los(?:e|ing)(?= (?:\w+ ){0,2}[0-9])|loss of",
        r"leavers?|leaving customers|customers leaving|expected (?:departures?|losses)",
        r"to (?:leave|churn|stay away|be lost)",
        r"on (?:their|its) way out",
    ),
    "staying": (rf"{_LIKELY} to {_STAY}", rf"{_WILL}{_PERHAPS} {_STAY}", rf"expect(?:ed|s)? (?:[\w,]+ ){{1,5}}to {_STAY}"),
    "expected": (r"expect(?:ed|s|ing)?",),
    "retention": (r"retention(?: rate)?|retained|kept|keeping",),
    "risk": (
        r"(?:average |mean )?(?:churn |leaving )?(?:risk|probabilit(?:y|ies)|likelihood|chance)s?\b"
        r"(?: of (?:leaving|churn(?:ing)?))?",
        r"riskiest|riskier|risky|safest|safer|most at risk",
        r"churn(?: rate)?\b",
    ),
    "spent": (
        r"spen[td](?:ing|s)?|revenue|sales|turnover|takings|earnings|income",
        rf"(?:earned|made|took(?: in)?|brought in|generated|received|turned over){_MONEY}",
    ),
    "baseline": (
        r"(?:than|from|on|over|since|against|versus|vs\.?|compared (?:with|to)|relative to|up on|down on)"
        rf" (?:it was |they were |in )?{_LAST_WEEK}(?!'s [0-9$€£¥])(?:'s (?:figure|level|count))?",
        r"than (?:is |in )?(?:an? )?(?:usual|normal)(?: week)?(?: here)?|than (?:before|previously)\b(?! the)",
    ),
    "before": (rf"{_LAST_WEEK}(?:'s)?",),
    "past": (r"(?:four|4) weeks (?:ago|earlier)|28 days (?:ago|earlier)|a month (?:ago|earlier)|back then",),
    "we_said": (r"we(?= (?:had )?(?:said|expected|predicted|forecast|told you))",),
    "usual": (r"usual(?:ly)?|normal(?:ly)?|typical(?:ly)?(?! customer)",),
    "now": (r"this week(?:'s)?|now\b|today",),
    "in_all": (r"in total|in all|altogether",),
    "overall": (r"overall|(?<=% )on average|among all customers",),
    "all": (
        r"active|(?:your |the )?(?:customer |whole )?base",
        r"all(?: of)? (?:your|the)? ?customers",
        r"(?:you|your shop|your store|the shop|the store) (?:had|saw|served|counted|welcomed|have)",
        r"(?:shopped|visited|came)\b",
        rf"total (?:{_NOUN})|total(?= (?:spend|sales))",
    ),
    "of_them": (r"(?:of|among) (?:them|those|these|whom|which)",),
    "pronoun": (r"that (?:is|was|makes)|they|them|these|those|their|this group|such|figure(?! of)",),
    "it": (r"its|it",),
    "others": (r"(?:the )?(?:others?|remaining|rest)\b",),
    "split": (
        r"[;:()]| - |,| and | or (?!so\b)| while | whereas | but | although | though | yet ",
        r"(?<!compared)(?<!sits)(?<!lies)(?<! is) with ",
        r" including | includ(?:e|es) ",
        r" (?:against|versus|compared (?:with|to)|(?:(?<=\d more )|(?<=\d less )|(?<=\d fewer )"
        r"|(?<!more )(?<!less )(?<!fewer ))than) "
        rf"(?!(?:is |it was |they were |in )?(?:usual|normal|{_LAST_WEEK}(?!'s [0-9$€£¥])))",
        r" from (?=[$€£¥]?\d)| to (?=[$€£¥]?\d)| become | became | who | which ",
        r" means | meaning | because | so (?=that )| as (?=many|more|some|they)",
    ),
}
"""The words for each kind of thing. If two kinds begin at the same place, the first one wins.

A `maybe_` kind is a name only together with another ("new and occasional customers"). A `split` separates clauses.
"""

WHAT_KINDS: Mapping[str, What] = {
    "leaving": "leaving",
    "expected": "leaving",
    "staying": "staying",
    "lost": "lost",
    "gone": "lost",
    "returned": "returned",
    "retention": "retention",
    "risk": "risk",
    "spent": "spent",
    "at_stake": "at stake",
}
WHEN_KINDS: Mapping[str, When] = {"before": "before", "past": "past", "we_said": "past", "now": "now", "usual": "usual"}

_COORDINATION = re.compile(r"(?:,|-?,? and|-?,? or| to|/|,? &)(?: at| the)? ?|- (?:and|or) ", re.IGNORECASE)
_BETWEEN_NAMES = re.compile(r"[- ](?:churn[- ])?risk| customers| ones", re.IGNORECASE)
_BASE = re.compile(
    r"(?:\b(?:(?:out )?of|among)(?: (?:all|your|the|our|its|these|those|them|this week's|last week's|whole))+|\bout of"
    r"|^\W*(?:of|among)|(?:[0-9%]|half|third|quarter|customers?) of)(?: riskiest)? ?[$€£¥]?$",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"(?<!who )(?<!that )\b(?:is|are|was|were|has|have|had|will|won't|may|might|would|should|can|could|did|need|came|left)\b",
    re.IGNORECASE,
)
_RANGE = re.compile(r" ?(?:-|to|and) ?[$€£¥]?", re.IGNORECASE)
_OF = re.compile(r"\bof (?:the |your |all |our )*$", re.IGNORECASE)
_OF_LEAVERS = re.compile(
    r" ?(?:%|percent)? of (?:all |those |the |your )+(?:[0-9,]+ )?"
    rf"(?:{_NOUN} )?(?:who (?:are|will) )?(?:{'|'.join(PHRASES['leaving'])})",
    re.IGNORECASE,
)
_IS = re.compile(
    r"\b(?:is|are|was|were)(?: (?:now|currently|also|all|still))* (?:at|flagged|in|a|an|from)?\b(?!.*\b(?:most|largely|often)\b)",
    re.IGNORECASE,
)
_COMPARED = ("than", "against", "versus", "compared")
_USUAL = re.compile(r"\b(?:usual|usually|normal|typical|average week)\b", re.IGNORECASE)
_AT_LEVEL = re.compile(rf" ?(?:{_NOUN} )?(?:(?:who|that) are )?(?:currently |now )?at (?:a )?", re.IGNORECASE)


# Clauses.


class Token(NamedTuple):
    """A name or a separator in a sentence."""

    kind: str
    start: int
    end: int
    group: Group | None = None
    """The customers that it names, if it names any."""


@dataclass(frozen=True)
class Clause:
    """A part of a sentence without a separator inside."""

    start: int
    words: str
    separator: str
    """The text before the clause."""
    tokens: tuple[Token, ...]
    numbers: tuple[Number, ...]

    @property
    def names(self) -> tuple[Token, ...]:
        """Return the names of customers in the clause."""
        return tuple(token for token in self.tokens if token.group is not None)

    @property
    def whats(self) -> tuple[What, ...]:
        """Return all measures in the clause."""
        return _whats(self.tokens)

    def whats_of(self, number: Number) -> tuple[What, ...]:
        """Return what the number may measure: words with no other number between; for a base, the words up to the verb."""
        others = [
            other
            for other in self.numbers
            if other is not number and not self.is_base(other) and not self._joins(*sorted((number, other), key=_start))
        ]
        tokens = [token for token in self.tokens if not any(_stands_between(other, token, number) for other in others)]
        if self.is_base(number):
            tokens = [
                token
                for token in tokens
                if token.start > number.end
                and not self.has_verb(number.end, token.end)
                and not self.between(token.start, token.end).lower().startswith("to ")
            ]
        return _whats(tokens)

    def is_base(self, number: Number) -> bool:
        """Tell whether the number is a whole of which another number is a part: the 1,458 in "690 of your 1,458 customers"."""
        return number.unit in (n.CUSTOMERS, n.MONEY) and _BASE.search(self.before(number)) is not None

    def speaks_of_all(self) -> bool:
        """Tell whether the clause is about all customers, not about a share "of all customers"."""
        return any(token.kind == "all" and not self.is_after_of(self.start, token) for token in self.tokens)

    def is_after_of(self, start: int, token: Token) -> bool:
        """Tell whether the token follows an "of" after `start`: the New customers in "47% of New customers"."""
        return _OF.search(self.between(start, token.start)) is not None

    def says_of(self, subject: Token, token: Token) -> bool:
        """Tell whether the clause says that the subject's customers are what the token names."""
        between = self.between(subject.end, token.start)
        return _IS.search(between) is not None or _AT_LEVEL.fullmatch(between) is not None

    def has(self, *kinds: str) -> bool:
        """Tell whether the clause has a token of one of these kinds."""
        return any(token.kind in kinds for token in self.tokens)

    def compares(self, following: "Clause | None") -> bool:
        """Tell whether it compares something with another week, or with what was expected."""
        return (
            self.has("baseline")
            or (self.has("before", "usual") and re.search(r"\bthan\b", self.words) is not None)
            or (
                following is not None
                and following.separator.startswith(_COMPARED)
                and following.has("before", "usual", "past", "we_said", "expected")
            )
        )

    def compares_with_usual(self, following: "Clause | None") -> bool:
        """Tell whether it compares something with what is usual."""
        then = following.words if following and following.separator.startswith(_COMPARED) else ""
        return _USUAL.search(f"{self.words} {then}") is not None

    def has_verb(self, start: int = 0, end: int | None = None) -> bool:
        """Tell whether there is a verb between two positions of the sentence, or without positions in the whole clause."""
        return _VERB.search(self.words if end is None else self.between(start, end)) is not None

    def before(self, number: Number) -> str:
        """Return the words of the clause before the number."""
        return self.words[: number.start - self.start]

    def between(self, start: int, end: int) -> str:
        """Return the words between two positions of the sentence."""
        return self.words[max(start - self.start, 0) : max(end - self.start, 0)]

    def _joins(self, first: Number, last: Number) -> bool:
        return _RANGE.fullmatch(self.between(first.end, last.start)) is not None


def is_of_leavers(sentence: str, number: Number) -> bool:
    """Tell whether a percentage is a share of those who leave: "88% of those expected to leave"."""
    return _OF_LEAVERS.match(sentence[number.end :]) is not None


def nearest(tokens: Sequence[Token], number: Number) -> Token:
    """Return the token that is nearest to the number."""
    return min(tokens, key=lambda token: token.start - number.end if token.start >= number.end else number.start - token.end)


def clauses(sentence: str, factors: tuple[str, ...]) -> list[Clause]:
    """Cut a tidy sentence into clauses with their names and numbers; `factors` are the names of risk factors."""
    tokens = _tokens(sentence, factors)
    names = [token for token in tokens if token.group is not None]
    found = [number for number in numbers(sentence) if not any(_holds(token, number) for token in names)]
    splits = [
        token
        for token in tokens
        if token.kind == "split"
        and not any(number.start < token.end and token.start < number.end for number in found)
        and not _is_in_range(sentence, token, found)
    ]
    bounds = [0, *(position for token in splits for position in (token.start, token.end)), len(sentence)]
    separators = ["", *(sentence[token.start : token.end].strip().lower() for token in splits)]
    return [
        Clause(
            start,
            sentence[start:end],
            separator,
            tuple(token for token in tokens if start <= token.start < end and token.kind != "split"),
            tuple(number for number in found if start <= number.start < end),
        )
        for start, end, separator in zip(bounds[::2], bounds[1::2], separators, strict=True)
    ]


def _start(number: Number) -> int:
    return number.start


def _holds(token: Token, number: Number) -> bool:
    return token.start <= number.start and number.end <= token.end


def _stands_between(other: Number, token: Token, number: Number) -> bool:
    return min(token.start, number.start) < other.start < max(token.start, number.start)


def _whats(tokens: Sequence[Token]) -> tuple[What, ...]:
    kinds = dict.fromkeys(token.kind for token in tokens if token.kind in WHAT_KINDS)
    if kinds.keys() & {"leaving", "staying"}:
        kinds.pop("expected", None)
    return tuple(dict.fromkeys(WHAT_KINDS[kind] for kind in kinds))


@lru_cache(MAX_PATTERNS)
def _pattern(factors: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(factors, key=lambda factor: (-len(factor), factor))
    named = {"factor": tuple(map(re.escape, longest_first))} if factors else {}
    return re.compile(
        "|".join(
            f"(?P<{kind}>{'|'.join(phrases)})"
            if kind in ("split", "risk_word")
            else rf"(?P<{kind}>\b(?:{'|'.join(phrases)})(?!\w))"
            for kind, phrases in {**named, **PHRASES}.items()
        ),
        re.IGNORECASE,
    )


def _tokens(sentence: str, factors: tuple[str, ...]) -> list[Token]:
    found = []
    for match in _pattern(frozenset(factors)).finditer(sentence):
        kind = match.lastgroup or ""
        found.append(Token(kind, match.start(), match.end(), _group(kind, match.group().lower())))
    return _merged(found, sentence)


def _group(kind: str, words: str) -> Group | None:
    """Return the customers that a token names."""
    match kind.removeprefix("maybe_"):
        case "segment":
            return Group(segments=tuple(name for name in SEGMENT_NAMES if words[:3] == name[:3].lower()))
        case "level":
            return Group(levels=(words.rpartition(" ")[2].rstrip("-").replace("moderate", "medium").capitalize(),))
        case "factor":
            return Group(other=words)
        case _:
            return _GROUPS.get(kind)


_GROUPS: Mapping[str, Group] = {
    "riskiest": Group(other=RISKIEST),
    "missing": Group(other=MISSING),
    "churned": Group(other=CHURNED),
    "high": HIGH,
    "flagged": HIGH,
}


def _merged(tokens: list[Token], sentence: str) -> list[Token]:
    """Merge "medium or high risk" into one name, and drop tokens that are a name only together with another."""
    merged: list[Token] = []
    for token in reversed(tokens):
        following = next((other for other in merged if other.kind != "split"), None)
        family = token.kind.removeprefix("maybe_")
        if token.group and following and following.group and family == following.kind and family in ("segment", "level"):
            between = _BETWEEN_NAMES.sub("", sentence[token.end : following.start])
            if _COORDINATION.fullmatch(between):
                group = Group(
                    tuple(dict.fromkeys(token.group.segments + following.group.segments)),
                    tuple(dict.fromkeys(token.group.levels + following.group.levels)),
                )
                merged = [Token(family, token.start, following.end, group), *merged[merged.index(following) + 1 :]]
                continue
        if token.kind == family:
            merged.insert(0, token)
    return [token for token in merged if token.kind != "risk_word"]


def _is_in_range(sentence: str, token: Token, found: Sequence[Number]) -> bool:
    """Tell whether the token is the "to" or "and" of "560 to 700" or "between 560 and 700", not of "from 560 to 700"."""
    first = next((number for number in found if number.end == token.start), None)
    if first is None or not any(number.start - token.end in (0, 1) for number in found):
        return False
    leading = sentence[: first.start].lower().rstrip(" $€£¥")
    joints = {"to": not leading.endswith("from"), "and": leading.endswith("between")}
    return joints.get(sentence[token.start : token.end].strip(), False)
