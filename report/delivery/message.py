"""The message that every channel sends: one client's report of one week."""

from dataclasses import dataclass
from urllib.parse import urlencode

from report.schema import Report
from report.settings import ClientSettings


@dataclass(frozen=True)
class Message:
    """One client's report of one week, and where its page is."""

    report: Report
    client: ClientSettings
    page_url: str

    @property
    def id(self) -> str:
        """The same for the same client and week, so that receivers can drop repeats."""
        return f"report_{self.report.meta.client_id}_{self.report.week_ending}"

    @property
    def link(self) -> str:
        """The address of the page with this report."""
        return f"{self.page_url}?{urlencode({'client_id': self.report.meta.client_id, 'week_ending': self.report.week_ending})}"
