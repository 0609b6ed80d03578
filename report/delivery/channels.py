"""The channels of a client: signed webhook or Slack, and e-mail."""

from collections.abc import Mapping
from functools import partial

from report.delivery import mail, slack, webhook
from report.delivery.attempts import Channel, Result
from report.delivery.message import Message
from report.schema import ChannelName
from report.settings import MailSettings


def channels(message: Message, mail_settings: MailSettings | None) -> Mapping[ChannelName, Channel]:
    """Return the channels in the client's settings."""
    client = message.client
    found: dict[ChannelName, Channel] = {}
    if client.webhook_problem:
        found["slack" if client.webhook_flavour == "slack" else "webhook"] = _refused(client.webhook_problem)
    elif client.webhook_url and client.webhook_flavour == "slack":
        found["slack"] = Channel(partial(slack.send, message, client.webhook_url), webhook.ATTEMPT_SECONDS)
    elif client.webhook_url:
        found["webhook"] = Channel(partial(webhook.send, message, client.webhook_url), webhook.ATTEMPT_SECONDS)
    if client.email_problem:
        found["email"] = _refused(client.email_problem)
    elif client.email:
        found["email"] = Channel(partial(mail.send, message, mail_settings), mail.ATTEMPT_SECONDS)
    return found


def _refused(problem: str) -> Channel:
    """Make a channel that refuses to send, because the client's settings are wrong."""
    return Channel(lambda _: Result("refused", problem), 1.0)
