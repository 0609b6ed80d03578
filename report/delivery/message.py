"""The message that every channel sends: one client's report of one week."""

from dataclasses import dataclass
from urllib.parse import urlencode

from report.formatting import days
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
    def title(self) -> str:
        """The report's name in one line: the week and the client."""
        title = f"Weekly churn report, {days(self.report.meta.week_start, self.report.week_ending)}"
        return " ".join(f"{title}: {self.client.name}".split()) if self.client.name else title

    @property
    def subject(self) -> str:
        """The title, and the warning if there is one."""
        return f"⚠ {self.title} – {' '.join(self.warning.split())}" if self.warning else self.title

    @property
    def warning(self) -> str | None:
        """The worst serious caveat of the report; None where there is none."""
        return next((caveat.text for caveat in self.report.report_data.caveats if caveat.severity == "serious"), None)

    @property
    def link(self) -> str:
        """The address of the page with this report."""
        return f"{self.page_url}?{urlencode({'client_id': self.report.meta.client_id, 'week_ending': self.report.week_ending})}"
