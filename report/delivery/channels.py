"""The channels of a client: signed webhook or Slack, and e-mail."""

from collections.abc import Mapping
from functools import partial

from report.delivery import mail, slack, webhook
from report.delivery.attempts import Attempt, Channel, RefusedError, Result
from report.delivery.message import Message
from report.schema import ChannelName
from report.settings import MailSettings


def channels(message: Message, mail_settings: MailSettings | None) -> Mapping[ChannelName, Channel]:
    """Return the channels that the client's settings ask for."""
    client = message.client
    found: dict[ChannelName, Channel] = {}
    if client.webhook_problem:
        refusing = Channel(partial(_refuse, client.webhook_problem), webhook.ATTEMPT_SECONDS)
        found["slack" if client.webhook_flavour == "slack" else "webhook"] = refusing
    elif client.webhook_url and client.webhook_flavour == "slack":
        found["slack"] = Channel(partial(slack.send, message, client.webhook_url), webhook.ATTEMPT_SECONDS)
    elif client.webhook_url:
        found["webhook"] = Channel(partial(webhook.send, message, client.webhook_url), webhook.ATTEMPT_SECONDS)
    if client.email_problem:
        found["email"] = Channel(partial(_refuse, client.email_problem), mail.ATTEMPT_SECONDS)
    elif client.email:
        found["email"] = Channel(partial(mail.send, message, mail_settings), mail.ATTEMPT_SECONDS)
    return found


def _refuse(problem: str, _: Attempt) -> Result:
    raise RefusedError(problem)
