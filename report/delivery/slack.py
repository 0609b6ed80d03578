"""Slack, through an incoming webhook."""

import json
from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any

from report.delivery.attempts import Attempt, Result
from report.delivery.message import Message
from report.delivery.webhook import post


def send(message: Message, url: str, attempt: Attempt) -> Result:
    """Post the report. Slack cannot recognize a repeat, so nothing is sent again after a request without an answer."""
    unanswered = Result("uncertain", "Slack did not answer; the message may have arrived, so it is not sent again")
    post(url, json.dumps(slack_message(message), ensure_ascii=False), {}, partial(attempt.commit, unanswered))
    return Result("sent")


def slack_message(message: Message) -> Mapping[str, Any]:
    """Write the message: the first screen of the report in blocks, and the news as text for notifications."""
    from report.pages.mail import mail_subject
    from report.pages.slack import slack_blocks
    from report.pages.view import view

    shown = view(message.report)
    return {
        "text": escape(mail_subject(shown), quote=False),
        "unfurl_links": False,
        "blocks": slack_blocks(shown, message.link),
    }
