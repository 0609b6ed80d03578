"""Whatever is asked, and with whichever key: the function answers as its own description says. Schemathesis reads it and asks.

`make test` asks about a thousand times, BigQuery being on loopback and reports kept, so that it takes seconds. `make fuzz` asks
at least 20,000 times, of the local BigQuery with the sample shop in it.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from schemathesis import engine
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import Interaction

from local.function import Function
from local.shops import CLIENTS, last_sunday
from report.api.access import hash_of
from tests.support.loopback import bigquery as loopback
from tests.support.loopback.receiver import SECRET, loopback_receiver
from tests.support.loopback.server import answers

LONG = bool(os.environ.get("FUZZ_AT_LENGTH"))

KEYS = {"for all": "*", "for one": [1]}
REFUSED = ["400", "401", "403", "404", "405", "413", "414", "422", "429"]
NOBODY = {200, 204, 401, 405}
SOMEBODY = {*NOBODY, 304, 422}
ASKED = {
    "for all": (3_600, 6_000, SOMEBODY) if LONG else (150, 400, SOMEBODY),
    "for one": (3_500, 4_500, {*SOMEBODY, 403}) if LONG else (80, 250, {*SOMEBODY, 403}),
    "": (3_000, 4_500, NOBODY) if LONG else (20, 120, NOBODY),
    "unknown": (3_000, 5_000, NOBODY) if LONG else (20, 120, NOBODY),
}
"""By the key: for how many examples of each operation schemathesis is asked, how many requests must come of it, and which
statuses: a fuzz that is turned away at the door has tried nothing."""


@pytest.fixture(scope="module")
def function(request: pytest.FixtureRequest, serve: Callable[..., Function]) -> Iterator[Function]:
    with loopback_receiver(answers(200, {})) as receiver, loopback.loopback_bigquery(one_shop_for_everybody) as bigquery:
        one = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        settings: dict[str, Any] = {"BIGQUERY_EMULATOR_HOST": bigquery.endpoint, "CLIENTS": {"3": one}}
        if LONG:
            request.getfixturevalue("sample_shop")
            clients = {str(client): {**about, **(one if client == 3 else {})} for client, about in CLIENTS.items()}
            settings = {"BIGQUERY_DATASET": "sample", "CLIENTS": clients}
        yield serve(**settings, API_KEYS={hash_of(key): clients for key, clients in KEYS.items()}, REPORT_CACHE_SECONDS="3600")


one_shop_for_everybody = loopback.shop(
    customers=answers(
        200, loopback.rows(("ann", None, "Ann", loopback.CELL, 0.0, 0, 0, 0, 0, 0, 1, 2, 0.0, 0), query="customers")
    )
)
"""Ten customers this week, one of them by name."""


def beyond_schemas(interaction: Interaction) -> bool:
    """Whether it was refused by a rule that no schema of OpenAPI has: which day is today, which parameters go together."""
    response = interaction.response
    said = response.content or b"" if response and response.status_code == 422 else b""
    return b"has not begun" in said or b"format=csv goes with it" in said


@pytest.mark.parametrize("key", ASKED)
def test_every_answer_is_as_the_description_says(function: Function, key: str) -> None:
    examples, least, statuses = ASKED[key]
    last_week = last_sunday(datetime.now(UTC), "UTC")
    description = schemathesis.openapi.from_url(
        f"{function.address}/openapi.json",
        config=schemathesis.Config.from_dict(
            {
                "headers": {"X-API-Key": key} if key else {},
                "generation": {"max-examples": examples, "deterministic": not LONG, "database": "none"},
                "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
                "phases": {"stateful": {"generation": {"max-examples": max(examples // 10, 5)}}},
                # Half of the questions are about shops and weeks that have customers.
                "dictionaries": {
                    "clients": {"values": list(CLIENTS)},
                    "weeks": {"values": [str(last_week - timedelta(days=7 * back)) for back in range(20)]},
                },
                "parameters": {
                    "query.client_id": {"dictionary": "clients", "probability": 0.5},
                    "query.week_ending": {"dictionary": "weeks", "probability": 0.5},
                },
                "request-timeout": 60,
            }
        ),
    )
    answered: Counter[int | None] = Counter()
    wrong = []
    for event in engine.from_schema(description).execute():
        if isinstance(event, FatalError | NonFatalError):
            wrong.append(repr(event))
        if isinstance(event, ScenarioFinished):
            answered.update(call.response.status_code if call.response else None for call in event.recorder.interactions.values())
            # No schema can say which day is today: a week that has not begun is refused although it is written as it should be.
            checks = [
                check
                for case, of_case in event.recorder.checks.items()
                for check in of_case
                if check.name != "positive_data_acceptance" or not beyond_schemas(event.recorder.interactions[case])
            ]
            wrong += [
                f"{found.failure.title}: {found.failure.message}\n{found.code_sample}"
                for check in checks
                if (found := check.failure_info)
            ]
    sys.stdout.write(
        f"\n{answered.total():,} requests with the key {key!r}, by status: {dict(sorted(answered.items(), key=str))}\n"
    )
    assert not wrong, "\n\n".join(dict.fromkeys(wrong))
    assert answered.total() >= least
    assert set(answered) >= statuses
