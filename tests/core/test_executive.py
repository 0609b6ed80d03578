"""The executive summary: a text goes out only if the report bears it out and it names the caveats."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from report.schema import (
    Caveat,
    CaveatCode,
    Change,
    LastWeek,
    Outlook,
    PreviousWeekComparison,
    Recommendation,
    RiskCount,
    RiskFactor,
    RiskiestTenth,
    SegmentRow,
    Summary,
)
from report.settings import GeminiSettings
from report.summary import gemini
from report.summary.executive import (
    GeminiError,
    RejectedTextError,
    accepted,
    executive_summary,
    plain,
    prompt,
    template_summary,
)
from report.summary.facts import Facts
from report.summary.numbers import CUSTOMERS, numbers, tidy
from tests.support.facts import LEVELS, QUIET, SAMPLE, SEGMENTS, random_facts
from tests.support.loopback.gemini import FAILURES, loopback_gemini, prompt_of, says

FACTORS = ("Decreased Visit Frequency", "High Cart Abandonment", "Few Visits This Week", "Low Spend This Week")

THE_BRIEFS = replace(
    SAMPLE,
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
    ),
    risk_factors=(
        RiskFactor(id="purchases", factor="Decreased Purchase Frequency", impact="High", customers=90, of=150),
        RiskFactor(id="carts", factor="High Cart Abandonment", impact="Medium", customers=50, of=150),
    ),
    average_churn=15.0,
    segments=tuple(
        SegmentRow(
            segment=segment,
            count=count,
            riskLevel=risk,
            trend="flat",
            countBefore=count,
            spent=100.0 * count,
            expectedToLeave=count * risk / 100,
            spendAtStake=count * risk,
            highRiskCount=count * 15 // 100,
            mediumRiskCount=0,
            lowRiskCount=count - count * 15 // 100,
        )
        for segment, count, risk in zip(SEGMENTS, (200, 300, 260, 240), (12.5, 14.0, 16.1, 17.2), strict=True)
    ),
    recommendations=(
        Recommendation(
            id="win_back",
            action="Launch targeted win-back campaign...",
            priority="high",
            expectedImpact="Reduce churn by 25-30%...",
        ),
    ),
    backtest_sentence="",
    risk_levels=tuple(RiskCount(riskLevel=level, count=count) for level, count in zip(LEVELS, (150, 0, 850), strict=True)),
    outlook=Outlook(
        expectedToLeave=150.2,
        expectedToLeaveBefore=148.0,
        spent=100_000.0,
        spentBefore=98_000.0,
        spendAtStake=15_000.0,
        riskiestTenth=RiskiestTenth(customers=100, avgChurnProbability=0.45, timesAverage=3.0),
        missingRegulars=None,
    ),
    last_week=LastWeek(
        totalCustomers=990,
        highRiskCount=143,
        mediumRiskCount=0,
        lowRiskCount=847,
        churned=51,
        retentionRate=94.8,
        avgChurnProbability=0.1495,
        spendAtStake=14_800.0,
        complete=True,
    ),
    changes=(),
    backtest=None,
)
"""The example of the brief's section 9.1, with the rest of a report."""

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
    average_churn=None,
    segments=tuple(
        row.model_copy(
            update=dict.fromkeys(
                ("count", "riskLevel", "spent", "expectedToLeave", "spendAtStake", "highRiskCount", "lowRiskCount"), 0
            )
        )
        for row in THE_BRIEFS.segments
    ),
    recommendations=(),
    risk_levels=tuple(RiskCount(riskLevel=level, count=0) for level in LEVELS),
    outlook=Outlook(
        expectedToLeave=0.0,
        expectedToLeaveBefore=148.0,
        spent=0.0,
        spentBefore=98_000.0,
        spendAtStake=0.0,
        riskiestTenth=RiskiestTenth(customers=0, avgChurnProbability=None, timesAverage=None),
        missingRegulars=None,
    ),
)


def _caveat(code: CaveatCode, text: str, severity: str = "serious") -> Caveat:
    return Caveat.model_validate({"code": code, "text": text, "severity": severity})


CAVEATS = {
    "no_look_back": _caveat(
        "no_look_back", "There is no past week to learn from yet, so the probabilities are those of an average shop."
    ),
    "days_without_events": _caveat(
        "days_without_events",
        "No events arrived on Jan 15 to Jan 19, where some are usual. The numbers of this week are too low.",
    ),
    "gap_in_look_back": _caveat(
        "gap_in_look_back",
        "Events are missing on Dec 3 to Dec 23. So no past week can show how often your customers come back.",
    ),
    "tracking_changed": _caveat(
        "tracking_changed",
        "The tracking seems to have changed: no customer has “added_to_cart” events and purchases with an amount this week, "
        "though many had last week. What rests on them cannot be compared.",
    ),
    "week_not_over": _caveat("week_not_over", "The week is not over, so it is not compared with last week.", "note"),
    "little_history": _caveat(
        "little_history", "Only 60 customers of past weeks could be followed up, so the probabilities are rough.", "note"
    ),
}
CHANGES: tuple[Change, ...] = (
    Change(what="customers", now=1458, before=1538, usualLow=1500, usualHigh=1610, verdict="worse"),
    Change(what="spent", now=147713.73, before=139200.5, usualLow=120000, usualHigh=140000, verdict="better"),
    Change(what="expectedToLeave", now=801.3, before=640.2, usualLow=560, usualHigh=700, verdict="worse"),
    Change(what="High-Value", now=22, before=25, usualLow=24, usualHigh=31, verdict="worse"),
    Change(what="New", now=1021, before=1083, usualLow=900, usualHigh=1200, verdict="usual"),
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine a slow example says nothing."""


def _advice(high: int) -> Recommendation:
    customers = "1 customer" if high == 1 else f"{high:,} customers"
    action = f"Launch targeted win-back campaign for the {customers} at high churn risk."
    return Recommendation(id="win_back", action=action, priority="high", expectedImpact="They spent $12 this week.")


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Facts of a shop of any size, with or without anything that may be missing."""
    facts = random_facts(Random(draw(st.integers(0, 2**32))), draw(st.sampled_from(["USD", "EUR", "JPY", "CHF"])))  # noqa: S311
    names = draw(st.lists(st.sampled_from(FACTORS), unique=True))
    high = facts.summary.highRiskCount
    return replace(
        facts,
        risk_factors=tuple(RiskFactor(id="factor", factor=name, impact="Medium", customers=high, of=high) for name in names),
        caveats=tuple(draw(st.lists(st.sampled_from([*CAVEATS.values()]), unique=True))),
        changes=tuple(
            change.model_copy(update={"verdict": draw(st.sampled_from(["better", "worse", "usual"]))}) for change in facts.changes
        )
        if draw(st.booleans())
        else (),
        recommendations=(_advice(high),) if high and draw(st.booleans()) else (),
        backtest=draw(st.sampled_from([None, facts.backtest])),
    )


# The template.


@unhurried
@given(any_facts())
def test_the_template_of_any_report_passes_the_check_as_it_stands(facts: Facts) -> None:
    text = template_summary(facts)
    assert accepted(text, facts) == text
    assert 2 <= len(text.split("\n\n")) <= 3
    assert "  " not in text


def test_the_template_leads_with_the_outlook_then_the_news_then_the_backtest_then_where_to_start() -> None:
    assert template_summary(replace(SAMPLE, changes=CHANGES)) == (
        "This week you had 1,458 active customers, of whom about 801 will probably not be back within four weeks "
        "(last week: 640). "
        "$31,737 of the $147,714 that known customers spent this week is at stake.\n\n"
        "Fewer customers came than usual: 1,458, against 1,500 to 1,610 in a usual week. "
        "Known customers spent more than usual: $147,714, against $120,000 to $140,000 in a usual week. "
        "More customers than usual are expected to leave: 801, against 560 to 700 in a usual week. "
        "Of 401 customers flagged high risk four weeks ago, 307 have not come back. "
        "690 customers are currently flagged as high churn risk. "
        "256 customers are above 80% risk and count as churned, which makes a retention rate of 82.4%. "
        "The leading reasons for high risk are few visits and low spend this week.\n\n"
        "Where to start: Launch targeted win-back campaign for the 690 customers at high churn risk. "
        "A small step now can keep customers coming back."
    )


def test_the_template_tells_what_changed_in_the_segments_only_where_the_whole_shop_is_as_usual() -> None:
    of_segments = tuple(change for change in CHANGES if change.what == "High-Value")
    assert "Fewer High-Value customers came than usual: 22, against 24 to 31 in a usual week." in (
        template_summary(replace(SAMPLE, changes=of_segments))
    )


def test_a_change_that_is_no_news_is_not_told() -> None:
    usual = tuple(change.model_copy(update={"verdict": "usual"}) for change in CHANGES)
    text = template_summary(replace(SAMPLE, changes=usual))
    assert "Nothing this week is beyond the usual ups and downs." in text
    assert "than usual" not in text
    assert "%" not in text.partition("Nothing this week")[0]


@pytest.mark.parametrize("code", [code for code, caveat in CAVEATS.items() if caveat.severity == "serious"])
def test_a_serious_caveat_leads_the_template(code: str) -> None:
    text = template_summary(replace(SAMPLE, caveats=(CAVEATS[code],)))
    assert text.startswith(CAVEATS[code].text.replace("_", " "))


@pytest.mark.parametrize("code", ["days_without_events", "tracking_changed", "week_not_over"])
def test_a_week_that_cannot_be_compared_is_not_compared(code: str) -> None:
    facts = replace(SAMPLE, changes=CHANGES, caveats=(CAVEATS[code],))
    for text in (template_summary(facts), prompt(facts)):
        assert "last week: " not in text
        assert "in a usual week" not in text
    for sentence in (
        "You had 80 fewer customers than last week.",
        "Last week you had 1,538 customers.",
        "High risk rose by 44.4%.",
    ):
        assert accepted(sentence, replace(facts, caveats=())) == sentence
        with pytest.raises(RejectedTextError):
            accepted(f"{CAVEATS[code].text.replace('_', ' ')} {sentence}", facts)


def test_a_quiet_week_is_thanked_for_only_where_nothing_is_uncertain() -> None:
    quiet = replace(
        THE_BRIEFS,
        summary=THE_BRIEFS.summary.model_copy(update={"highRiskCount": 0, "churnedThisWeek": 0, "retentionRate": 100.0}),
        outlook=THE_BRIEFS.outlook.model_copy(update={"expectedToLeave": 0.3}),
        risk_factors=(),
        recommendations=(),
    )
    assert "all of whom will probably be back within four weeks" in template_summary(quiet)
    assert "It is a good week to thank the customers" in template_summary(quiet)
    leaving = replace(quiet, outlook=THE_BRIEFS.outlook)
    for facts in (leaving, *(replace(quiet, caveats=(caveat,)) for caveat in CAVEATS.values())):
        assert "good week" not in template_summary(facts)
        assert ("and the retention rate of 100.0% says no more than that" in template_summary(facts)) == (
            CAVEATS["no_look_back"] not in facts.caveats
        )


def test_a_shop_without_anybody_at_high_risk_is_told_who_will_leave_and_is_not_praised() -> None:
    text = template_summary(QUIET)
    assert text.startswith(
        "This week you had 1,322 active customers, of whom about 88 will probably not be back within four weeks"
    )
    assert "The riskiest tenth (135 customers) is 4.9 times as likely to leave as the average customer." in text
    assert "keep doing what works" not in text


def test_the_riskiest_are_called_a_tenth_only_while_they_are_about_a_tenth() -> None:
    tenth = QUIET.outlook.riskiestTenth.model_copy(update={"customers": 400})
    advice = QUIET.recommendations[0].model_copy(update={"action": "Write first to the riskiest 400 customers."})
    outlook = QUIET.outlook.model_copy(update={"riskiestTenth": tenth})
    text = template_summary(replace(QUIET, outlook=outlook, recommendations=(advice,)))
    assert "The riskiest 400 customers are 4.9 times as likely" in text
    assert "riskiest tenth" not in text


def test_the_template_keeps_a_sentences_own_end_and_names_one_reason_alone() -> None:
    asked = (Recommendation(id="ask", action="Ask them why!", priority="low", expectedImpact=""),)
    text = template_summary(replace(THE_BRIEFS, risk_factors=THE_BRIEFS.risk_factors[:1], recommendations=asked))
    assert "The leading reason for high risk is decreased purchase frequency." in text
    assert "Where to start: Ask them why! A small step" in text


def test_the_probabilities_of_an_average_shop_are_told_as_such() -> None:
    text = template_summary(replace(SAMPLE, caveats=(CAVEATS["no_look_back"],)))
    assert "In an average shop about 801 of 1,458 such customers would not be back within four weeks." in text
    assert "will probably" not in text
    assert "at stake" not in text.partition("Where to start")[0]


def test_a_reason_is_told_only_where_it_leads_for_a_quarter() -> None:
    rare = THE_BRIEFS.risk_factors[0].model_copy(update={"impact": "Low"})
    assert "leading reason" not in template_summary(replace(THE_BRIEFS, risk_factors=(rare,)))


def test_the_start_does_not_repeat_what_the_caveat_says() -> None:
    action = "Check whether your shop was closed or stopped sending its events: none arrived on Wednesday, Feb 26."
    check = Recommendation(id="check_events", action=action, priority="high", expectedImpact="")
    text = template_summary(replace(SAMPLE, caveats=(CAVEATS["days_without_events"],), recommendations=(check,)))
    assert text.endswith(
        "Where to start: find out whether your shop was closed or stopped sending its events. "
        "Once that is settled, reports are on firm ground again."
    )


@pytest.mark.parametrize(
    ("expected", "text"),
    [(0.2, "This week you had 1 active customer, who will probably be back"), (0.8, "who will probably not be back within")],
)
def test_the_template_knows_one_customer(expected: float, text: str) -> None:
    one = THE_BRIEFS.summary.model_copy(
        update={"totalCustomers": 1, "highRiskCount": 1, "churnedThisWeek": 1, "retentionRate": 0.0}
    )
    outlook = THE_BRIEFS.outlook.model_copy(update={"expectedToLeave": expected})
    said = template_summary(replace(THE_BRIEFS, summary=one, outlook=outlook))
    assert text in said
    assert "1 customer is currently flagged as high churn risk." in said
    assert "1 customer is above 80% risk and counts as churned, which makes a retention rate of 0.0%." in said


def test_the_template_knows_a_week_without_customers() -> None:
    assert template_summary(NOBODY).startswith("This week you had no active customers")


def test_money_is_told_in_the_clients_currency() -> None:
    facts = replace(SAMPLE, currency="JPY")
    assert "¥31,737 of the ¥147,714 that known customers spent this week is at stake" in template_summary(facts)
    assert "¥147,714" in prompt(facts)


# The check of every number.

RIGHT = [
    "Your shop had 1,000 active customers, and 150 of them (15%) are at high risk.",
    "Your shop had 1000 active customers between January 13 and January 19, 2025.",
    "For the week of January 13–19, 2025, you kept 95% of your customers.",
    "In the week ending January 19, 150 customers were flagged, up 5.2% from last week.",
    "The week ending 2025-01-19, or 19 January, was a steady one.",
    "The number of high-risk customers rose by about 5% while the number of churned customers fell by 2.1 percent.",
    "Roughly one in seven customers is at high risk, and just 1 in 20 has churned.",
    "High-Value and Regular customers together are five hundred.",
    "Your 200 High-Value customers are the most loyal, with a risk of 12.5%.",
    "At 17.2%, New customers have the highest risk of the four customer segments.",
    "Fifty customers are estimated to have churned: 5 percent of the total.",
    "One hundred and fifty customers are at high risk, and 850 are not.",
    "About eight hundred and fifty customers are likely to stay.",
    "Customers spent $100,000 this week, after $98,000 last week.",
    "The two main risk factors are decreased purchase frequency and high cart abandonment.",
    "The gap between New and High-Value customers is 4.7 percentage points.",
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


def test_a_small_count_is_never_told_as_a_rise_in_percent() -> None:
    two = replace(
        SAMPLE,
        summary=SAMPLE.summary.model_copy(
            update={
                "highRiskCount": 2,
                "prevWeekComparison": PreviousWeekComparison(highRisk=100.0, churned=None, retention=None),
            }
        ),
        last_week=SAMPLE.last_week.model_copy(update={"highRiskCount": 1}),
        risk_levels=(RiskCount(riskLevel="High", count=2), *SAMPLE.risk_levels[1:]),
        recommendations=(),
    )
    assert accepted("High risk rose from 1 customer to 2.", two)
    with pytest.raises(RejectedTextError):
        accepted("High risk is up 100%.", two)


# Caveats and praise.


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("no_look_back", "Since there is no history yet, these are the figures of an average shop."),
        ("days_without_events", "No data arrived from January 15 to 19, so all figures are too low."),
        ("days_without_events", "Events are missing for Wednesday, Thursday, Friday, Saturday and Sunday, Jan 15 to Jan 19."),
        ("gap_in_look_back", "Because of gaps in earlier weeks, the figures are not corrected for your shop."),
        ("tracking_changed", "Your tracking changed: carts and purchases are no longer recorded."),
    ],
)
def test_a_text_that_names_a_serious_caveat_goes_out(code: str, text: str) -> None:
    assert accepted(text, replace(SAMPLE, caveats=(CAVEATS[code],))) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("no_look_back", "About 801 customers will probably not be back."),
        ("days_without_events", "Some days have no events."),
        ("days_without_events", "No data arrived from January 15 to 18."),
        ("gap_in_look_back", "About 801 customers will probably not be back."),
        ("tracking_changed", "Your tracking changed: carts are no longer recorded."),
        ("no_look_back", "About 801 customers may leave.\n\nThese are the figures of an average shop."),
    ],
)
def test_a_text_without_a_serious_caveat_in_its_first_paragraph_is_refused(code: str, text: str) -> None:
    with pytest.raises(RejectedTextError, match=f"the caveat {code} is not in the first paragraph"):
        accepted(text, replace(SAMPLE, caveats=(CAVEATS[code],)))


PRAISE = [
    "It was a great week.",
    "Wonderful results: what a superb week for your thriving shop.",
    "Your shop is doing very well.",
    "Your shop is in good shape.",
    "The results are encouraging.",
    "That is a solid performance.",
    "A stellar week lies behind you.",
    "Your shop had a strong week.",
    "There is much to celebrate.",
    "You can be pleased.",
    "Business is booming.",
    "Everything looks great.",
]


@pytest.mark.parametrize("caveat", CAVEATS.values())
def test_praise_is_refused_in_a_week_with_a_caveat(caveat: Caveat) -> None:
    for praise in PRAISE:
        assert accepted(praise, SAMPLE) == praise
        with pytest.raises(RejectedTextError, match="praise in a week with a caveat"):
            accepted(f"{caveat.text.replace('_', ' ')} {praise}", replace(SAMPLE, caveats=(caveat,)))


@pytest.mark.parametrize(
    "text",
    [
        "A small step now can keep customers coming back.",
        "There are good reasons to write to them soon.",
        "The sooner you reach out, the better.",
    ],
)
def test_what_is_no_praise_goes_out_in_a_week_with_a_caveat(text: str) -> None:
    assert accepted(text, replace(SAMPLE, caveats=(CAVEATS["little_history"],))) == text


def test_the_prompt_has_a_serious_caveat_as_what_must_be_said_and_forbids_praise() -> None:
    asked = prompt(replace(SAMPLE, caveats=tuple(CAVEATS.values())))
    must_say, _, keep_in_mind = asked.partition("KEEP IN MIND")
    assert must_say.index("YOU MUST SAY THIS FIRST") < must_say.index("No events arrived on Jan 15 to Jan 19")
    assert "The week is not over" in keep_in_mind
    assert "Do not praise this week" in asked
    assert "MUST SAY" not in prompt(SAMPLE)
    assert "Do not praise this week" not in prompt(SAMPLE)


# Numbers in words.


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
    read = [numbers(f"{form} customers") for form in (str(number), f"{number:,}", spelled(number))]
    assert [[(each.unit, each.value) for each in found] for found in read] == [[(CUSTOMERS, number)]] * 3


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
    for number in numbers(tidy(text)):
        for character in number.words:
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
        ("Thinking of your customers, all is well.", "Thinking of your customers, all is well."),
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
        "THOUGHT: The owner wants comfort. All is well.",
        "Thinking: all is well.",
        "**Thought process**\nAll is well.",
        "Thoughts\n\nAll is well.",
        "My reasoning: all is well.",
        "All is well.\n\nThought: that was too short.",
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
        ("THOUGHT: All is well.", "a heading of the model's thoughts"),
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
    asked = prompt(SAMPLE)
    for heading in ("SUMMARY", "KEY INSIGHTS", "SEGMENT BREAKDOWN", "TOP RISK FACTORS", "RECOMMENDATIONS"):
        assert heading in asked
    for fact in (
        "January 13, 2025 to January 19, 2025",
        "801 of 1,458 customers; last week: 640",
        "$31,737 of the $147,714",
        "The riskiest tenth: 148 customers, 1.7 times as likely",
        "More customers than usual are expected to leave: 801, against 560 to 700 in a usual week.",
        "Of 401 customers flagged high risk four weeks ago, 307 have not come back.",
        "high churn risk: 690 (47.3% of all); last week: 478",
        "medium churn risk: 338 (23.2% of all); last week: 505",
        "high or medium risk: 1,028 (70.5% of all)",
        "Retention rate, the share of customers not above 80% risk: 82.4%; last week: 91.1%",
        "High-Value: 22 customers (last week: 25), average churn probability 5.0%",
        "Few Visits (impact: High): leads for 662 of 690 customers",
    ):
        assert fact in asked
    assert asked.index("OUTLOOK") < asked.index("NEWS") < asked.index("WHAT WAS SAID") < asked.index("SUMMARY")
    assert "2–3 short paragraphs" in asked
    assert "Work out, estimate or promise no other number" in asked


def test_the_prompt_lists_what_a_text_may_say() -> None:
    facts = replace(SAMPLE, changes=CHANGES)
    figures = prompt(facts).partition("Write a concise executive summary")[0]
    lines = [line.removeprefix("- ") for line in figures.splitlines() if line.startswith("- ")]
    sentences = [line for line in lines if line.endswith(".")]
    assert len(sentences) > 5
    for sentence in sentences:
        assert accepted(sentence, facts) == sentence


def test_facts_have_no_room_for_anything_about_anyone() -> None:
    assert {field.name for field in fields(Facts)} == {
        "week_start",
        "week_ending",
        "summary",
        "key_insights",
        "risk_factors",
        "segments",
        "recommendations",
        "average_churn",
        "backtest_sentence",
        "risk_levels",
        "outlook",
        "last_week",
        "caveats",
        "changes",
        "backtest",
        "currency",
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
