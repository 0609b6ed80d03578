"""The executive summary: a text goes out only where every number in it is the report's; otherwise the template speaks."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, timedelta
from functools import partial
from itertools import combinations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from report.schema import PreviousWeekComparison, Recommendation, RiskFactor, SegmentName, SegmentRow, Summary
from report.settings import GeminiSettings
from report.summary import gemini
from report.summary.claims import CUSTOMERS, claims
from report.summary.executive import (
    Facts,
    GeminiError,
    RejectedTextError,
    accepted,
    executive_summary,
    plain,
    prompt,
    template_summary,
)
from tests.support.loopback.gemini import FAILURES, loopback_gemini, prompt_of, says

SEGMENTS: tuple[SegmentName, ...] = ("High-Value", "Regular", "Occasional", "New")
FACTORS = (
    "Decreased Purchase Frequency",
    "High Cart Abandonment",
    "Few Visits",
    "Little Cart Activity",
    "Long Time Since Last Visit",
)

THE_BRIEFS = Facts(
    week_start=date(2025, 1, 13),
    week_ending=date(2025, 1, 19),
    summary=Summary(
        totalCustomers=1000,
        highRiskCount=150,
        churnedThisWeek=50,
        retentionRate=95.0,
        avgChurnProbability=0.15,
        prevWeekComparison=PreviousWeekComparison(highRisk=5.2, churned=-2.1, retention=0.5),
    ),
    key_insights=(
        "150 customers are currently classified as high churn risk.",
        "50 customers are estimated to have churned this week.",
        "Average churn probability across your base is 15.0%.",
        "High-risk customers spent $12,340.50 of the $98,000.00 spent this week.",
    ),
    risk_factors=(
        RiskFactor(factor="Decreased Purchase Frequency", impact="High"),
        RiskFactor(factor="High Cart Abandonment", impact="Medium"),
    ),
    average_churn=15.0,
    segments=(
        SegmentRow(segment="High-Value", count=200, riskLevel=12.5, trend="down"),
        SegmentRow(segment="Regular", count=300, riskLevel=14.0, trend="up"),
        SegmentRow(segment="Occasional", count=260, riskLevel=16.1, trend="up"),
        SegmentRow(segment="New", count=240, riskLevel=17.2, trend="flat"),
    ),
    recommendations=(
        Recommendation(
            action="Launch targeted win-back campaign...", priority="high", expectedImpact="Reduce churn by 25-30%..."
        ),
    ),
)
"""The example of the brief's section 9.1."""

NO_CHANGES = PreviousWeekComparison(highRisk=None, churned=None, retention=None)
NOBODY = replace(
    THE_BRIEFS,
    summary=Summary(
        totalCustomers=0,
        highRiskCount=0,
        churnedThisWeek=0,
        retentionRate=None,
        avgChurnProbability=None,
        prevWeekComparison=NO_CHANGES,
    ),
    key_insights=(),
    risk_factors=(),
    segments=tuple(SegmentRow(segment=segment, count=0, riskLevel=0, trend="flat") for segment in SEGMENTS),
    recommendations=(),
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine a slow example says nothing."""


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Facts as a shop of any size may have them, with or without anything that may be missing."""
    most = draw(st.sampled_from([0, 1, 3, 40, 2_000, 90_000]))
    counts = [draw(st.integers(0, most)) for _ in SEGMENTS]
    total = sum(counts)
    high = draw(st.integers(0, total))
    churned = draw(st.integers(0, high))
    change = st.none() | st.floats(-100, 900).map(lambda value: round(value, 1))
    ending = draw(st.dates(date(2001, 1, 1), date(2099, 12, 31)))
    names = draw(st.lists(st.sampled_from(FACTORS), unique=True)) if high else []
    spent = draw(st.floats(0, 1e6).map(lambda value: round(value, 2)))
    advice = Recommendation(
        action=f"Launch targeted win-back campaign for the {high} customers at high churn risk.",
        priority="high",
        expectedImpact=f"They spent ${spent:,.2f} this week; about {churned} of these {high} may stay away for four weeks.",
    )
    average = draw(st.floats(0, 1)) if total else None
    return Facts(
        week_start=ending - timedelta(days=6),
        week_ending=ending,
        average_churn=None if average is None else average * 100,
        summary=Summary(
            totalCustomers=total,
            highRiskCount=high,
            churnedThisWeek=churned,
            retentionRate=round((1 - churned / total) * 100, 1) if total else None,
            avgChurnProbability=None if average is None else round(average, 4),
            prevWeekComparison=PreviousWeekComparison(highRisk=draw(change), churned=draw(change), retention=draw(change)),
        ),
        key_insights=(f"{high} customers are currently classified as high churn risk.",) if high else (),
        risk_factors=tuple(RiskFactor(factor=name, impact="Medium") for name in names),
        segments=tuple(
            SegmentRow(
                segment=segment,
                count=count,
                riskLevel=round(draw(st.floats(0, 100)), 1) if count else 0.0,
                trend=draw(st.sampled_from(["up", "down", "flat"])),
            )
            for segment, count in zip(SEGMENTS, counts, strict=True)
        ),
        recommendations=(advice,) if high and draw(st.booleans()) else (),
    )


# The template.


@unhurried
@given(any_facts())
def test_the_template_of_any_report_passes_the_check_as_it_stands(facts: Facts) -> None:
    text = template_summary(facts)
    assert accepted(text, facts) == text
    assert 2 <= len(text.split("\n\n")) <= 3
    assert "  " not in text


def test_the_template_begins_as_the_brief_has_it() -> None:
    assert template_summary(THE_BRIEFS).startswith(
        "This week you had 1000 active customers, with 150 currently flagged as high churn risk and 50 estimated to have churned."
    )


def test_the_template_says_what_changed_why_who_and_where_to_start() -> None:
    changes = PreviousWeekComparison(highRisk=5.2, churned=-2.1, retention=0.0)
    factors = tuple(RiskFactor(factor=name, impact="Low") for name in FACTORS)
    facts = replace(
        THE_BRIEFS,
        summary=THE_BRIEFS.summary.model_copy(update={"prevWeekComparison": changes}),
        risk_factors=factors,
        recommendations=(Recommendation(action="Ask them why", priority="low", expectedImpact=""),),
        look_back="Of 200 customers active four weeks ago, 50 have not come back.",
    )
    assert template_summary(facts) == (
        "This week you had 1000 active customers, with 150 currently flagged as high churn risk "
        "and 50 estimated to have churned. "
        "Your retention rate is 95.0%, and the average churn probability is 15.0%. "
        "Compared with last week, the number of customers at high risk rose by 5.2%, the number estimated to have churned fell "
        "by 2.1% and the retention rate did not change.\n\n"
        "The leading reasons for high risk are decreased purchase frequency, high cart abandonment and few visits. "
        "Of your segments, New customers are the most likely to leave: their average churn probability is 17.2%. "
        "Of 200 customers active four weeks ago, 50 have not come back.\n\n"
        "Where to start: Ask them why. A small step now is the best way to keep your customers coming back."
    )


def test_the_template_keeps_a_sentences_own_end_and_names_one_reason_alone() -> None:
    asked = Recommendation(action="Ask them why!", priority="low", expectedImpact="")
    text = template_summary(replace(THE_BRIEFS, risk_factors=THE_BRIEFS.risk_factors[:1], recommendations=(asked,)))
    assert "The leading reason for high risk is decreased purchase frequency." in text
    assert "Where to start: Ask them why! A small step" in text


@pytest.mark.parametrize(
    ("rows", "riskiest"),
    [
        ([(1, 20.0), (1, 10.0)], "High-Value"),
        ([(1, 10.0), (1, 20.0)], "Regular"),
        ([(1, 20.0), (1, 20.0)], None),
        ([(1, 20.0), (0, 0.0)], None),
        ([(1, 0.0), (1, 20.0), (1, 20.0)], None),
    ],
)
def test_a_segment_is_named_as_the_likeliest_to_leave_only_where_one_is(
    rows: list[tuple[int, float]], riskiest: str | None
) -> None:
    segments = tuple(
        SegmentRow(segment=segment, count=count, riskLevel=risk, trend="flat")
        for segment, (count, risk) in zip(SEGMENTS, rows, strict=False)
    )
    told = template_summary(replace(THE_BRIEFS, segments=segments)).partition("Of your segments, ")[2].split(" customers")[0]
    assert told == (riskiest or "")


def test_the_template_knows_one_customer_and_none() -> None:
    one = Summary(
        totalCustomers=1,
        highRiskCount=0,
        churnedThisWeek=0,
        retentionRate=100,
        avgChurnProbability=0.02,
        prevWeekComparison=NO_CHANGES,
    )
    assert template_summary(replace(NOBODY, summary=one)).startswith("This week you had 1 active customer, with none currently ")
    assert template_summary(NOBODY).startswith("This week you had no active customers")


# The check of every number.

RIGHT = [
    "Your shop had 1,000 active customers, and 150 of them (15%) are at high risk.",
    "Your shop had 1000 active customers between January 13 and January 19, 2025.",
    "For the week of January 13–19, 2025, you kept 95% of your customers.",
    "In the week ending January 19, 150 customers were flagged, up 5.2% from last week.",
    "The week ending 2025-01-19, or 19 January, was a steady one.",
    "The number of high-risk customers rose by about 5% while the number of churned customers fell by 2.1 percent.",
    "Roughly one in seven customers is at high risk, and just 1 in 20 has left.",
    "High-Value and Regular customers together are five hundred.",
    "Your 200 High-Value customers are the most loyal, with a risk of 12.5%.",
    "At 17.2%, New customers have the highest risk of the four customer segments.",
    "Fifty customers are estimated to have churned: a loss of 5 percent.",
    "One hundred and fifty customers need attention, and 850 do not.",
    "That leaves nine hundred and fifty who are likely to stay.",
    "They spent over $12,000 of the roughly $98,000 spent this week, which leaves $85,659.50.",
    "The two main risk factors are decreased purchase frequency and high cart abandonment.",
    "The gap between New and High-Value customers is 4.7 percentage points.",
    "A campaign could reduce churn by 25–30%.",
    "First, reach out; second, look at carts. No one likes to lose customers, and one thing is clear: the time is now.",
    "Over the next four weeks, or 28 days, stay close to them.",
    "The average churn probability is 0.15.",
    "Over a year-round view, a seven-day week is short.",
    "Nearly 1,000 customers came, some 150 of them at risk.",
]
WRONG = [
    "Your shop had 1,010 active customers.",
    "You have 151 customers at high risk.",
    "About 1,100 customers were active.",
    "Over 1,000 customers short of 2k.",
    "Nearly 150 thousand customers came.",
    "That is an increase of 150%.",
    "They are worth $150.",
    "They are worth €150 or £150.",
    "High-risk customers fell by 5.2%.",
    "The number of churned customers rose 2.1 percent.",
    "A 5.2% drop in high-risk customers is good.",
    "Retention is 94%.",
    "Retention is 95.1%.",
    "The gap is 4.6 percentage points.",
    "Half of your customers are at high risk.",
    "More than two-thirds of them came back.",
    "One in three customers is at risk.",
    "Just one in 25 customers has left.",
    "Two hundred and eleven customers are at risk.",
    "Dozens of customers are at risk, thousands are not.",
    "The number of visits doubled.",
    "Your customers visit twice a week.",
    "There were 150 visits and 150 orders.",
    "Over the next two weeks, and in the next 30 days, act.",
    "By February 19 it will be better.",
    "January 25 was a good day.",
    "In January 2026 it will be better.",
    "On 1/19/2025 it was better.",
    "It is 2025 again.",
    "There are 1.5e2 customers at risk.",
    "Some 1/3 of customers left.",
    "Your shop is open 24/7.",
    "There is ½ left, or ² of it.",
    "There are ١٥١ customers at risk.",
    "There are l50 customers at risk, or 15O.",
    "Five segments and three risk factors matter.",
    "No customers are at high risk.",
    "Only one customer is at high risk.",
    "You could earn $50,000 more.",
    "The average churn probability is 0.19.",
    "Twelve left.",
]


@pytest.mark.parametrize("text", RIGHT)
def test_numbers_that_are_in_the_report_or_follow_from_it_are_accepted(text: str) -> None:
    assert accepted(text, THE_BRIEFS)


@pytest.mark.parametrize("text", WRONG)
def test_numbers_that_do_not_are_rejected(text: str) -> None:
    with pytest.raises(RejectedTextError, match="a number that is not in the report"):
        accepted(text, THE_BRIEFS)


OTHERS = replace(
    THE_BRIEFS,
    summary=THE_BRIEFS.summary.model_copy(
        update={
            "avgChurnProbability": 0.187,
            "prevWeekComparison": PreviousWeekComparison(highRisk=5.2, churned=-2.1, retention=0.0),
        }
    ),
    key_insights=("They spent $1.00, $10.00 and $100.00.",),
    recommendations=(
        Recommendation(action="Ask them why.", priority="low", expectedImpact="Expect 77 of these 150 to stay away."),
        Recommendation(action="Ask them again.", priority="low", expectedImpact="They may stay."),
    ),
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("January 6 was the week before.", True),
        ("January 5 was the week before.", False),
        ("They spent $11.", True),
        ("They spent $111.", False),
        ("77 customers may stay away.", True),
        ("Those at risk and the Regular ones are 450 customers.", True),
        ("Those at risk with two segments are 650 customers.", False),
        ("The average churn probability is 18.7%.", True),
        ("The average churn probability is 0.187.", True),
        ("81.3% are expected to stay.", True),
        ("118.7% are expected to stay.", False),
        ("24.0% of your customers are New.", True),
        ("85.0% are not at high risk.", True),
        ("115.0% are not at high risk.", False),
        ("Retention rose by 0.0%.", True),
        ("Retention fell by 0.0%.", True),
        ("1 segment matters.", True),
        ("4 segments matter.", True),
        ("0 segments matter.", False),
        ("5 segments matter.", False),
        ("1 risk factor matters.", True),
        ("2 risk factors matter.", True),
        ("0 risk factors matter.", False),
        ("3 risk factors matter.", False),
        ("1 step follows.", True),
        ("2 steps follow.", True),
        ("0 steps follow.", False),
        ("3 steps follow.", False),
    ],
)
def test_what_follows_from_a_report_ends_where_it_ends(text: str, true: bool) -> None:
    if true:
        assert accepted(text, OTHERS) == text
    else:
        with pytest.raises(RejectedTextError, match="a number that is not in the report"):
            accepted(text, OTHERS)


def test_whatever_the_reports_own_sentences_say_may_be_said_again() -> None:
    said = (
        "Visits are up 50.0% and carts fell by 31.5%, a gap of 81.5 percentage points.",
        "On May 3, 2023 it was 0.42 for 3 days, or 6 weeks.",
        "There are 9 segments, 8 factors and 7 steps for 12,345 customers and $9.99.",
    )
    for sentence in said:
        assert accepted(sentence, replace(THE_BRIEFS, key_insights=said)) == sentence
        with pytest.raises(RejectedTextError):
            accepted(sentence, THE_BRIEFS)


def test_equal_counts_do_not_make_a_zero() -> None:
    equal = THE_BRIEFS.summary.model_copy(update={"highRiskCount": 50, "churnedThisWeek": 50})
    with pytest.raises(RejectedTextError):
        accepted("No customers are at high risk.", replace(THE_BRIEFS, summary=equal))


def spelled(number: int) -> str:
    """A number below a million as English spells it."""
    words = (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
    )
    *ones, twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety = words.split()
    tens = [twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety]
    if number < 20:
        return ones[number]
    if number < 100:
        return tens[number // 10 - 2] + (f"-{ones[number % 10]}" if number % 10 else "")
    size, name, joint = (100, "hundred", " and ") if number < 1000 else (1000, "thousand", " ")
    many, rest = divmod(number, size)
    return f"{spelled(many)} {name}" + (f"{joint}{spelled(rest)}" if rest else "")


@unhurried
@given(st.integers(0, 999_999))
def test_a_number_is_the_same_in_digits_with_separators_and_in_words(number: int) -> None:
    read = [claims(f"{form} customers") for form in (str(number), f"{number:,}", spelled(number))]
    assert [[(claim.unit, claim.value) for claim in found] for found in read] == [[(CUSTOMERS, number)]] * 3


def _counts(facts: Facts) -> set[int]:
    summary, segments = facts.summary, [row.count for row in facts.segments]
    given = {summary.totalCustomers, summary.highRiskCount, summary.churnedThisWeek, *segments}
    sums = {sum(some) for size in (2, 3, 4) for some in combinations(segments, size)}
    return given | sums | {a + b for a in given for b in given} | {abs(a - b) for a in given for b in given}


def _percentages(facts: Facts) -> set[float]:
    summary = facts.summary
    rates = {row.riskLevel for row in facts.segments}
    rates |= {100 * summary.avgChurnProbability} if summary.avgChurnProbability is not None else set()
    rates |= {summary.retentionRate} if summary.retentionRate is not None else set()
    changes = {abs(value) for value in summary.prevWeekComparison.model_dump().values() if value is not None}
    shares = {100 * count / summary.totalCustomers for count in _counts(facts) if summary.totalCustomers}
    return rates | {100 - rate for rate in rates} | changes | shares


FORMS: tuple[Callable[[int], str], ...] = (str, "{:,}".format, spelled)


@unhurried
@given(any_facts(), st.data())
def test_a_text_made_of_the_reports_own_numbers_is_accepted(facts: Facts, data: st.DataObject) -> None:
    summary, row = facts.summary, data.draw(st.sampled_from(facts.segments))
    form = data.draw(st.sampled_from(FORMS))
    sentences = [
        f"This week, {form(summary.totalCustomers)} customers were active.",
        f"Of those, {form(summary.highRiskCount)} are at high risk.",
        *(f"The other {form(rest)} are not." for rest in [summary.totalCustomers - summary.highRiskCount] if rest),
        f"There are {form(row.count)} {row.segment} customers at {row.riskLevel:.1f}%, or about {row.riskLevel:.0f} percent.",
        f"The week ended on {facts.week_ending:%B} {facts.week_ending.day}, {facts.week_ending.year}.",
        *(f"You kept {rate}% and lost {100 - rate:.1f}%." for rate in [summary.retentionRate] if rate is not None),
        *(f"High risk {'rose' if by > 0 else 'fell'} by {abs(by)}%." for by in [summary.prevWeekComparison.highRisk] if by),
    ]
    text = " ".join(data.draw(st.permutations(sentences)))
    assert accepted(text, facts) == text


@unhurried
@given(any_facts(), st.integers(0, 400_000), st.sampled_from(FORMS))
def test_a_count_that_follows_from_nothing_is_rejected(facts: Facts, count: int, form: Callable[[int], str]) -> None:
    assume(count not in _counts(facts))
    with pytest.raises(RejectedTextError):
        accepted(f"This week, {form(count)} customers were at risk.", facts)


@unhurried
@given(any_facts(), st.integers(0, 10_000))
def test_a_percentage_that_follows_from_nothing_is_rejected(facts: Facts, tenths: int) -> None:
    assume(all(abs(known - tenths / 10) > 0.06 for known in _percentages(facts)))
    with pytest.raises(RejectedTextError):
        accepted(f"This week, {tenths / 10}% of it was good.", facts)


PIECES = [
    *"019 .,$%-–½²٣kmaſı/",
    " ",
    " one",
    " six",
    " ſix",
    " fıve",
    " hundred",
    " dozen",
    " in",
    " a",
    " third",
    " half",
    " May",
]


@unhurried
@given(st.lists(st.sampled_from(PIECES) | st.characters()).map("".join))
def test_no_digit_goes_unread_and_no_text_is_too_much(text: str) -> None:
    unread = [character for character in text if character.isdecimal()]
    for claim in claims(text):
        for character in claim.words:
            if character in unread:
                unread.remove(character)
    assert not unread


# The shape.


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("  All is well.\r\n\r\n\r\nKeep\ngoing.\n", "All is well.\n\nKeep going."),
        ("It was a **good** week.", "It was a good week."),
        ("Was it “good”? It was (very)!", "Was it “good”? It was (very)!"),
    ],
)
def test_harmless_white_space_and_bold_marks_are_taken_away(text: str, tidy: str) -> None:
    assert plain(text) == tidy


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\n ",
        "One.\n\nTwo.\n\nThree.\n\nFour.",
        "A very long week. " * 200,
        "Executive Summary\n\nAll is well.",
        "# Summary\nAll is well.",
        "All is well:\n- so far.",
        "All is well:\n1. so far.",
        "* All is well.",
        "```\nAll is well.\n```",
        "<p>All is well.</p>",
        "<script>alert(document.cookie)</script>.",
        "All is well &amp; good.",
        "All is _well_.",
        "See https://example.com.",
        "See example.com for more.",
        "See [more](there).",
        "Write to ann@example.com.",
        "All is {{ well }}.",
        "All is\x00 well.",
        "All is \u202ewell\u202c.",
        "All is w\u200bell.",
        "All is well, and the next",
        '{"summary": "All is well."}',
    ],
)
def test_what_is_not_one_to_three_paragraphs_of_plain_text_is_rejected(text: str) -> None:
    with pytest.raises(RejectedTextError):
        plain(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" * 1_000 + ".\n\n" + "b" * 999 + ".", "a text too long"),
        ("All is {{ well }}.", "markup"),
        ("All is well, and the next", "a heading, or a text cut off"),
        ("All is\x00 well.", "a control character"),
        ("One.\n\nTwo.\n\nThree.\n\nFour.", "4 paragraphs"),
    ],
)
def test_a_rejected_text_gives_the_log_its_reason(text: str, reason: str) -> None:
    with pytest.raises(RejectedTextError) as rejected:
        plain(text)
    assert str(rejected.value) == reason


def test_a_text_of_2000_characters_is_not_too_long() -> None:
    assert plain("a" * 1_999 + ".")


# The whole.


def test_the_prompt_holds_the_facts_and_asks_for_what_the_brief_asks_for() -> None:
    asked = prompt(THE_BRIEFS)
    for heading in ("SUMMARY", "KEY INSIGHTS", "SEGMENT BREAKDOWN", "TOP RISK FACTORS", "RECOMMENDATIONS"):
        assert heading in asked
    for fact in (
        "January 13, 2025 to January 19, 2025",
        "1000",
        "95.0%",
        "15.0%",
        "fell by 2.1%",
        "$12,340.50",
        "High-Value: 200",
    ):
        assert fact in asked
    assert "2–3 short paragraphs" in asked


def test_facts_have_no_room_for_anything_about_anyone() -> None:
    assert {field.name for field in fields(Facts)} == {
        "week_start",
        "week_ending",
        "summary",
        "key_insights",
        "risk_factors",
        "segments",
        "look_back",
        "recommendations",
        "average_churn",
    }


def _from_gemini(endpoint: str, timeout_seconds: float = 30) -> Callable[[str], str]:
    return partial(gemini.write, settings=GeminiSettings("sample-key", "gemini-flash-lite-latest", endpoint, timeout_seconds))


def test_a_text_of_true_numbers_goes_out_as_geminis() -> None:
    text = "This week, 150 of your 1,000 customers are at high risk.\n\nReach out to them now."
    with loopback_gemini(says(text)) as server:
        assert executive_summary(THE_BRIEFS, _from_gemini(server.endpoint)) == (text, "gemini", None)
    assert [prompt_of(request) for request in server.requests] == [prompt(THE_BRIEFS)]


def test_a_text_with_an_invented_number_does_not_go_out_and_the_reason_names_the_number() -> None:
    with loopback_gemini(says("This week, 150 of your 1,234 customers are at high risk.")) as server:
        summary = executive_summary(THE_BRIEFS, _from_gemini(server.endpoint))
    assert summary[:2] == (template_summary(THE_BRIEFS), "template")
    assert summary.reason == "a number that is not in the report: '1,234' (customers)"


@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_goes_wrong_the_template_speaks(failure: str) -> None:
    gemini.load()
    with loopback_gemini(FAILURES[failure]) as server:
        summary = executive_summary(THE_BRIEFS, _from_gemini(server.endpoint, timeout_seconds=2))
    assert summary[:2] == (template_summary(THE_BRIEFS), "template")
    assert summary.reason


@pytest.mark.parametrize(
    ("text", "source", "reason"),
    [
        ("All of your 1,000 customers **count**.", "gemini", None),
        ("All of your 1,001 customers count.", "template", "a number that is not in the report: '1,001' (customers)"),
        ("One.\n\nTwo.\n\nThree.\n\nFour.", "template", "4 paragraphs"),
    ],
)
def test_whoever_writes_only_what_is_true_goes_out(text: str, source: str, reason: str | None) -> None:
    asked: list[str] = []
    summary = executive_summary(THE_BRIEFS, lambda question: asked.append(question) or text)
    assert asked == [prompt(THE_BRIEFS)]
    assert summary == (plain(text) if source == "gemini" else template_summary(THE_BRIEFS), source, reason)


def test_without_gemini_the_template_speaks() -> None:
    assert executive_summary(THE_BRIEFS, None) == (template_summary(THE_BRIEFS), "template", "no Gemini")


def test_an_error_of_geminis_becomes_the_reason() -> None:
    def ask(_prompt: str) -> str:
        raise GeminiError("no candidates")

    assert executive_summary(THE_BRIEFS, ask).reason == "no candidates"
