"""The local BigQuery, the shops in it, and the commands that run the whole way on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pyarrow.compute as pc
import pytest
from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

from local import function, programs, shops
from tests.support.ports import free_port

EVENT_TYPES = {
    "added_to_wishlist",
    "removed_from_wishlist",
    "added_to_cart",
    "removed_from_cart",
    "cart_quantity_updated",
    "purchase",
    "order_completed",
}


PARAMETER_TYPES = {int: "INT64", str: "STRING", date: "DATE"}

# The sample shop


def rows(bigquery, sql, **parameters):
    given = [ScalarQueryParameter(name, PARAMETER_TYPES[type(value)], value) for name, value in parameters.items()]
    return [tuple(row) for row in bigquery.client.query_and_wait(sql, job_config=QueryJobConfig(query_parameters=given))]


@pytest.mark.usefixtures("sample_shop")
def test_sample_shop_has_a_thousand_customers_in_each_week(bigquery):
    last_sunday = shops.last_sunday(datetime.now(UTC), "UTC")
    weeks = rows(
        bigquery,
        """
        SELECT DIV(DATE_DIFF(@last_sunday, DATE(timestamp), DAY), 7) AS weeks_ago, COUNT(DISTINCT user_id) AS customers
        FROM sample.events WHERE client_id = 1 GROUP BY weeks_ago ORDER BY weeks_ago
        """,
        last_sunday=last_sunday,
    )
    assert [weeks_ago for weeks_ago, _ in weeks] == list(range(26))
    assert min(customers for _, customers in weeks) >= 1000


@pytest.mark.usefixtures("sample_shop")
def test_sample_shop_has_every_event_type(bigquery):
    found = rows(bigquery, "SELECT DISTINCT event_type FROM sample.events WHERE client_id = 1")
    assert {event_type for (event_type,) in found} >= EVENT_TYPES


def test_last_week_of_each_sample_client(bigquery, sample_shop):
    customers = {}
    for client, about in sample_shop.clients.items():
        week_ending = shops.last_sunday(datetime.now(UTC), about["time_zone"])
        [(in_week, later)] = rows(
            bigquery,
            """
            SELECT
              COUNT(DISTINCT IF(day > DATE_SUB(@week_ending, INTERVAL 7 DAY), user_id, NULL)),
              COUNTIF(day > @week_ending)
            FROM (SELECT user_id, DATE(timestamp, @time_zone) AS day FROM sample.events WHERE client_id = @client)
            """,
            week_ending=week_ending,
            time_zone=about["time_zone"],
            client=client,
        )
        assert later == 0
        customers[client] = in_week
    assert customers[1] > customers[2] > customers[3]
    assert (customers[3], customers[4]) == (1, 0)


def test_sample_customers_are_made_up_and_a_few_are_missing(bigquery, sample_shop):
    users = sample_shop.events.group_by(["client_id", "user_id"]).aggregate([]).to_pylist()
    everyone = {(row["client_id"], row["user_id"]) for row in users}
    people = rows(bigquery, "SELECT client_id, user_id, email, name FROM sample.users")
    known = {(client, user) for client, user, _, _ in people}
    assert len(known) == len(people)
    assert known < everyone
    assert 0.9 < len(known) / len(everyone) < 1
    assert all(email.endswith("@example.com") and "Customer" in name for _, _, email, name in people)
    assert any('"' in name and "<b>" in name and not name.isascii() for *_, name in people)


def test_sample_shop_is_the_same_in_every_week_but_for_its_dates():
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    one, later = (shops.sample(now + timedelta(days=days)).events for days in (0, 7))
    for client in (1, 2, 3):
        before, after = (events.filter(pc.field("client_id") == client) for events in (one, later))
        assert before.drop_columns("timestamp").equals(after.drop_columns("timestamp"))
    assert pc.unique(pc.subtract(later["timestamp"], one["timestamp"]))[0].as_py() == timedelta(days=7)


@pytest.mark.parametrize(
    ("now", "time_zone", "expected"),
    [
        ("2026-11-23T00:00Z", "UTC", date(2026, 11, 22)),
        ("2026-11-22T23:59Z", "UTC", date(2026, 11, 15)),
        ("2026-11-23T00:00Z", "America/New_York", date(2026, 11, 15)),
        ("2026-11-22T15:00Z", "Asia/Tokyo", date(2026, 11, 22)),
    ],
)
def test_last_sunday_is_the_clients_own(now, time_zone, expected):
    assert shops.last_sunday(datetime.fromisoformat(now), time_zone) == expected


# Rows of tests


def test_loaded_rows_come_back_as_they_were(bigquery, load_events, load_users, client_id):
    load_events(
        [
            {"user_id": "ann", "event_type": "purchase", "timestamp": "2025-01-14 10:00", "price": "49.999999999", "quantity": 2},
            {"event_type": "page_view", "timestamp": "2025-01-14T10:00:00.000001+02:00", "session_id": "s"},
        ]
    )
    load_users([{"user_id": "ann", "name": "Ann O'Nym \N{SNOWMAN}"}])
    events = rows(bigquery, "SELECT * FROM analytics.events WHERE client_id = @client ORDER BY timestamp", client=client_id)
    assert [(*row[:4], row[4] and str(row[4]), *row[5:]) for row in events] == [
        (client_id, None, "page_view", datetime(2025, 1, 14, 8, 0, 0, 1, UTC), None, None, "s"),
        (client_id, "ann", "purchase", datetime(2025, 1, 14, 10, tzinfo=UTC), "49.999999999", 2, None),
    ]
    users = rows(bigquery, "SELECT * FROM analytics.users WHERE client_id = @client", client=client_id)
    assert users == [(client_id, "ann", None, "Ann O'Nym \N{SNOWMAN}")]


# The commands


def run(*arguments, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "local.run", *arguments],
        cwd=programs.ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder):
    """The command lines of the processes that were started with this TMPDIR, or with one inside it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in process.joinpath("environ").read_bytes():
                found.append(process.joinpath("cmdline").read_bytes())
        except OSError:
            continue  # it has ended
    return found


def wait_until_gone(folder, seconds=20):
    deadline = time.monotonic() + seconds
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


@pytest.mark.parametrize("shop", ["sample", "complete-journey"])
def test_report_prints_one_report_and_leaves_nothing_behind(tmp_path, shop):
    with run("report", "--shop", shop, folder=tmp_path) as command:
        output, progress = command.communicate()
        assert command.returncode == 0, progress
    answer = json.loads(output)
    assert answer["report_data"]["summary"]["totalCustomers"] > 1000
    assert answer["meta"]["client_id"] == 1
    assert not answer["meta"]["partial"]
    assert not processes_of(tmp_path)
    assert not list(tmp_path.iterdir())


def test_report_fails_with_the_answer_when_there_is_no_report(tmp_path):
    with run("report", "--client", "0", folder=tmp_path) as command:
        output, progress = command.communicate()
    assert command.returncode == 1
    assert output == ""
    assert "422" in progress
    assert "client_id" in progress


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_report_leaves_nothing_running(tmp_path, ending):
    with run("report", folder=tmp_path) as command:
        while "starting the function" not in command.stderr.readline():
            assert command.poll() is None
        assert processes_of(tmp_path)
        command.send_signal(ending)
        output, progress = command.communicate()
        assert output == ""
        assert "Traceback" not in progress
    wait_until_gone(tmp_path)
    if ending != signal.SIGKILL:
        assert command.returncode == 128 + ending
        assert not list(tmp_path.iterdir())


def test_serve_opens_a_shop_of_the_past_on_a_week_that_has_data(tmp_path):
    port = free_port()
    with run("serve", "--shop", "complete-journey", "--port", str(port), folder=tmp_path) as command:
        printed = ""
        while "Ctrl-C" not in printed:
            assert command.poll() is None, printed
            printed += command.stderr.readline()
        command.send_signal(signal.SIGINT)
        command.communicate()
    assert f"The page: http://127.0.0.1:{port}/?client_id=1&week_ending=2017-12-03\n" in printed
    wait_until_gone(tmp_path)


def test_serve_says_when_the_port_is_taken(tmp_path, serve):
    port = serve().address.rsplit(":", 1)[1]
    with run("serve", "--port", port, folder=tmp_path) as command:
        output, progress = command.communicate()
    assert command.returncode == 1
    assert output == ""
    assert f"Port {port} cannot be used" in progress


def test_a_function_that_does_not_start_says_why(tmp_path):
    source = tmp_path / "main.py"
    source.write_text('raise RuntimeError("this is why")\n')
    with pytest.raises(programs.ProgramError, match="this is why"), function.running({}, source=source):
        pass


def test_function_gets_the_given_settings_and_no_others(tmp_path, monkeypatch):
    for name in ("GEMINI_API_KEY", "CLIENTS", "BIGQUERY_PROJECT"):
        monkeypatch.setenv(name, "from outside")
    source = tmp_path / "main.py"
    source.write_text(
        dedent("""
        import json, os
        def reports(request):
            print(json.dumps({"path": request.path}))
            return {"key": request.headers.get("X-API-Key"), "environment": dict(os.environ)}
        """)
    )
    with function.running({"CLIENTS": "{}"}, source=source) as running:
        answer = running.ask("/anything").json()
        assert answer["key"] == running.key
        assert answer["environment"]["CLIENTS"] == "{}"
        assert not {"GEMINI_API_KEY", "BIGQUERY_PROJECT"} & answer["environment"].keys()
        assert running.ask("/else", key="").json()["key"] is None
        assert running.log() == [{"path": "/anything"}, {"path": "/else"}]
