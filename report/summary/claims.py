"""Read what a text claims: each number with the customers it is told of, the week, and what is counted.

A text is read sentence by sentence and clause by clause. The nearest name in a number's clause says whom it is told of; a clause
without a name continues the one before it ("338 customers are at medium risk, 430 at low"), or takes the name of the predicate
that follows ("1,028 customers, or 71 %, are at medium or high risk"). Numbers that count no customers (days, dates, steps) need
no name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from report.summary import numbers as n
from report.summary.numbers import Number, numbers, tidy

When = Literal["now", "before", "past", "usual"]
"""This week; the week before; the week that ended four weeks ago; what is usual for the shop."""
What = Literal["count", "leaving", "of leavers", "staying", "lost", "returned", "spent", "at stake", "risk", "retention"]

CHURNED, RISKIEST, MISSING = "churned", "riskiest", "missing regulars"
SEGMENT_NAMES = ("High-Value", "Regular", "Occasional", "New")
LEVEL_NAMES = ("High", "Medium", "Low")


@dataclass(frozen=True)
class Group:
    """Customers by name: of these segments and at these risk levels (empty: of any), or of another name; all without any."""

    segments: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    other: str = ""

    def __and__(self, group: "Group") -> "Group | None":
        """The customers of both; None where no report counts them."""
        if self == group or group == ALL:
            return self
        if self == ALL:
            return group
        if self.other or group.other:
            within_high = {self, group} <= {HIGH, Group(other=CHURNED)}
            return Group(other=CHURNED) if within_high else None
        segments, levels = _both(self.segments, group.segments), _both(self.levels, group.levels)
        return None if segments is None or levels is None else Group(segments, levels)

    def complement(self) -> "Group | None":
        """All others; None where no report counts them."""
        if self.segments and not self.levels and not self.other:
            return Group(segments=tuple(name for name in SEGMENT_NAMES if name not in self.segments))
        if self.levels and not self.segments and not self.other:
            return Group(levels=tuple(name for name in LEVEL_NAMES if name not in self.levels))
        return None


ALL = Group()
HIGH = Group(levels=("High",))


@dataclass(frozen=True)
class Claim:
    """A number of a text, and what it is told of."""

    number: Number
    groups: tuple[Group, ...] = (ALL,)
    """Whom it is told of: one group, or each of those that the words may mean. Empty where no report counts them."""
    named: bool = False
    """Whether the text names them, or an earlier clause that this one continues does."""
    base: Group = ALL
    """Of whom they are a part: the 1,021 New customers in "690 of 1,021 New customers"."""
    when: When = "now"
    whats: tuple[What, ...] = ()
    """What may be counted; empty where the words do not say."""
    moved: int = 0
    """1 where the text says that the figure rose from or to this number, -1 where it fell."""
    clause: str = ""
    """The words of its clause, for quotations."""


def claims(text: str, factors: Sequence[str] = ()) -> tuple[Claim, ...]:
    """Every number of an English text as a claim; `factors` are the names of the report's risk factors."""
    found: list[Claim] = []
    state = _State()
    for sentence in sentences(text):
        claimed, state = _sentence(sentence, factors, state)
        found += claimed
    return tuple(found)


def sentences(text: str) -> list[str]:
    """The sentences of a text, tidy."""
    return [sentence for sentence in _SENTENCE_BREAK.split(tidy(text)) if sentence]


_SENTENCE_BREAK = re.compile(r"(?<=[.!?][\"')\]”])\s+|(?<=(?<!Sept)(?<!vs)[.!?])\s+(?=[\"'(“A-Z0-9$€£¥])")


# Names.

_NOUN = r"(?:customers?|shoppers?|buyers?|visitors?|people|accounts?|ones?|members?|segments?|groups?)"
_LAST_WEEK = r"(?:last week|(?:the )?(?:previous|prior|preceding) week|(?:the |a )week (?:before|earlier|ago|prior))"
_LEVEL = r"(?:high|medium|moderate|low)"
_GO = r"(?:leave|churn|go|be lost|be gone|disappear|stay away|(?:drift|slip|walk|fall) away|drop off|not (?:be|come|return)(?: back)?)"
_LIKELY = r"(?:expected|likely|likeliest|set|forecast|predicted|about|liable|projected|bound|due|estimated)"
_WILL = r"(?:will|may|might|could|would|should|can)"

_TOKENS = {
    "riskiest": r"riskiest (?:tenth|10 ?(?:%|percent))|(?:top|highest-risk) tenth|riskiest(?= (?:[0-9,]+|customers?)\b)",
    "missing": r"missing regulars?|regulars? (?:customers? )?(?:who|that) used to (?:come|visit|shop|buy)|regulars? (?:customers? )?(?:(?:who|that) )?(?:have |has |had |are |were |is )?(?:gone |went )?"
    r"(?:missing|absent|did not come|didn't come|not (?:come|been seen|been in|visited)|stayed away)",
    "segment": r"high[- ]value|regulars|occasionals|(?-i:\bRegular|\bOccasional|(?<=[a-z0-9,&(] )New\b)"
    rf"|(?:regular|occasional|new)(?= {_NOUN}\b)",
    "maybe_segment": r"(?:regular|occasional|new)(?=,? (?:and|or|to) |, )",
    "level": rf"{_LEVEL}(?=[- ](?:churn[- ])?risk(?! of (?:(?:just|only|about|around) )?[0-9]))|(?-i:(?<=[a-z0-9,(] )(?:High|Medium|Low)\b)(?! (?:spend|cart))"
    rf"|(?<=\bat )(?:a )?{_LEVEL}(?=[.,;:)!?]|$| (?:and|or|while|but)\b)|(?<=[0-9] ){_LEVEL}(?=[.,;:)!?]|$| and\b)",
    "maybe_level": rf"{_LEVEL}-?(?=,? (?:and|or|to) |, |/|-)",
    "risk_word": r"(?:[- ]churn)?[- ]risk\b(?: of (?:leaving|churn(?:ing)?))?(?: levels?)?",
    "churned": r"(?:estimated|thought|believed|assumed|counted|judged) (?:to have|to be|as having|as)(?: already)? (?:churned|lost|gone|left)"
    r"|churned|(?:above|over|at least|more than) 80 ?(?:%|percent)|(?:almost|nearly) certain to leave|as good as (?:gone|lost)",
    "flagged": rf"flagged(?! (?:as|at|with|for) (?:a |being )?(?:at )?(?:a )?{_LEVEL}\b)",
    "at_stake": r"at stake|expected loss(?:es)?|worth|could cost|on the line|in danger|(?<=spend )at risk|(?<=money )at risk|(?<=revenue )at risk|(?<=sales )at risk",
    "at_risk": r"(?<!most )at risk\b(?! of)",
    "lost": r"(?:has|have|had|did|do|does)(?: (?:since|still|really|actually|in fact|indeed))* not(?: (?:since|yet|been|come|returned?|visited|seen|shopped|back))+"
    r"|(?:haven't|hasn't|didn't|hadn't)(?: (?:since|yet|been|come|returned?|visited|seen|shopped|back))+|never (?:came|come) back"
    r"|stayed away|(?:really|actually|in fact) (?:left|churned|went|stayed away|did|were lost)|did(?=[.,;!?]|$)",
    "gone": r"(?:has|have|had|are|is) (?:since |now |indeed )?(?:left|gone)|left\b|lost",
    "returned": r"(?:came|come|been|were|was) back|(?:have |has )?returned|stayed(?! away)",
    "leaving": rf"{_LIKELY}(?: \w+)? (?:to {_GO}|not to (?:return|come back|be back))|{_WILL}(?: (?:probably|likely|well|soon|still|therefore|all|then|also))* {_GO}"
    r"|won't (?:be back|come back|return|be seen)|(?:probably|likely|not expected to) (?:not )?(?:be back|come back|return|leave)"
    r"|unlikely to (?:return|come back|be back)|(?:expect(?:ed)?|stand|risk|likely|set|about) (?:to )?los(?:e|ing)|"
    rf"{_WILL} (?:probably |likely )?lose|los(?:e|ing)(?= (?:\w+ ){{0,2}}[\d])|loss of|leavers?|leaving customers|customers leaving|expected (?:departures?|losses)|to {_GO}|expect(?:ed|s|ing)?(?= (?:\w+ ){{0,2}}[$€£¥\d])"
    r"|on (?:their|its) way out"
    r"|risk of (?:leaving|churning)(?= in)",
    "staying": rf"{_LIKELY} to (?:stay|return|come back|be back|remain)(?! away)|{_WILL} (?:probably |likely )*(?:stay|return|come back|be back|remain)(?! away)",
    "retention": r"retention(?: rate)?|retained|kept|keeping",
    "risk": r"(?:average |mean )?(?:churn |leaving )?(?:risk|probabilit(?:y|ies)|likelihood|chance)s?\b(?: of (?:leaving|churn(?:ing)?))?"
    r"|(?:riskiest|riskier|risky|safest|safer|most at risk)|churn rate|churn\b",
    "spent": r"spen[td](?:ing|s)?|revenue|sales|turnover|takings",
    "baseline": rf"(?:than|from|on|over|since|against|versus|vs\.?|compared (?:with|to)|relative to|up on|down on) (?:it was |they were |in )?{_LAST_WEEK}"
    r"(?!'s [\d$€£¥])(?:'s (?:figure|level|count))?|than (?:is )?(?:usual|normal)(?: here)?",
    "before": rf"{_LAST_WEEK}(?:'s)?",
    "past": r"(?:four|4) weeks (?:ago|earlier|before)|28 days (?:ago|earlier)|a month (?:ago|earlier)|back then|we (?:said|expected|predicted|forecast|told you)",
    "usual": r"usual(?:ly)?|normal(?:ly)?|typical(?:ly)?",
    "now": r"this week(?:'s)?|now\b|today",
    "in_all": r"in total|in all|altogether",
    "overall": r"overall|(?<=% )on average|among all customers",
    "all": r"active|(?:your |the )?(?:customer |whole )?base|all(?: of)? (?:your|the)? ?customers"
    rf"|(?:you|your shop|your store|the shop|the store) (?:had|saw|served|counted|welcomed|have)|(?:shopped|visited|came)\b|total (?:{_NOUN})|total(?= (?:spend|sales))",
    "of_them": r"(?:of|among) (?:them|those|these|whom|which)",
    "pronoun": r"that (?:is|was|makes)|they|them|these|those|their|its|it|this group|such",
    "others": r"(?:the )?(?:others?|remaining|rest)\b",
    "not": r"not\b|aren't|isn't",
    "split": r"[;:()]| - |,| and | or | while | whereas | but | although | though | yet | with | including | includ(?:e|es) "
    rf"| (?:against|versus|(?:(?<=\d more )|(?<=\d less )|(?<=\d fewer )|(?<!more )(?<!less )(?<!fewer ))than|compared (?:with|to)) (?!(?:is |it was |they were |in )?(?:usual|normal|{_LAST_WEEK}(?!'s [\d$€£¥])))"
    r"| from (?=[$€£¥]?\d)| to (?=[$€£¥]?\d)| become | became | who | which | means | meaning | because | so (?=that )",
}
"""What a text may call things, by kind; where two begin at the same place, the first kind wins."""

_WHAT_KINDS: Mapping[str, What] = {
    "leaving": "leaving",
    "staying": "staying",
    "lost": "lost",
    "gone": "lost",
    "returned": "returned",
    "retention": "retention",
    "risk": "risk",
    "spent": "spent",
    "at_stake": "at stake",
}
_WHEN_KINDS: Mapping[str, When] = {"before": "before", "past": "past", "now": "now", "usual": "usual"}
_COORDINATION = re.compile(r"(?:,|-?,? and|-?,? or| to|/|,? &)(?: at| the)? ?|- (?:and|or) ", re.IGNORECASE)
_PREDICATE = re.compile(
    r"\W*(?:(?:is|are|was|were|has|have|had|will|may|might|could|would|did|do|spent|spend|need|look|remain|stay|make|account|came|"
    r"come|at|of|in|belong|fall|carry|face|that|who)\b)",
    re.IGNORECASE,
)
_PLAIN_UNITS = {n.DAYS, n.WEEKS, n.SEGMENTS, n.FACTORS, n.ACTIONS, n.CALENDAR_DAY, n.YEAR, n.OTHER, n.UNREADABLE}
_FITTING: Mapping[str, tuple[What, ...]] = {
    n.CUSTOMERS: ("count", "leaving", "staying", "lost", "returned"),
    n.MONEY: ("spent", "at stake", "leaving"),
    n.PERCENT: ("count", "leaving", "staying", "lost", "returned", "spent", "at stake", "risk", "retention"),
    n.POINTS: ("leaving", "lost", "risk", "retention"),
    n.DECIMAL: ("leaving", "risk"),
    n.TIMES: ("leaving", "risk"),
}
_BASE = re.compile(
    r"(?:\b(?:(?:out )?of|among)(?: (?:all|your|the|our|its|these|those|them|this week's|last week's|whole))+|\bout of"
    r"|^\W*(?:of|among)|(?:[\d%]|half|third|quarter|customers?) of)(?: riskiest)? ?[$€£¥]?$",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"\b(from|to|become|became|after|against|(?<!more )(?<!less )(?<!fewer )than|versus|compared with|compared to)(?: last week's| just| only| about| some)? ?[$€£¥]?$",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"(?<!who )(?<!that )\b(?:is|are|was|were|has|have|had|will|may|might|did|could|need|spent|came|left)\b", re.IGNORECASE
)
_OF_LEAVERS = re.compile(
    rf" ?(?:%|percent) of (?:all |those |the |your )+(?:{_NOUN} )?(?:who (?:are|will) )?(?:{_TOKENS['leaving']})", re.IGNORECASE
)
_AT = re.compile(r"\bat (?:an? (?:average )?)?(?:(?:just|only|about|around) )*$", re.IGNORECASE)
_RANGE = re.compile(r" ?(?:-|to|and) ?[$€£¥]?", re.IGNORECASE)
_OF = re.compile(r"\bof (?:the |your |all |our )*$", re.IGNORECASE)
_TO = re.compile(r"[^.;,]{0,40}? to [$€£¥]?[0-9]")
_IS = re.compile(
    r"\b(?:is|are|was|were)(?: (?:now|currently|also|all|still))* (?:at|flagged|in|a|an|from)?\b(?!.*\b(?:most|largely|often)\b)",
    re.IGNORECASE,
)
_AT_LEVEL = re.compile(rf" ?(?:{_NOUN} )?(?:(?:who|that) are )?(?:currently |now )?at (?:a )?", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|aren't|isn't)(?: (?:at|flagged|in|as|being|currently|yet))*(?: (?:a|the))? ?$", re.IGNORECASE)


class _Token(NamedTuple):
    kind: str
    start: int
    end: int
    group: Group | None = None


@dataclass(frozen=True)
class _Clause:
    """A part of a sentence without a separator inside."""

    start: int
    words: str
    separator: str
    """What stands before it."""
    tokens: tuple[_Token, ...]
    numbers: tuple[Number, ...]

    @property
    def names(self) -> tuple[_Token, ...]:
        return tuple(token for token in self.tokens if token.group is not None)

    @property
    def whats(self) -> tuple[What, ...]:
        return tuple(dict.fromkeys(_WHAT_KINDS[token.kind] for token in self.tokens if token.kind in _WHAT_KINDS))

    def whats_of(self, number: Number) -> tuple[What, ...]:
        """What the number may count: the words that no other number stands between; for a base, those up to the verb."""
        others = [
            other
            for other in self.numbers
            if other is not number
            and not _is_base(self, other)
            and not self._is_range(*sorted((number, other), key=lambda one: one.start))
        ]
        tokens = [
            token
            for token in self.tokens
            if token.kind in _WHAT_KINDS
            and not any(min(token.start, number.start) < other.start < max(token.start, number.start) for other in others)
        ]
        if _is_base(self, number):
            tokens = [
                token
                for token in tokens
                if token.start > number.end
                and token.kind not in ("lost", "returned")
                and not _has_verb(self, number.end, token.start)
                and not self.between(token.start, token.end).lower().startswith("to ")
            ]
        return tuple(dict.fromkeys(_WHAT_KINDS[token.kind] for token in tokens))

    def _is_range(self, first: Number, last: Number) -> bool:
        return _RANGE.fullmatch(self.between(first.end, last.start)) is not None

    def speaks_of_all(self) -> bool:
        """Whether the clause is about all customers, not about a share "of all customers"."""
        return any(token.kind == "all" and not _OF.search(self.between(self.start, token.start)) for token in self.tokens)

    def has(self, *kinds: str) -> bool:
        return any(token.kind in kinds for token in self.tokens)

    def before(self, number: Number) -> str:
        """The words of the clause before the number."""
        return self.words[: number.start - self.start]

    def between(self, start: int, end: int) -> str:
        return self.words[max(start - self.start, 0) : max(end - self.start, 0)]


class _State(NamedTuple):
    """What a clause may continue: what the sentence has said so far, and the one before."""

    groups: tuple[Group, ...] = ()
    """Whom the sentence last spoke of; empty at its beginning."""
    base: Group | None = None
    """Of whom it speaks, where it begins with "Of the 690 customers at high risk, ..."."""
    when: When = "now"
    whats: tuple[What, ...] = ()
    antecedents: tuple[Group, ...] = ()
    """Whom "they" in this sentence may mean: those that the sentence before ended or began with."""
    when_before: When = "now"
    whats_before: tuple[What, ...] = ()


def _both(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...] | None:
    if not some or not others:
        return some or others
    return tuple(name for name in some if name in others) or None


def _pattern(factors: Sequence[str]) -> re.Pattern[str]:
    named = {"factor": "|".join(re.escape(factor) for factor in sorted(factors, key=len, reverse=True))} if factors else {}
    kinds = {**named, **_TOKENS}
    return re.compile(
        "|".join(
            f"(?P<{kind}>{words})" if kind in ("split", "risk_word") else rf"(?P<{kind}>\b(?:{words})(?!\w))"
            for kind, words in kinds.items()
        ),
        re.IGNORECASE,
    )


def _tokens(sentence: str, factors: Sequence[str]) -> list[_Token]:
    found = []
    for match in _pattern(factors).finditer(sentence):
        kind = match.lastgroup or ""
        found.append(_Token(kind, match.start(), match.end(), _group(kind, match.group())))
    return _merged(found, sentence)


def _group(kind: str, words: str) -> Group | None:
    words = words.lower()
    match kind:
        case "riskiest":
            return Group(other=RISKIEST)
        case "missing":
            return Group(other=MISSING)
        case "churned":
            return Group(other=CHURNED)
        case "flagged":
            return HIGH
        case "factor":
            return Group(other=words)
        case "segment" | "maybe_segment":
            return Group(segments=tuple(name for name in SEGMENT_NAMES if words[:3] == name[:3].lower()))
        case "level" | "maybe_level":
            word = words.split()[-1].rstrip("-").replace("moderate", "medium")
            return Group(levels=(word.capitalize(),))
    return None


def _merged(tokens: list[_Token], sentence: str) -> list[_Token]:
    """The tokens with "medium or high risk" as one name; a word that is only perhaps a name stays where it stands with one."""
    merged: list[_Token] = []
    for token in reversed(tokens):
        following = next((other for other in merged if other.kind != "split"), None)
        is_maybe = token.kind.startswith("maybe_")
        family = token.kind.removeprefix("maybe_")
        if token.group and following and following.group and family == following.kind and family in ("segment", "level"):
            between = sentence[token.end : following.start]
            if _COORDINATION.fullmatch(re.sub(r"(?i)[- ](?:churn[- ])?risk| customers| ones", "", between)):
                group = Group(
                    tuple(dict.fromkeys(token.group.segments + following.group.segments)),
                    tuple(dict.fromkeys(token.group.levels + following.group.levels)),
                )
                merged = merged[merged.index(following) + 1 :]
                merged.insert(0, _Token(family, token.start, following.end, group))
                continue
        if not is_maybe:
            merged.insert(0, token)
    return [token for token in merged if token.kind != "risk_word"]


def _clauses(sentence: str, factors: Sequence[str]) -> list[_Clause]:
    tokens = _tokens(sentence, factors)
    names = [token for token in tokens if token.group is not None]
    found = [
        number
        for number in numbers(sentence)
        if not any(token.start <= number.start and number.end <= token.end for token in names)
    ]
    splits = [
        token
        for token in tokens
        if token.kind == "split"
        and not any(number.start < token.end and token.start < number.end for number in found)
        and not _is_range(sentence, token, found)
    ]
    bounds = [0, *(position for token in splits for position in (token.start, token.end)), len(sentence)]
    separators = ["", *(sentence[token.start : token.end].strip().lower() for token in splits)]
    return [
        _Clause(
            start,
            sentence[start:end],
            separator,
            tuple(token for token in tokens if start <= token.start < end and token.kind != "split"),
            tuple(number for number in found if start <= number.start < end),
        )
        for start, end, separator in zip(bounds[::2], bounds[1::2], separators, strict=True)
    ]


def _is_range(sentence: str, token: _Token, found: Sequence[Number]) -> bool:
    """Whether the token is the "to" or "and" of "560 to 700" or "between 560 and 700", not of "from 560 to 700"."""
    first = next((number for number in found if number.end == token.start), None)
    if first is None or not any(number.start - token.end in (0, 1) for number in found):
        return False
    leading = sentence[: first.start].lower().rstrip(" $€£¥")
    return {"to": not leading.endswith("from"), "and": leading.endswith("between")}.get(
        sentence[token.start : token.end].strip(), False
    )


# From clauses to claims.


def _sentence(sentence: str, factors: Sequence[str], state: _State) -> tuple[list[Claim], _State]:
    """The claims of a sentence, and what the next one may refer to."""
    clauses = _clauses(sentence, factors)
    listed = _respectively(sentence, clauses)
    found: list[Claim] = []
    spoken_of: list[Group] = []
    for index, clause in enumerate(clauses):
        told = _told(clauses, index)
        claimed = [_claim(number, clause, told, sentence, state) for number in clause.numbers if number.unit not in _PLAIN_UNITS]
        claimed = [replace(claim, groups=(listed[claim.number],)) if claim.number in listed else claim for claim in claimed]
        found += claimed
        found += [Claim(number, clause=clause.words) for number in clause.numbers if number.unit in _PLAIN_UNITS]
        state = _after(clause, claimed, state)
        spoken_of += [group for claim in claimed for group in claim.groups[:1]] or [
            token.group for token in clause.names if token.group
        ]
    antecedents = tuple(dict.fromkeys((spoken_of[-1], spoken_of[0]))) if spoken_of else state.antecedents
    return found, _State(antecedents=antecedents, when_before=state.when, whats_before=state.whats or state.whats_before)


def _after(clause: _Clause, claimed: list[Claim], state: _State) -> _State:
    """What the next clause may continue."""
    names, whats = clause.names, clause.whats
    if claimed:
        last = claimed[-1]
        groups, whats = last.groups or state.groups, last.whats or whats or state.whats
        lasting = last.when if last.when in ("past", "usual") or _opens_with_period(clause) else state.when
        base = state.base
        if len(clause.numbers) == 1 and _is_base(clause, last.number) and groups:
            base = groups[0]
        return state._replace(groups=groups, whats=whats, when=lasting, base=base)
    periods = [token for token in clause.tokens if token.kind in _WHEN_KINDS]
    when = _WHEN_KINDS[periods[0].kind] if periods else state.when
    if not names:
        return state._replace(when=when, whats=whats or state.whats)
    group = names[-1].group or ALL
    base = group if re.match(r"\W*(?:of|among|out of|within|in)\b", clause.words, re.IGNORECASE) else state.base
    return state._replace(groups=(group,), base=base, when=when, whats=whats or state.whats)


def _opens_with_period(clause: _Clause) -> bool:
    """Whether the clause names its week before its number, as "Last week you had 1,538 customers" does."""
    first = clause.numbers[0].start
    return any(token.kind in _WHEN_KINDS and token.start < first for token in clause.tokens)


def _told(clauses: list[_Clause], index: int) -> _Clause | None:
    """The clause that says whom a clause without a name is about.

    That is the predicate "are at high risk" after "690 customers, or 47 %,", and the subject after "At 68.8%,".
    """
    clause = clauses[index]
    opening = not any(other.words.strip() for other in clauses[:index]) and (
        clause.separator.startswith(("compared", "against")) or re.match(r"(?:at|with|on)\b", clause.words, re.IGNORECASE)
    )
    for clause in clauses[index + 1 :]:
        if not clause.words.strip(" ,.") or (
            clause.separator != "to" and clause.numbers and not clause.names and not clause.whats
        ):
            continue
        if clause.separator == "to" and clause.names and clauses[index].separator == "from":
            return clause
        follows = clause.separator in (",", ")", "-", "who", "which", "that") and (clause.names or clause.whats)
        if follows and (opening or (not clause.numbers and _PREDICATE.match(clause.words))):
            return clause
        return None
    return None


def _respectively(sentence: str, clauses: list[_Clause]) -> dict[Number, Group]:
    """Each number's name in "690, 338 and 430 customers are at high, medium and low risk, respectively"."""
    if "respectively" not in sentence.lower():
        return {}
    counted = [number for clause in clauses for number in clause.numbers if number.unit not in _PLAIN_UNITS]
    for group in (token.group for clause in clauses for token in clause.names):
        if group and len(group.segments + group.levels) == len(counted) > 1:
            each = [Group(segments=(name,)) for name in group.segments] or [Group(levels=(name,)) for name in group.levels]
            return dict(zip(counted, each, strict=True))
    return {}


def _claim(number: Number, clause: _Clause, told: _Clause | None, sentence: str, state: _State) -> Claim:
    """What a number says in its clause."""
    names, base = _names(number, clause, state)
    groups, named = _groups(number, clause, names, told, state)
    if _is_negated(clause, names, number):
        groups = _others(groups)
    if base != ALL and not _is_base(clause, number):
        groups = tuple(group for group in (group & base for group in groups) if group is not None)
    moved = _moved(sentence, number)
    cue = _cue(clause, number, sentence)
    told = told if told and not names else None
    return Claim(
        number,
        groups,
        named,
        base,
        _when(number, clause, told, cue, moved, state),
        _whats(number, clause, names, told, state),
        moved if cue in ("from", "to") and not number.sign else 0,
        clause.words,
    )


def _names(number: Number, clause: _Clause, state: _State) -> tuple[tuple[_Token, ...], Group]:
    """The names in the clause that may be the number's, and the customers of whom it counts a part."""
    names = clause.names
    if any(token.kind == "level" for token in names):
        names = tuple(token for token in names if token.kind != "flagged")
    if _is_base(clause, number):
        after = [token for token in names if token.start >= number.end and not _has_verb(clause, number.end, token.start)]
        alone = [
            token for token in names if token.end <= number.start and (len(clause.numbers) == 1 or token.end + 1 == number.start)
        ]
        return tuple(after or alone), ALL
    based_at = next((other for other in clause.numbers if other is not number and _is_base(clause, other)), None)
    if based_at is not None:
        of_base = [
            token
            for token in names
            if token.end + 1 == based_at.start
            or (token.start > based_at.start and not _has_verb(clause, based_at.end, token.start))
        ]
        base = of_base[0].group if of_base else None
        if base is None and re.search(r"\b(?:these|those|them)\s*$", clause.before(based_at), re.IGNORECASE):
            base = next(iter(state.groups or state.antecedents), None)
        return tuple(token for token in names if token not in of_base), base or ALL
    for token in names:
        if token.start > number.end and re.search(r"\bof (?:your |the |all |our )*$", clause.between(number.end, token.start)):
            others = tuple(other for other in names if other is not token)
            return (others, token.group or ALL) if others else (names, ALL)
    if state.base is not None:
        return names, state.base
    if clause.has("of_them"):
        return names, next(iter(state.groups or state.antecedents), ALL)
    return names, ALL


def _groups(
    number: Number, clause: _Clause, names: tuple[_Token, ...], told: _Clause | None, state: _State
) -> tuple[tuple[Group, ...], bool]:
    """Whom a number is told of, and whether the text says so."""
    before = clause.before(number)
    refers = clause.has("of_them", "pronoun")
    aside = clause.separator == "(" and state.groups not in ((), (ALL,))
    if names:
        group = _nearest(names, number).group or ALL
        both = [group & other for other in _predicated(number, clause, names)]
        if number.words.lower() == "none" and state.groups and group.levels:
            both = [group & Group(segments=state.groups[0].segments)]
        return tuple(each for each in both or [group] if each is not None), True
    if told and told.names and not aside:
        return (told.names[0].group or ALL,), True
    if clause.has("others") and state.groups:
        return _others(state.groups), True
    if clause.has("overall") and not names and clause.separator.startswith(("compared", "against", "versus", "than")):
        return (ALL,), True
    if not refers and (
        clause.speaks_of_all() or clause.has("overall") and not state.groups or (clause.has("in_all") and not state.groups)
    ):
        return (ALL,), True
    if clause.has("at_risk") and number.unit != n.MONEY:
        return (HIGH, Group(levels=("High", "Medium"))), True
    if _is_base(clause, number) and not refers:
        return (state.base or ALL,), True
    if clause.has("retention"):
        return (ALL,), True
    if state.groups:
        average = (ALL,) if re.search(r"\bthe average\b", before, re.IGNORECASE) else ()
        return tuple(dict.fromkeys((*state.groups, *average))), True
    if refers:
        return state.antecedents, True
    return (ALL,), False


def _predicated(number: Number, clause: _Clause, names: tuple[_Token, ...]) -> list[Group]:
    """What the verb says of the named customers: at medium risk, in "1 High-Value customer is at medium risk"."""
    nearest = _nearest(names, number)
    if nearest.start < number.end or number.unit != n.CUSTOMERS:
        return []
    for token in names:
        if token.start > nearest.end and token.group and nearest.group:
            between = clause.between(nearest.end, token.start)
            same_family = bool(token.group.segments) == bool(nearest.group.segments)
            counted = any(nearest.end < other.start < token.start for other in clause.numbers)
            if not same_family and not counted and (_IS.search(between) or _AT_LEVEL.fullmatch(between)):
                return [token.group]
    return []


def _when(number: Number, clause: _Clause, told: _Clause | None, cue: str, moved: int, state: _State) -> When:
    """The week that a number is told of."""
    for named in (clause, told if told and told.separator != "to" else None):
        periods = [token for token in named.tokens if token.kind in _WHEN_KINDS] if named else []
        if periods:
            return _WHEN_KINDS[_nearest(periods, number).kind]
    if clause.has("lost", "returned") or (told and told.has("lost", "returned")):
        return "past"
    if clause.has("overall"):
        return state.when
    if cue == "from" or (cue in ("against", "than", "versus", "compared with", "compared to", "after") and state.groups):
        return "before" if state.when == "now" else state.when
    if cue in ("become", "became") or (cue == "to" and moved):
        return "now"
    if clause.has("of_them", "pronoun") and not state.groups:
        return state.when_before
    return state.when


def _whats(number: Number, clause: _Clause, names: tuple[_Token, ...], told: _Clause | None, state: _State) -> tuple[What, ...]:
    """What a number may count; empty where the words do not say."""
    fitting = _FITTING[number.unit]
    said = clause.whats_of(number) or (told.whats if told else ())
    chosen = tuple(what for what in said if what in fitting)
    if number.unit == n.MONEY and "at stake" in chosen:
        chosen = ("at stake",)
    if number.unit == n.PERCENT and chosen == ("leaving",) and _OF_LEAVERS.match(clause.words[number.end - clause.start :]):
        chosen = ("of leavers",)
    refers = clause.has("of_them", "pronoun")
    earlier = state.whats or (state.whats_before if refers else ())
    if _is_base(clause, number):
        return chosen
    if (
        number.unit == n.MONEY
        and not names
        and not clause.speaks_of_all()
        and not clause.has("at_stake")
        and "leaving" in earlier
    ):
        return ("leaving",)
    if number.unit == n.PERCENT and "retention" not in chosen and _AT.search(clause.before(number)):
        return (*chosen, "risk")
    if chosen:
        return chosen
    carried = tuple(what for what in earlier if what in fitting)
    if not carried:
        return ()
    alone = bool(state.groups or state.whats or refers) and not names and not clause.speaks_of_all()
    elliptic = number.unit == n.PERCENT and not _VERB.search(clause.words)
    return carried if alone or elliptic or clause.has("of_them") else (*carried, "count")


def _is_base(clause: _Clause, number: Number) -> bool:
    """Whether the number is a whole of which another number is a part: the 1,458 in "690 of your 1,458 customers"."""
    return number.unit in (n.CUSTOMERS, n.MONEY) and _BASE.search(clause.before(number)) is not None


def _has_verb(clause: _Clause, start: int, end: int) -> bool:
    return _VERB.search(clause.between(start, end)) is not None


def _nearest(tokens: Iterable[_Token], number: Number) -> _Token:
    """The token that stands nearest to the number."""
    return min(tokens, key=lambda token: token.start - number.end if token.start >= number.end else number.start - token.end)


def _others(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    return tuple(other for other in (group.complement() for group in groups) if other is not None)


def _is_negated(clause: _Clause, names: tuple[_Token, ...], number: Number) -> bool:
    if names:
        return _NEGATION.search(clause.between(clause.start, _nearest(names, number).start)) is not None
    return re.search(r"\b(?:do|are|is|does) not[.,;!]?$", clause.words.strip(), re.IGNORECASE) is not None


def _cue(clause: _Clause, number: Number, sentence: str) -> str:
    """The word before a number that tells which week it belongs to: "from", "to", "against", ..."""
    said = _CUE.search(clause.before(number))
    cue = said[1].lower() if said else clause.separator if not clause.before(number).strip(" $€£¥") else ""
    after = sentence[number.end : number.end + n.CONTEXT]
    return "" if cue == "from" and not _moved(sentence, number) and not _TO.match(after) else cue


def _moved(sentence: str, number: Number) -> int:
    """The direction of the last verb before "from 478" or "to 690"."""
    said = re.findall(r"[a-z]+", sentence[max(number.start - n.CONTEXT, 0) : number.start].lower())
    return next((n.DIRECTIONS[word] for word in reversed(said) if word in n.DIRECTIONS), 0)
