"""Slack, through an incoming webhook."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from report.delivery.attempts import Attempt, Result
from report.delivery.message import Message
from report.delivery.webhook import post
from report.formatting import percent, whole


def send(message: Message, url: str, attempt: Attempt) -> Result:
    """Post the report. Slack cannot recognize a repeat, so nothing is sent again after a request without an answer."""
    unanswered = Result("uncertain", "Slack did not answer; the message may have arrived, so it is not sent again")
    post(url, json.dumps(slack_message(message), ensure_ascii=False), {}, partial(attempt.commit, unanswered))
    return Result("sent")


def slack_message(message: Message) -> Mapping[str, Any]:
    """Lay out the report in Slack's blocks: a warning if there is one, the summary, four numbers, risk factors, the link."""
    data = message.report.report_data
    numbers = data.summary
    fields = {
        "Customers": whole(numbers.totalCustomers),
        "High risk": whole(numbers.highRiskCount),
        "Churned this week": whole(numbers.churnedThisWeek),
        "Retention": "–" if numbers.retentionRate is None else percent(numbers.retentionRate),
    }
    factors = "\n".join(f"• {factor.factor} ({factor.impact} impact)" for factor in data.topRiskFactors)
    link = _escaped(message.link.replace("|", "%7C"), 2_900)
    return {
        "text": _escaped(message.subject, 3_000),
        "unfurl_links": False,
        "blocks": [
            {"type": "header", "text": _plain(message.title, 150)},
            *([{"type": "section", "text": _plain(f"⚠ {message.warning}", 3_000)}] if message.warning else []),
            {"type": "section", "text": _plain(data.executiveSummary, 3_000)},
            {"type": "section", "fields": [_plain(f"{name}\n{value}", 2_000) for name, value in fields.items()]},
            *([{"type": "section", "text": _plain(f"Top risk factors\n{factors}", 3_000)}] if factors else []),
            {"type": "section", "text": {"type": "mrkdwn", "text": f"<{link}|Open the report>"}},
        ],
    }


def _plain(text: str, max_characters: int) -> Mapping[str, Any]:
    return {"type": "plain_text", "text": _escaped(text, max_characters), "emoji": False}


def _escaped(text: str, max_characters: int) -> str:
    """Escape the three characters that Slack gives a meaning, and cut the text to what a block takes."""
    pieces = [{"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character) for character in text]
    if sum(map(len, pieces)) <= max_characters:
        return "".join(pieces)
    length, kept = 1, []
    for piece in pieces:
        length += len(piece)
        if length > max_characters:
            break
        kept.append(piece)
    return "".join(kept) + "…"
