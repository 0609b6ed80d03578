"""The real shops that the model is measured on: their events, their customer-weeks, their memory."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from training import complete_journey, dataset, ta_feng
from training.dataset import CustomerWeeks

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RealShop:
    """A real shop, of which the newest `test_weeks` weeks whose outcome is known are for measuring."""

    name: str
    events: pa.Table
    last_day: date
    weeks: int
    """How many whole weeks of events there are."""
    newest: int
    """Weeks that end less than this many weeks before the last day are for measuring."""
    rows: CustomerWeeks
    active: Flags
    """n × 26: whether the customer was active 1, 2, … weeks before; False before the first week of the events."""

    @property
    def measured(self) -> Flags:
        """The customer-weeks (n) that are for measuring."""
        return np.asarray(self.rows.weeks_ago < self.newest)


def the_complete_journey() -> RealShop:
    """Return the grocer, whose second half of the year is for measuring."""
    return _real_shop("The Complete Journey", complete_journey.events(), date(2017, 12, 31), weeks=52, newest=26)


def ta_feng_supermarket() -> RealShop:
    """Return the supermarket, whose last four weeks with a known outcome are for measuring."""
    return _real_shop("Ta-Feng", ta_feng.events(), ta_feng.LAST_DAY, ta_feng.WEEKS, newest=8)


def _real_shop(name: str, events: pa.Table, last_day: date, weeks: int, newest: int) -> RealShop:
    rows = dataset.from_events(events, weeks, last_day)
    return RealShop(name, events, last_day, weeks, newest, rows, dataset.active_before(events, last_day, rows))
