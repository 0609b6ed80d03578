"""The message for a client's channels: one report of one week, in the form of each channel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from report.settings import ClientSettings


@dataclass(frozen=True)
class Attachment:
    """A file attached to an e-mail: a text is HTML, bytes are a PDF."""

    name: str
    content: str | bytes


@dataclass(frozen=True)
class Letter:
    """The report as an e-mail, apart from the addresses."""

    subject: str
    date: datetime
    text: str
    html: str
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True)
class Message:
    """One client's report of one week. Each form is made only when its channel sends it."""

    id: str
    """The same for the same client and week, so that receivers can drop repeats."""
    client: ClientSettings
    payload: Callable[[], Mapping[str, Any]]
    """What a webhook receives."""
    slack: Callable[[], Mapping[str, Any]]
    letter: Callable[[], Letter]
