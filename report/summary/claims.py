"""Read the claims of a text: each number with its customers, its week and its measure.

A text is read sentence by sentence and clause by clause. The nearest name in its clause says which customers a number is about. A
clause without a name continues the one before it ("338 customers are at medium risk, 430 at low"), or takes the name of the
predicate that follows ("1,028 customers, or 71 %, are at medium or high risk"). Numbers that count no customers (days, dates,
steps) need no name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from report.summary import numbers as n
from report.summary.directions import directions
from report.summary.frames import ahead, is_ahead, opens, unsupported
from report.summary.names import (
    ALL,
    HIGH,
    HIGH_OR_MEDIUM,
    WHEN_KINDS,
    Clause,
    Group,
    Token,
    What,
    When,
    clauses,
    is_of_leavers,
    nearest,
)
from report.summary.numbers import Number, tidy


@dataclass(frozen=True)
class Claim:
    """A number in a text, and what it is about."""

    number: Number
    groups: tuple[Group, ...] = (ALL,)
    """The customers that it counts: each group that the words may mean. Empty for a group that no report counts."""
    named: bool = False
    """Whether the text names these customers, here or in the clause that this one continues."""
    base: Group = ALL
    """The whole of which they are a part: the 1,021 New customers in "690 of 1,021 New customers"."""
    when: When = "now"
    whats: tuple[What, ...] = ()
    """The measures that the words may mean; empty if they do not say."""
    moved: int = 0
    """1 if the text says that the figure rose from or to this number, -1 if it fell."""
    clause: str = ""
    sentence: str = ""
    """The words around the number, for quotations."""


def claims(text: str, factors: tuple[str, ...] = ()) -> tuple[Claim, ...]:
    """Read every number of an English text as a claim; `factors` are the names of the report's risk factors."""
    found: list[Claim] = []
    state = _State()
    for sentence in sentences(text):
        claimed, state = _sentence(sentence, factors, state)
        found += claimed
    return tuple(found)


def rankings(text: str) -> Iterator[tuple[str, Group, What, int]]:
    """Read which segments a text calls the first (1) or the last (-1) by a measure: "New customers are the safest"."""
    for clause in (clause for sentence in sentences(text) for clause in clauses(sentence, ())):
        segments = [token for token in clause.names if token.group and len(token.group.segments) == 1 and not token.group.levels]
        is_now = not clause.has("before", "past", "usual", "not")
        for what, order, words in RANKINGS:
            if is_now and len(segments) == 1 and segments[0].group and re.search(words, clause.words, re.IGNORECASE):
                yield clause.words, segments[0].group, what, order


RANKINGS: tuple[tuple[What, int, str], ...] = (
    (
        "risk",
        1,
        r"(?:highest|greatest) (?:average |mean |churn )*(?:risk|probability)|(?:most likely|likeliest) to (?:leave|churn)",
    ),
    ("risk", 1, r"\bmost at risk\b|riskiest (?:segment|group)"),
    ("risk", -1, r"lowest (?:average |mean |churn )*(?:risk|probability)|least likely to (?:leave|churn)|least at risk"),
    ("risk", -1, r"\bsafest\b|most loyal"),
    ("count", 1, r"(?:largest|biggest) (?:segment|group)"),
    ("count", -1, r"smallest (?:segment|group)"),
    ("count", 1, r"\b(?:has|have|had|with) the most (?:customers|people)"),
    ("count", -1, r"\b(?:has|have|had|with) the fewest (?:customers|people)"),
    ("spent", 1, r"spen[dt] the most|(?:biggest|top) spenders|(?:highest|largest) (?:spend|sales)\b(?! per)"),
    ("spent", -1, r"spen[dt] the least|smallest spenders|(?:lowest|smallest) (?:spend|sales)\b(?! per)"),
    ("at stake", 1, r"\bmost (?:spend |money )?at stake"),
    ("at stake", -1, r"\bleast (?:spend |money )?at stake"),
)
"""Words that make a segment the first or the last of all."""


def sentences(text: str) -> list[str]:
    """Cut a text into tidy sentences."""
    return [sentence for sentence in _SENTENCE_BREAK.split(tidy(text)) if sentence]


_SENTENCE_BREAK = re.compile(r"(?<=[.!?][\"')\]”])\s+|(?<=(?<!Sept)(?<!vs)[.!?])\s+(?=[\"'(“A-Z0-9$€£¥])")

MAX_NUMBERS = 30
"""A sentence with more numbers is refused: the time to read it grows with the cube of their count."""

PLAIN_UNITS = {
    n.DAYS,
    n.WEEKS,
    n.DAYS_AHEAD,
    n.WEEKS_AHEAD,
    n.SEGMENTS,
    n.FACTORS,
    n.ACTIONS,
    n.CALENDAR_DAY,
    n.YEAR,
    n.OTHER,
    n.UNREADABLE,
}
_FITTING: Mapping[str, tuple[What, ...]] = {
    n.CUSTOMERS: ("count", "leaving", "staying", "lost", "returned"),
    n.WHOLE: ("count", "leaving", "staying", "lost", "returned"),
    n.MONEY: ("spent", "at stake", "leaving", "lost"),
    n.PERCENT: ("count", "leaving", "staying", "lost", "returned", "spent", "at stake", "risk", "retention"),
    n.POINTS: ("leaving", "lost", "risk", "retention"),
    n.DECIMAL: ("leaving", "risk"),
    n.TIMES: ("leaving", "risk"),
    n.TREND: ("count", "leaving", "staying", "lost", "returned", "spent", "at stake", "risk", "retention"),
    n.COURSE: ("count", "leaving", "staying", "lost", "returned", "spent", "at stake", "risk", "retention"),
}
_CUE = re.compile(
    r"\b(from|to|become|became|after|against|(?<!more )(?<!less )(?<!fewer )than|versus|compared with|compared to)"
    r"(?: last week's| just| only| about| some)? ?[$€£¥]?$",
    re.IGNORECASE,
)
_COMPARED = ("against", "than", "versus", "compared with", "compared to", "after")
_ANY_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|may|might|would|could|did|came|visited|shopped|bought|spent)\b", re.IGNORECASE
)
_OF_SPEND = re.compile(
    r" ?(?:%|percent)? of (?:(?:the|your|all|total|weekly|this week's|the week's) )*(?:spend|spending|sales|revenue)\b",
    re.IGNORECASE,
)
_NOUN = re.compile(r" (?:[\w-]+ ){0,2}?(?:customers|shoppers|people|buyers|visitors)\b", re.IGNORECASE)
_OPENING = re.compile(r"(?:at|with|on|against|compared (?:with|to))\b", re.IGNORECASE)
_THESE = re.compile(r"\b(?:these|those|them)\s*$", re.IGNORECASE)
_THE_AVERAGE = re.compile(r"\bthe average\b", re.IGNORECASE)
_PREDICATE = re.compile(
    r"\W*(?:(?:now|currently|also|already|still|each) )?(?:is|are|was|were|has|have|had|will|may|might|could|would|did|do|spent"
    r"|spend|need|look|remain|stay|make|account|came|come|comes|at|of|in|belong|fall|carry|face|sits?|lies?|stand|that|who)\b",
    re.IGNORECASE,
)
_AT = re.compile(r"\bat (?:an? (?:average )?)?(?:(?:just|only|about|around) )*$", re.IGNORECASE)
_TO = re.compile(r"[^.;,]{0,40}? to [$€£¥]?[0-9]")
_NEGATION = re.compile(r"\b(?:not|aren't|isn't)(?: (?:at|flagged|in|as|being|currently|yet))*(?: (?:a|the))? ?$", re.IGNORECASE)


class _State(NamedTuple):
    """What a clause may continue: the sentence so far, and the sentence before."""

    groups: tuple[Group, ...] = ()
    """The group that the sentence named last; empty at its beginning."""
    base: Group | None = None
    """The whole, in a sentence that begins with "Of the 690 customers at high risk, ..."."""
    when: When = "now"
    whats: tuple[What, ...] = ()
    compared: When | None = None
    """The week at the end of the clause before, as in "more than last week (640)"."""
    antecedents: tuple[Group, ...] = ()
    """The groups that "they" may mean: those at the end or the beginning of the sentence before."""
    when_before: When = "now"
    whats_before: tuple[What, ...] = ()


def _sentence(sentence: str, factors: tuple[str, ...], state: _State) -> tuple[list[Claim], _State]:
    """Return the claims of a sentence, and what the next sentence may refer to."""
    counted = n.numbers(sentence)
    if len(counted) > MAX_NUMBERS:
        return [Claim(replace(counted[0], unit=n.UNREADABLE), sentence=sentence)], _State()
    parts = clauses(sentence, factors)
    listed = _respectively(sentence, parts)
    if any(part.has("lost", "returned") for part in parts) and not any(part.has("now", "before") for part in parts):
        state = state._replace(when="past")  # it is known only for past weeks who came back
    found: list[Claim] = []
    spoken_of: list[Group] = []
    for index, clause in enumerate(parts):
        claimed = [
            _claim(_Place(number, clause, _told(parts, index, number), state, sentence))
            for number in clause.numbers
            if number.unit not in PLAIN_UNITS
        ]
        claimed = [replace(claim, groups=(listed[claim.number],)) if claim.number in listed else claim for claim in claimed]
        found += claimed
        found += _directed(parts, index, claimed, state, sentence)
        found += [Claim(number, clause=clause.words) for number in _framed(parts, index) if number.unit in PLAIN_UNITS]
        state = _after(clause, claimed, state)
        spoken_of += [group for claim in claimed for group in claim.groups[:1]] or [
            token.group for token in clause.names if token.group
        ]
    antecedents = tuple(dict.fromkeys((spoken_of[-1], spoken_of[0]))) if spoken_of else state.antecedents
    found = [replace(claim, sentence=sentence) for claim in found]
    return found, _State(antecedents=antecedents, when_before=state.when, whats_before=state.whats or state.whats_before)


def _directed(parts: list[Clause], index: int, claimed: list[Claim], state: _State, sentence: str) -> Iterator[Claim]:
    """Read the directions of the figures in a clause, except those of changes that it also gives as numbers."""
    clause, following = parts[index], next(iter(parts[index + 1 :]), None)
    told = {claim.number.sign or claim.moved for claim in claimed}
    for found in directions(clause.words, is_comparing=state.compared is not None or clause.compares(following)):
        number = _moved_by(found, clause.start)
        is_name = any(token.kind == "factor" and token.start <= number.start < token.end for token in clause.tokens)
        if number.value not in told and not is_name:
            place = _Place(number, clause, _told(parts, index, number), state, sentence)
            claim = _claim(place)
            if clause.whats and not claim.whats:
                claim = replace(claim, whats=clause.whats)
            elif not clause.whats and not (place.told and place.told.whats) and _NOUN.search(clause.words):
                claim = replace(claim, whats=("count",))  # the customers themselves, not what the clause before spoke of
            if place.refers and not claim.groups and not state.antecedents:
                claim = replace(claim, groups=(ALL,))  # "they", where no group was named
            is_usual = claim.when == "usual" or state.compared == "usual" or clause.compares_with_usual(following)
            when: When = "past" if claim.when == "past" else "usual" if is_usual else "before"
            yield replace(claim, when=when, moved=0)


def _framed(parts: list[Clause], index: int) -> Iterator[Number]:
    """Return the numbers in a clause, and the periods that it names for its own measures or for those next to it."""
    clause = parts[index]
    nearby = parts[max(index - 1, 0) : index + 2] if not clause.whats and opens(clause.words) else [clause]
    measures = frozenset(what for part in nearby for what in part.whats)
    for number in clause.numbers:
        after = clause.words[number.end - clause.start :]
        yield ahead(number, clause.before(number), after) if is_ahead(measures) else number
    for number in unsupported(clause.words, measures):
        yield _moved_by(number, clause.start)


def _moved_by(number: Number, start: int) -> Number:
    return replace(number, start=number.start + start, end=number.end + start)


def _after(clause: Clause, claimed: list[Claim], state: _State) -> _State:
    """Return what the next clause may continue."""
    last_token = clause.tokens[-1] if clause.tokens else None
    baseline = clause.between(last_token.start, last_token.end).lower() if last_token and last_token.kind == "baseline" else ""
    state = state._replace(compared=None if not baseline else "before" if "week" in baseline else "usual")
    names, whats = clause.names, clause.whats
    if claimed:
        last = claimed[-1]
        groups, whats = last.groups or state.groups, last.whats or whats or state.whats
        lasting = last.when if last.when in ("past", "usual") or _opens_with_period(clause) else state.when
        base = state.base
        if len(clause.numbers) == 1 and clause.is_base(last.number) and groups:
            base = groups[0]
        return state._replace(groups=groups, whats=whats, when=lasting, base=base)
    periods = [token for token in clause.tokens if token.kind in WHEN_KINDS]
    when = WHEN_KINDS[periods[0].kind] if periods else state.when
    if not names:
        return state._replace(when=when, whats=whats or state.whats)
    group = names[-1].group or ALL
    base = group if re.match(r"\W*(?:of|among|out of|within|in)\b", clause.words, re.IGNORECASE) else state.base
    return state._replace(groups=(group,), base=base, when=when, whats=whats or state.whats)


def _opens_with_period(clause: Clause) -> bool:
    """Tell whether the clause names its week before its number, as in "Last week you had 1,538 customers"."""
    first = clause.numbers[0].start
    return any(token.kind in WHEN_KINDS and token.start < first for token in clause.tokens)


def _told(parts: list[Clause], index: int, number: Number) -> Clause | None:
    """Return the words after a clause that say what its number is about, as one clause.

    These are the predicate "are at high risk" after "690 customers, or 47 %,", a clause with "who", and the subject after
    "At 68.8%,". In "690 of the customers who came are at high risk" the clause with "who" is about the whole.
    """
    first = parts[index]
    has_base = any(map(first.is_base, first.numbers))
    opens = not any(other.words.strip() for other in parts[:index]) and _OPENING.match(first.words)
    found: list[Token] = []
    last: Clause | None = None
    for clause in parts[index + 1 :]:
        if clause.separator == "to" and clause.names and first.separator == "from":
            return clause
        counts = any(other.unit not in PLAIN_UNITS for other in clause.numbers)
        is_aside = counts and not clause.names and not clause.whats and (number.takes_part or not clause.has("of_them"))
        if not clause.words.strip(" ,.") or is_aside:
            continue
        is_relative = clause.separator in ("who", "which") and not counts
        follows = clause.separator in (",", ")", "-") and (clause.names or clause.whats)
        if is_relative:
            found += _of_relative(clause, number, first) if has_base else clause.tokens
        elif follows and (opens or (not counts and _PREDICATE.match(clause.words))):
            found += () if first.is_base(number) else clause.tokens
        if is_relative or follows:
            last = clause
        if not is_relative:
            break
    return replace(last, tokens=tuple(found)) if last and found else None


def _of_relative(clause: Clause, number: Number, first: Clause) -> list[Token]:
    """Return what a clause with "who" says about a whole or its part: "690 of the customers who came are at high risk"."""

    def is_of_whole(token: Token) -> bool:
        words = clause.between(clause.start, token.end)
        return len(_ANY_VERB.findall(words)) <= 1 and not clause.between(token.start, token.end).startswith("to ")

    is_base = first.is_base(number)
    return [token for token in clause.tokens if is_of_whole(token) == is_base or token.kind in WHEN_KINDS]


def _respectively(sentence: str, parts: list[Clause]) -> dict[Number, Group]:
    """Return the name of each number in "690, 338 and 430 customers are at high, medium and low risk, respectively"."""
    if "respectively" not in sentence.lower():
        return {}
    counted = [number for clause in parts for number in clause.numbers if number.unit not in PLAIN_UNITS]
    for group in (token.group for clause in parts for token in clause.names):
        if group and len(group.segments + group.levels) == len(counted) > 1:
            each = [Group(segments=(name,)) for name in group.segments] or [Group(levels=(name,)) for name in group.levels]
            return dict(zip(counted, each, strict=True))
    return {}


class _Place(NamedTuple):
    """The place of a number: its clause, the words that say what it is about, and what the text has said so far."""

    number: Number
    clause: Clause
    told: Clause | None
    state: _State
    sentence: str

    @property
    def refers(self) -> bool:
        """Tell whether the clause has a pronoun."""
        return self.clause.has("of_them", "pronoun", "it")

    @property
    def moved(self) -> int:
        """Return the direction of the last verb before "from 478" or "to 690"."""
        said = re.findall(r"[a-z]+", self.sentence[max(self.number.start - n.CONTEXT, 0) : self.number.start].lower())
        return next((n.DIRECTIONS[word] for word in reversed(said) if word in n.DIRECTIONS), 0)

    @property
    def cue(self) -> str:
        """Return the word before the number that tells its week: "from", "to", "against", ..."""
        before = self.clause.before(self.number)
        said = _CUE.search(before)
        cue = said[1].lower() if said else self.clause.separator if not before.strip(" $€£¥") else ""
        after = self.sentence[self.number.end : self.number.end + n.CONTEXT]
        return "" if cue == "from" and not self.moved and not _TO.match(after) else cue


def _claim(place: _Place) -> Claim:
    """Read what a number claims in its place."""
    number, clause = place.number, place.clause
    names, base = _names(place)
    implied = None if names else (base,) if number.takes_part and base != ALL else _implied(place)
    groups = _named(place, names) if names else (ALL,) if implied is None else implied
    if _is_negated(clause, names, number):
        groups = _others(groups)
    if base != ALL and not clause.is_base(number):
        groups = tuple(group for group in (group & base for group in groups) if group is not None)
    if names:
        place = place._replace(told=None)
    moved = place.moved if place.cue in ("from", "to") and not number.sign else 0
    return Claim(
        number, groups, bool(names) or implied is not None, base, _when(place), _whats(place, names), moved, clause.words
    )


def _names(place: _Place) -> tuple[tuple[Token, ...], Group]:
    """Return the names in the clause that may be the number's, and the whole of which it counts a part."""
    number, clause, state = place.number, place.clause, place.state
    names = clause.names
    if any(token.kind == "level" for token in names):
        names = tuple(token for token in names if token.kind != "flagged")
    if clause.is_base(number):
        after = [token for token in names if token.start >= number.end and not clause.has_verb(number.end, token.start)]
        alone = len(clause.numbers) == 1
        ahead = [token for token in names if token.end <= number.start and (alone or token.end + 1 == number.start)]
        return tuple(after or ahead), ALL
    if number.takes_part:
        return _of_part(place, names)
    whole = next((other for other in clause.numbers if other is not number and clause.is_base(other)), None)
    if whole is not None:
        of_whole = [
            token
            for token in names
            if token.end + 1 == whole.start or (token.start > whole.start and not clause.has_verb(whole.end, token.start))
        ]
        base = of_whole[0].group if of_whole else None
        if base is None and _THESE.search(clause.before(whole)):
            base = next(iter(state.groups or state.antecedents), None)
        return tuple(token for token in names if token not in of_whole), base or ALL
    of_name = next((token for token in names if token.start > number.end and clause.is_after_of(number.end, token)), None)
    if of_name is not None and len(names) > 1:
        return tuple(token for token in names if token is not of_name), of_name.group or ALL
    if state.base is None and clause.has("of_them"):
        return names, next(iter(state.groups or state.antecedents), ALL)
    return names, state.base or ALL


def _of_part(place: _Place, names: tuple[Token, ...]) -> tuple[tuple[Token, ...], Group]:
    """Return what is said of "most" or "all", and the group it is a part of: "most (New customers) are (at high risk)"."""
    number, clause, state = place.number, place.clause, place.state
    of_it = [token for token in names if token.start >= number.end and not clause.has_verb(number.end, token.start)]
    base = state.base or ALL
    if not of_it and clause.has("of_them"):
        base = next(iter(state.groups or state.antecedents), base)
    for token in of_it:
        base = (token.group and base & token.group) or base
    return tuple(token for token in names if token not in of_it), base


def _named(place: _Place, names: tuple[Token, ...]) -> tuple[Group, ...]:
    """Return the groups that a number may be about in a clause with names."""
    number, clause, state = place.number, place.clause, place.state
    subject = nearest(names, number)
    group = subject.group or ALL
    is_none = number.words.lower() == "none" and bool(state.groups)
    if group.levels and not group.segments and (is_none or _is_within(place)):
        both = [group & Group(segments=state.groups[0].segments)]
    elif number.unit in (n.CUSTOMERS, n.TREND) and subject.start >= number.end:
        both = [group & other for other in _said_of(clause, subject, names)]
    else:
        both = []
    return tuple(each for each in both or [group] if each is not None)


def _is_within(place: _Place) -> bool:
    """Tell whether the clause counts a part of a segment: "Regular customers look safe, with 1 at high risk and 20 at medium"."""
    clause, groups = place.clause, place.state.groups
    follows = clause.separator in ("with", "including", "includes", "include") or bool(groups and groups[0].levels)
    return bool(groups and groups[0].segments) and follows and not clause.has_verb()


def _said_of(clause: Clause, subject: Token, names: tuple[Token, ...]) -> list[Group]:
    """Return what the clause says about its subject's customers: at medium risk, in "1 High-Value customer is at medium risk"."""
    return [
        token.group
        for token in names
        if token.group is not None
        and subject.group is not None
        and token.start > subject.end
        and bool(token.group.segments) != bool(subject.group.segments)
        and not any(subject.end < other.start < token.start for other in clause.numbers)
        and clause.says_of(subject, token)
    ][:1]


def _implied(place: _Place) -> tuple[Group, ...] | None:
    """Return the groups that a number may be about in a clause without a name; None (all customers) if the text does not say."""
    number, clause, state = place.number, place.clause, place.state
    is_aside = clause.separator == "(" and state.groups not in ((), (ALL,))
    is_compared = clause.separator.startswith(("compared", "against", "versus", "than"))
    is_total = clause.speaks_of_all() or (clause.has("overall", "in_all") and not state.groups)
    whole = (
        state.groups
        if number.unit == n.CUSTOMERS and state.groups and not _NOUN.match(clause.between(number.end, number.end + n.CONTEXT))
        else ()
    )
    moves_on = place.told is not None and place.told.separator == "to" and bool(state.groups)
    average = (ALL,) if _THE_AVERAGE.search(clause.before(number)) else ()
    rules: tuple[tuple[bool, tuple[Group, ...]], ...] = (
        (clause.has("retention"), (ALL,)),
        (bool(place.told and place.told.names) and not is_aside and not moves_on, _first_name(place.told)),
        (clause.has("others") and bool(state.groups), _others(state.groups)),
        (number.takes_part and not place.refers, (ALL,)),
        (clause.has("overall") and is_compared, (ALL,)),
        (is_total and not place.refers, (ALL,)),
        (clause.has("at_risk") and number.unit != n.MONEY, (HIGH, HIGH_OR_MEDIUM)),
        (clause.is_base(number) and not place.refers, (*whole, ALL) if whole and state.base is None else (state.base or ALL,)),
        (bool(state.groups), tuple(dict.fromkeys((*state.groups, *average)))),
        (place.refers, state.antecedents or ((ALL,) if clause.has("it") else ())),
    )
    return next((groups for applies, groups in rules if applies), None)


def _first_name(clause: Clause | None) -> tuple[Group, ...]:
    return tuple(token.group for token in clause.names[:1] if token.group is not None) if clause else ()


def _when(place: _Place) -> When:
    """Return the week of a number."""
    clause, told, state, cue = place.clause, place.told, place.state, place.cue
    predicate = told if told and told.separator != "to" and not told.numbers else None
    for said in filter(None, (clause, predicate)):
        periods = [token for token in said.tokens if token.kind in WHEN_KINDS]
        periods = [token for token in periods if token.kind != "we_said"] or periods
        if periods:
            return WHEN_KINDS[nearest(periods, place.number).kind]
    earlier: When = "before" if state.when == "now" else state.when
    rules: tuple[tuple[bool, When], ...] = (
        (clause.has("lost", "returned") or bool(told and told.has("lost", "returned")), "past"),
        (clause.has("overall"), state.when),
        (clause.separator == "(" and state.compared is not None, state.compared or "now"),
        (cue == "from" or (cue in _COMPARED and bool(state.groups)), earlier),
        (cue in ("become", "became") or (cue == "to" and place.moved != 0), "now"),
        (place.refers and not state.groups, state.when_before),
    )
    return next((when for applies, when in rules if applies), state.when)


def _whats(place: _Place, names: tuple[Token, ...]) -> tuple[What, ...]:
    """Return what a number may measure; empty if the words do not say."""
    number, clause, state = place.number, place.clause, place.state
    fitting = _FITTING[number.unit]
    told = place.told.whats if place.told else ()
    chosen = tuple(what for what in clause.whats_of(number) or told if what in fitting)
    if clause.is_base(number):
        return chosen
    earlier = state.whats or (state.whats_before if place.refers else ())
    continues = not names and not clause.speaks_of_all()
    if number.unit == n.PERCENT:
        chosen = _of_percent(place, chosen, (*told, *earlier))
    chosen = chosen or _carried(place, tuple(what for what in earlier if what in fitting), continues=continues)
    if number.unit == n.MONEY and "lost" in chosen:
        return ("lost",)
    if number.unit == n.MONEY and (continues and "leaving" in earlier):
        return ("at stake",)
    if number.unit in (n.MONEY, n.PERCENT, n.TREND, n.COURSE) and "at stake" in chosen:
        return ("at stake",)
    return ("at stake",) if number.unit == n.MONEY and "leaving" in chosen else chosen


def _of_percent(place: _Place, chosen: tuple[What, ...], nearby: tuple[What, ...]) -> tuple[What, ...]:
    """Return what a percentage measures: "88% of those expected to leave", "21% of all spend", "at 68.8%"."""
    after = place.clause.words[place.number.end - place.clause.start :]
    if is_of_leavers(place.sentence, place.number):
        return ("of leavers",)
    if chosen == ("spent",) and "at stake" in nearby and _OF_SPEND.match(after):
        return ("at stake",)
    if "retention" not in (*chosen, *nearby) and _AT.search(place.clause.before(place.number)):
        return (*chosen, "risk")
    return chosen


def _carried(place: _Place, earlier: tuple[What, ...], *, continues: bool) -> tuple[What, ...]:
    """Return the measure that a clause takes from the one before: "High-Value customers are at 5.0%, Regular customers 13.1%"."""
    if not earlier:
        return ()
    is_sequel = bool(place.state.groups or place.state.whats or place.refers) and continues
    is_part = place.clause.has("of_them") and not place.clause.has("churned")
    is_elliptic = place.number.unit == n.PERCENT and not place.clause.has_verb()
    return earlier if is_sequel or is_elliptic or is_part else (*earlier, "count")


def _others(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    return tuple(other for other in (group.complement() for group in groups) if other is not None)


def _is_negated(clause: Clause, names: tuple[Token, ...], number: Number) -> bool:
    if names:
        return _NEGATION.search(clause.between(clause.start, nearest(names, number).start)) is not None
    return re.search(r"\b(?:do|are|is|does) not[.,;!]?$", clause.words.strip(), re.IGNORECASE) is not None
