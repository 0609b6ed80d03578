"""Somebody at a browser, and the shop whose reports they read."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from playwright.sync_api import Page

WEEK_ENDING = date(2025, 1, 19)
PATIENCE_MS = 30_000
"""How long a browser waits: reports take one or two seconds if nothing else runs."""


@dataclass
class Seen:
    """What a browser has been seen to do."""

    requests: list[Any] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """Somebody at a browser."""

    page: Page
    seen: Seen

    def generate(self, key: str, client_id: int, week_ending: date | None = WEEK_ENDING, customers: bool = False) -> None:
        """Fill in the form and send it."""
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_label("Shop number").fill(str(client_id))
        if week_ending:
            self.page.get_by_label("Week ending").fill(week_ending.isoformat())
        self.page.get_by_label("Name the customers most at risk").set_checked(customers)
        self.page.get_by_role("button", name="Generate report").click()

    def open_download(self) -> None:
        """Unfold what can be downloaded."""
        self.page.locator("#download summary").click()

    def report(self) -> str:
        """The text of the report, when it is there."""
        self.page.wait_for_selector("article.report", timeout=PATIENCE_MS)
        return self.page.inner_text("article.report")

    def problem(self) -> str:
        """What went wrong, when it has."""
        self.page.wait_for_selector("#problem:not([hidden])", timeout=PATIENCE_MS)
        return self.page.inner_text("#problem")


@dataclass(frozen=True)
class Shop:
    """A client with a few customers in its week, one of them with a name that tries everything; none in the week after."""

    client_id: int
    name: str

    @property
    def empty_week(self) -> date:
        return WEEK_ENDING + timedelta(days=28)


def many_customers(number: int) -> list[dict[str, str]]:
    """The events of a week with this many customers, u0000 and so on, at different risks."""
    kinds = ("purchase", "removed_from_cart")
    return [
        {
            "user_id": f"u{each:04}",
            "event_type": kinds[each % 2],
            "timestamp": f"2025-01-{13 + each % 7}T12:00",
            "price": f"{each % 50}.50",
        }
        for each in range(number)
    ]
