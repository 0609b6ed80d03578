"""Signed links: only what was signed opens a report, and only until it expires."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from report.api.links import LINK_DAYS, link_problem, shared_link, signature

SECRET = "sixteen letters!"  # noqa: S105  # pragma: allowlist secret
NOW = datetime(2025, 1, 20, 6, tzinfo=UTC)
WEEK_ENDING = date(2025, 1, 19)


def test_a_link_opens_its_report_until_it_expires() -> None:
    link = shared_link("https://reports.example/reports/shared", SECRET, 7, WEEK_ENDING, NOW)
    query = {name: value for name, [value] in parse_qs(urlsplit(link).query).items()}
    signed = (int(query["client_id"]), date.fromisoformat(query["week_ending"]), int(query["expires"]))
    end = NOW + timedelta(days=LINK_DAYS)
    assert signed == (7, WEEK_ENDING, end.timestamp())
    assert [link_problem(SECRET, signed, query["signature"], now) for now in (NOW, end - timedelta(seconds=1), end)] == [
        None,
        None,
        "expired",
    ]


@pytest.mark.parametrize(
    ("secret", "link", "presented"),
    [
        ("another sixteen!", (7, WEEK_ENDING, 2_000_000_000), None),
        (None, (7, WEEK_ENDING, 2_000_000_000), None),
        (SECRET, (8, WEEK_ENDING, 2_000_000_000), None),
        (SECRET, (7, date(2025, 1, 26), 2_000_000_000), None),
        (SECRET, (7, WEEK_ENDING, 3_000_000_000), None),
        (SECRET, (7, WEEK_ENDING, 2_000_000_000), ""),
        (SECRET, (7, WEEK_ENDING, 2_000_000_000), "ü\udcff"),
        (SECRET, (7, WEEK_ENDING, 1_000_000_000), "0" * 64),  # expired too, but that is told of a right link alone
    ],
)
def test_whatever_was_not_signed_is_wrong(secret: str | None, link: tuple[int, date, int], presented: str | None) -> None:
    right = signature(SECRET, 7, WEEK_ENDING, 2_000_000_000)
    assert link_problem(SECRET, (7, WEEK_ENDING, 2_000_000_000), right, NOW) is None
    assert link_problem(secret, link, right if presented is None else presented, NOW) == "wrong"


def test_without_a_secret_a_signature_made_with_none_is_wrong_too() -> None:
    assert link_problem(None, (7, WEEK_ENDING, 2_000_000_000), signature("", 7, WEEK_ENDING, 2_000_000_000), NOW) == "wrong"
