"""Slack, through an incoming webhook."""

import json
from functools import partial

from report.delivery.attempts import Attempt, Result
from report.delivery.message import Message
from report.delivery.webhook import post


def send(message: Message, url: str, attempt: Attempt) -> Result:
    """Post the report. Slack cannot recognize a repeat, so nothing is sent again after a request without an answer."""
    unanswered = Result("uncertain", "Slack did not answer; the message may have arrived, so it is not sent again")
    post(url, json.dumps(message.slack(), ensure_ascii=False), {}, partial(attempt.commit, unanswered))
    return Result("sent")
