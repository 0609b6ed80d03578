"""A buy-till-you-die model for comparison: BG/NBD, fitted by pymc-marketing to each customer's whole history.

Fader, Hardie & Lee, "Counting your customers the easy way", Marketing Science 24, 2005. It knows the whole history where the
report's model knows the week and eight weeks before it; it does not know spend or carts.
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pymc_marketing.clv import BetaGeoModel


def probabilities_to_stay_away(
    events: pa.Table, last_day: date, newest_weeks: int, follow_up_weeks: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Return who churned, and the predicted probability, for each customer-week of the `newest_weeks` before `last_day`.

    The model is fitted once, to the time before these weeks. The history of each week ends with that week.
    """
    days = events["timestamp"].cast(pa.date32()).to_numpy().astype(np.int64)
    _, who = np.unique(events["user_id"].to_numpy(), return_inverse=True)
    visits = pd.DataFrame({"customer_id": who, "day": days}).drop_duplicates()
    end = (last_day - date(1970, 1, 1)).days
    model = BetaGeoModel(data=_history(visits, end - 7 * newest_weeks))
    model.fit(method="map", progressbar=False)
    churned, probabilities = [], []
    for weeks_ago in range(follow_up_weeks, newest_weeks):
        week_end = end - 7 * weeks_ago
        history = _history(visits, week_end)
        customers = visits[visits["day"].between(week_end - 6, week_end)]["customer_id"].unique()
        history = history[history["customer_id"].isin(customers)]
        later = visits[visits["day"].between(week_end + 1, week_end + 7 * follow_up_weeks)]["customer_id"].unique()
        stay_away = model.expected_probability_no_purchase(7 * follow_up_weeks, data=history)
        churned.append(~history["customer_id"].isin(later).to_numpy())
        probabilities.append(stay_away.mean(("chain", "draw")).to_numpy())
    return np.concatenate(churned), np.concatenate(probabilities)


def _history(visits: pd.DataFrame, until: int) -> pd.DataFrame:
    """Return each customer's repeat days, days from first to last visit, and days from the first visit to the day `until`."""
    days = visits[visits["day"] <= until].groupby("customer_id")["day"].agg(["count", "min", "max"])
    return pd.DataFrame(
        {
            "customer_id": days.index,
            "frequency": (days["count"] - 1).to_numpy(dtype=float),
            "recency": (days["max"] - days["min"]).to_numpy(dtype=float),
            "T": (until - days["min"]).to_numpy(dtype=float),
        }
    )
