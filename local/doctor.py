"""Examine a shop's rows: what is in them, what a report would say about them, and what to correct. It only reads."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import jinja2
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from local import function
from local.ingest.mapping import InputError
from local.ingest.rows import KNOWN_EVENT_TYPES, last_full_week
from report.settings import ClientSettings

SQL = Path(__file__).with_name("sql") / "doctor"
WEEKS = 26
"""How many weeks back it looks from the newest event: further than a report does."""
NOBODY = ("", "undefined", "null", "none", "nan", "unknown", "anonymous", "guest", "0", "[object object]")
PURCHASES = ("purchase", "order_completed")
TYPES: Mapping[type, str] = {int: "INT64", str: "STRING", datetime: "TIMESTAMP"}

REMOVED = {"remove", "removed", "delete", "deleted"}
WISHLIST = {"wishlist", "wish", "favorite", "favourite", "favorites", "favourites"}
CART = {"cart", "basket", "bag", "addtocart"}
UPDATED = {"update", "updated", "quantity", "change", "changed"}
BOUGHT = {"purchase", "purchased", "order", "ordered", "transaction", "sale", "buy", "bought", "payment"}
NEITHER = {
    *("view", "viewed", "open", "opened", "abandoned", "started", "failed"),
    *("refund", "refunded", "return", "returned", "cancel", "cancelled", "canceled"),
}
"""Words in the names of event types, and those with which they mean something else."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """A finding, and what to do about it if something is wrong."""

    text: str
    remedy: str | None = None


def examine(  # noqa: PLR0913, PLR0917 - the command line's
    client: bigquery.Client,
    dataset: str,
    client_id: int | None,
    settings: Mapping[int, ClientSettings],
    reports: function.Function,
    say: Callable[[str], None],
) -> str:
    """Examine a client; return the findings in words. Raise InputError if there is nothing to examine."""
    run = partial(_run, client, dataset)
    try:
        clients = run("clients.sql", {})
        if not clients:
            raise InputError(f"{dataset}.events has no rows")
        chosen = client_id if client_id is not None else clients[0]["client_id"]
        own = next((row for row in clients if row["client_id"] == chosen), None)
        if own is None:
            there = ", ".join(str(row["client_id"]) for row in clients)
            raise InputError(
                f"{dataset}.events has no rows of client {chosen}; there are {there}: CLIENT={clients[0]['client_id']}"
            )
        about = settings.get(chosen, ClientSettings())
        now = datetime.now(UTC)
        until = max(own["last"], now)
        newest = min(own["last"], now)
        scope = {"client_id": chosen, "since": newest - timedelta(weeks=WEEKS), "until": until}
        say(f"Looking at client {chosen}: {own['events']:,} events")
        names = ("event_types.sql", "customers.sql", "copies.sql", "sessions.sql", "hours.sql")
        with ThreadPoolExecutor(len(names)) as pool:
            scopes = [scope | ({"time_zone": about.time_zone} if name == "hours.sql" else {}) for name in names]
            types, customers, copies, sessions, hours = pool.map(run, names, scopes)
    except GoogleAuthError as error:
        raise InputError(f"No access to BigQuery: {error}\nSign in with: gcloud auth application-default login") from None
    except GoogleAPIError as error:
        raise InputError(f"BigQuery refused: {getattr(error, 'message', None) or error}") from None
    zone = about.zone()
    week_ending = last_full_week(own["first"].astimezone(zone).date(), newest.astimezone(zone).date())
    sections = {
        "Rows": (*_clients(clients, chosen), *_time(own, hours, about, now), *_copies(copies, types)),
        "Event types": tuple(_event_types(types)),
        "Customers": tuple(_customers(customers)),
        "Amounts": tuple(_amounts(types, about)),
        "Sessions": tuple(_sessions(sessions, customers, types)),
        f"A report of the week that ends on {week_ending}": tuple(_report(reports, chosen, week_ending, say)),
    }
    return written(sections)


def written(sections: Mapping[str, Sequence[Finding]]) -> str:
    """Write the findings as text, by section, with the corrections at the end."""
    lines, remedies = [], []
    for title, findings in sections.items():
        lines.append(title)
        for finding in findings:
            lines.append(f"  {finding.text}")
            if finding.remedy:
                remedies.append(finding.remedy)
    lines.append("What to put right")
    lines += [f"  {number}. {remedy}" for number, remedy in enumerate(dict.fromkeys(remedies), 1)] or ["  nothing"]
    return "\n".join(lines) + "\n"


def guess(event_type: str) -> str | None:
    """Guess from its name what the report would call an event type."""
    words = set(re.findall("[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", event_type).lower()))
    removed = "removed_from" if words & REMOVED else "added_to"
    if words & NEITHER:
        return None
    if words & WISHLIST:
        return f"{removed}_wishlist"
    if words & CART or ("product" in words and words & {"added", "removed"}):
        return "cart_quantity_updated" if words & UPDATED else f"{removed}_cart"
    return "purchase" if words & BOUGHT else None


def not_the_customers(event_type: str) -> bool:
    """Tell whether the name of an event type says that the shop causes it, not the customer."""
    words = set(re.findall("[a-z]+", event_type.lower()))
    sent = words & {"delivered", "sent", "bounced", "dropped", "scheduled", "imported", "synced"}
    return bool(sent and words & {"email", "mail", "sms", "push", "newsletter", "notification", "message", "campaign"})


def _run(client: bigquery.Client, dataset: str, name: str, parameters: Mapping[str, Any]) -> list[Row]:
    tables = {table: f"`{dataset}.{table}`" for table in ("events", "users")}
    query = jinja2.Template((SQL / name).read_text("utf-8")).render(tables)
    given = [bigquery.ScalarQueryParameter(key, TYPES[type(value)], value) for key, value in parameters.items()]
    options = bigquery.QueryJobConfig(query_parameters=given, labels={"function": "weekly-churn-report", "step": "doctor"})
    return [dict(row) for row in client.query_and_wait(query, job_config=options)]


def _clients(clients: Sequence[Row], chosen: int) -> Iterable[Finding]:
    own = next(row for row in clients if row["client_id"] == chosen)
    yield Finding(f"client {chosen}: {own['events']:,} events of {own['customers']:,} customers")
    if len(clients) > 1:
        others = ", ".join(f"{row['client_id']} ({row['events']:,})" for row in clients if row is not own)
        yield Finding(f"other clients, with their events: {others}")


def _time(own: Row, hours: Sequence[Row], about: ClientSettings, now: datetime) -> Iterable[Finding]:
    zone = about.zone()
    first, last = own["first"].astimezone(zone).date(), own["last"].astimezone(zone).date()
    yield Finding(f"from {first} to {last}, {(last - first).days + 1:,} days in the time zone {about.time_zone}")
    today = now.astimezone(zone).date()
    by_day: Counter[date] = Counter()
    by_hour: Counter[int] = Counter()
    at_midnight = 0
    for row in hours:
        by_day[row["day"]] += row["events"]
        by_hour[row["hour"]] += row["events"]
        at_midnight += row["at_midnight"]
    later = sum(events for day, events in by_day.items() if day > today)
    if later:
        yield Finding(
            f"{later:,} events are later than today",
            "Look for wrong clocks or day and month exchanged: future events do not count.",
        )
    past = sorted(day for day in by_day if day <= today)
    silent = [day for day in _days(past[0], past[-1]) if day not in by_day] if past else []
    if silent and median(by_day[day] for day in past) >= 1:
        shown = ", ".join(map(str, silent[:5])) + (f" and {len(silent) - 5} more" if len(silent) > 5 else "")
        remedy = "Find out whether the shop was closed on the days without events, or whether events are missing."
        yield Finding(f"{len(silent)} days without any event: {shown}", None if _weekly(silent) else remedy)
    total = sum(by_hour.values())
    if total and at_midnight > 0.9 * total:
        yield Finding("times are days: nearly every event is at midnight", "Export times with their hours if you have them.")
    elif total >= 1000:
        quiet = min(range(24), key=lambda hour: sum(by_hour[(hour + later) % 24] for later in range(6)))
        yield Finding(f"quietest from {quiet}:00 to {(quiet + 6) % 24}:00 in {about.time_zone}")
        if 6 <= quiet <= 20:
            yield Finding(
                "customers seem to sleep in the daytime",
                f"Check the time zone: {about.time_zone} makes the night begin at {quiet}:00.",
            )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _weekly(days: Sequence[date]) -> bool:
    """Return whether all days are the same day of the week, as in a shop that is closed on Sundays."""
    return len(days) > 2 and len({day.weekday() for day in days}) == 1


def _copies(copies: Sequence[Row], types: Sequence[Row]) -> Iterable[Finding]:
    repeated, events = int(copies[0]["repeated"] or 0), sum(row["events"] for row in types)
    if repeated:
        remedy = "Drop exact copies of rows, or give what makes them differ (drop_duplicates in a mapping)."
        share = repeated / max(events, 1)
        yield Finding(f"{repeated:,} rows ({share:.1%}) are exact copies of another", remedy if share > 0.01 else None)


def _event_types(types: Sequence[Row]) -> Iterable[Finding]:
    for row in types:
        name = row["event_type"]
        told = f"{row['events']:>10,}  {name}"
        if name in KNOWN_EVENT_TYPES:
            yield Finding(told)
        elif not_the_customers(name):
            remedy = f'If the shop and not the customer does "{name}": "ignored_event_types": ["{name}"] in CLIENTS.'
            yield Finding(f"{told} - not known; perhaps not the customer's doing", remedy)
        elif meaning := guess(name):
            remedy = f'If "{name}" means {meaning}, name it so: [event_types] in a mapping, "{name}" = "{meaning}".'
            yield Finding(f"{told} - not known, counts as activity; perhaps {meaning}", remedy)
        else:
            yield Finding(f"{told} - counts as activity")
    if not any(row["event_type"] in PURCHASES for row in types):
        yield Finding("no purchases", "Without events of type purchase or order_completed nobody spends anything.")


def _customers(customers: Sequence[Row]) -> Iterable[Finding]:
    if not customers:
        return
    top = customers[0]
    count = top["customers"]
    yield Finding(f"{count:,} different ids, {top['known'] or 0:,} of them in the users table")
    nobody = [row for row in customers if row["user_id"] is None or row["user_id"].strip().lower() in NOBODY]
    if top["nobodys_events"]:
        shown = ", ".join(f"{row['user_id']!r} ({row['events']:,})" for row in nobody)
        remedy = "Send a customer's id, or none, instead of a placeholder: such rows do not count."
        yield Finding(f"{top['nobodys_events']:,} events have no customer's id{f': {shown}' if shown else ''}", remedy)
    if top["addresses"]:
        remedy = "Use an id that is no e-mail address where you can: ids appear in reports, and people change addresses."
        yield Finding(f"{top['addresses']:,} ids are e-mail addresses", remedy if top["addresses"] < count else None)
    if top["known_twice"]:
        yield Finding(
            f"{top['known_twice']:,} customers have more than one row in the users table", "Keep one row a customer there."
        )
    events = sum(row["events"] for row in customers)
    for row in customers[:3]:
        if (
            row not in nobody
            and count >= 20
            and row["events"] > 1000
            and row["events"] > 20 * median(r["events"] for r in customers)
        ):
            remedy = f"Find out who {row['user_id']!r} is: an id with that many events is often a robot, a till or a placeholder."
            yield Finding(f"{row['user_id']!r} has {row['events']:,} events of the top twenty's {events:,}", remedy)


def _amounts(types: Sequence[Row], about: ClientSettings) -> Iterable[Finding]:
    for row in types:
        if row["event_type"] not in PURCHASES:
            continue
        name, events = row["event_type"], row["events"]
        greatest = "none" if row["greatest"] is None else f"{row['greatest']:,.2f} {about.currency}"
        yield Finding(f"{name}: the greatest price is {greatest}; {row['without_quantity']:,} without quantity, which is then 1")
        if row["without_price"]:
            remedy = f"Give every {name} its price: without one it counts 0."
            share = row["without_price"] / events
            yield Finding(f"{row['without_price']:,} of {events:,} have no price", remedy if share > 0.01 else None)
        if row["negative"]:
            yield Finding(
                f"{row['negative']:,} have a negative amount, which lowers what the customer spent",
                f"Check that negative amounts of {name} are returns.",
            )
        if row["zero"]:
            yield Finding(f"{row['zero']:,} cost nothing")
        if row["huge"]:
            yield Finding(f"{row['huge']:,} have an amount that cannot be", "Correct amounts beyond 10^15: they count 0.")


def _sessions(sessions: Sequence[Row], customers: Sequence[Row], types: Sequence[Row]) -> Iterable[Finding]:
    row = sessions[0]
    events, without, count, shared = (int(row[name] or 0) for name in ("events", "without_session", "sessions", "shared"))
    if without == events:
        yield Finding("no event has a session", "Send a session_id: without it every customer counts as one without visits.")
        return
    per_customer = count / max(customers[0]["customers"], 1) if customers else 0
    yield Finding(f"{count:,} sessions, {events / max(count, 1):.1f} events each, {per_customer:.1f} a customer")
    if without:
        remedy = "Send a session_id with every event."
        yield Finding(f"{without:,} events have no session", remedy if without > 0.05 * events else None)
    if shared > 0.01 * count:
        yield Finding(
            f"{shared:,} sessions belong to more than one customer", "Check session_id: it should change with the customer."
        )
    if count > 100 and count >= 0.98 * (events - without) and events > 2 * (customers[0]["customers"] if customers else 0):
        remedy = "Check session_id: it should be the same for one visit."
        of_orders = all(row["event_type"] in PURCHASES for row in types)  # a list of orders: each is a visit
        yield Finding("nearly every event is a session of its own", None if of_orders else remedy)


def _report(reports: function.Function, client_id: int, week_ending: date, say: Callable[[str], None]) -> Iterable[Finding]:
    path = "/reports/generate?" + urlencode({"client_id": client_id, "week_ending": week_ending})
    say(f"Asking for GET {path}")
    answer = reports.ask(path)
    if answer.status != 200:
        yield Finding(f"there is none: the function answered {answer.status}: {answer.text.strip()}")
        return
    report = answer.json()
    data = report["report_data"]
    summary = data["summary"]
    yield Finding(
        f"{summary['totalCustomers']:,} customers, {summary['highRiskCount']:,} at high risk, "
        f"average churn probability {summary['avgChurnProbability']:.1%}"
    )
    for caveat in data.get("caveats") or ():
        yield Finding(f"{caveat['severity']}: {caveat['text']}")
    if not data.get("caveats"):
        yield Finding("no caveats")
