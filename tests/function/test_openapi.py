"""The description of the contract is valid, complete, and what the function really answers."""

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from local import bigquery as local_bigquery
from local import shops
from local.function import Answer, Function
from local.programs import ROOT
from report.api.access import hash_of
from report.api.rate_limit import MAX_WRONG_KEYS
from tests.support.loopback import bigquery as loopback_bq
from tests.support.loopback.receiver import SECRET, loopback_receiver
from tests.support.loopback.server import answers, busy, hangs

EXAMPLES = ROOT / "report/api/examples.json"
REPORT = "/reports/generate?client_id=1&week_ending=2025-01-19"
ELSEWHERE = {"X-Forwarded-For": "192.0.2.1"}
WEEKLY = {"method": "POST", "body": '{"client_ids": [1, 2], "week_ending": "2025-01-19"}'}


@pytest.fixture(scope="module")
def examples(bigquery: Any, serve: Callable[..., Function]) -> Any:
    """The real answers: of the sample shop in the week of the brief, and of everything that can go wrong."""
    shop = shops.sample(datetime(2025, 1, 20, 12, tzinfo=UTC))
    local_bigquery.create_tables(bigquery.client, "example")
    local_bigquery.load(bigquery.client, shop.events, shop.users, "example")
    with (
        loopback_receiver(answers(200, {})) as receiver,
        loopback_bq.loopback_bigquery(loopback_bq.refuses(403, "accessDenied", "Access Denied")) as forbidden,
        loopback_bq.loopback_bigquery(hangs) as hanging,
    ):
        settings = {
            "API_KEYS": {hash_of("a key"): [1, 3]},
            "BIGQUERY_DATASET": "example",
            "PAGE_URL": "https://shop.example/dashboard/reports",
            "REQUEST_DEADLINE_SECONDS": "20",
            "CLIENTS": {
                "1": {"name": "Sample Shop", "webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET},
                "2": {"name": "Shop Without an Address"},
                "3": {"time_zone": "Mars/Olympus"},
            },
        }
        function = serve(**settings)
        report = function.ask(REPORT, key="a key")
        listed = function.ask(f"{REPORT.replace('generate', 'customers')}&list=missing_regulars", key="a key")
        all_clients = {**settings, "API_KEYS": {hash_of("a key"): "*"}}
        weekly = serve(**all_clients).ask("/reports/weekly", key="a key", **WEEKLY)
        webhook = receiver.requests[0].body
        broken = serve(**{**all_clients, "BIGQUERY_EMULATOR_HOST": forbidden.endpoint})
        slow = serve(**{**settings, "BIGQUERY_EMULATOR_HOST": hanging.endpoint, "REQUEST_DEADLINE_SECONDS": "1"})
        problems = {
            401: function.ask(REPORT, key=""),
            403: function.ask(REPORT.replace("client_id=1", "client_id=2"), key="a key"),
            413: function.ask("/reports/weekly", key="a key", method="POST", body=" " * 70_000),
            414: function.ask(REPORT + "&" * 2_000, key="a key"),
            422: function.ask(REPORT.replace("2025-01-19", "19.01.2025"), key="a key"),
            429: [function.ask(REPORT, key="unknown", headers=ELSEWHERE) for _ in range(MAX_WRONG_KEYS + 1)][-1],
            500: function.ask(REPORT.replace("client_id=1", "client_id=3"), key="a key"),
            502: broken.ask(REPORT, key="a key"),
            504: slow.ask(REPORT, key="a key"),
        }
        down = {"1": {**settings["CLIENTS"]["1"], "webhook_url": f"{receiver.endpoint}/hook/down"}, "2": settings["CLIENTS"]["2"]}
        receiver.behaviour = busy
        again = serve(**{**all_clients, "CLIENTS": down}).ask("/reports/weekly", key="a key", **WEEKLY)
    assert {status: answer.status for status, answer in problems.items()} == {status: status for status in problems}
    assert (report.status, listed.status, weekly.status, again.status) == (200, 200, 200, 502)
    found = {
        "report": report.json(),
        "list": listed.json() | {"customers": listed.json()["customers"][:2]},
        "webhook": webhook,
        "weekly": weekly.json(),
        "weekly_again": again.json(),
        "problems": {str(status): answer.json() for status, answer in problems.items()},
    }
    moment = "2025-01-20T06:00:05Z"  # the only thing that differs from time to time
    found["report"]["meta"]["generated_at"] = found["webhook"]["data"]["meta"]["generated_at"] = moment
    found["webhook"]["timestamp"] = moment
    if os.environ.get("REWRITE_EXAMPLES"):
        EXAMPLES.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return found


@pytest.fixture(scope="module")
def description(serve: Callable[..., Function]) -> Any:
    answer = serve().ask("/openapi.json", key="")
    assert answer.status == 200
    return answer.json()


def test_examples_are_real_answers(examples: Any) -> None:
    def rounded(text: str) -> Any:  # the last digits are a matter of the processor
        return json.loads(text, parse_float=lambda number: round(float(number), 6))

    assert rounded(EXAMPLES.read_text("utf-8")) == rounded(json.dumps(examples)), "make examples writes them anew"


def test_description_is_valid_openapi(description: Any) -> None:
    OpenAPIV31SpecValidator(description).validate()
    assert description["info"]["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def contents(part: Any) -> Iterator[Any]:
    """Each content with a schema and an example, wherever it is."""
    if isinstance(part, dict):
        if "schema" in part and "example" in part:
            yield part
        for inner in part.values():
            yield from contents(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from contents(inner)


def test_every_example_is_as_its_schema_says(description: Any) -> None:
    found = list(contents({name: part for name, part in description.items() if name != "components"}))
    found += list(contents(description["components"]["responses"]))
    assert len(found) == 15
    for content in found:
        Draft202012Validator({**content["schema"], "components": description["components"]}).validate(content["example"])


def test_every_field_and_parameter_says_what_it_means(description: Any) -> None:
    schemas = description["components"]["schemas"]
    fields = {f"{name}.{field}": about for name, schema in schemas.items() for field, about in schema["properties"].items()}
    parameters = {
        about["name"]: about
        for path in ("/reports/generate", "/reports/customers")
        for about in description["paths"][path]["get"]["parameters"]
    }
    assert len(fields) > 100
    assert [name for name, about in {**fields, **parameters}.items() if len(about.get("description", "").split()) < 2] == []


def test_every_route_is_described_and_nothing_else() -> None:
    from main import app
    from report.api.openapi import description

    described = {path: {method.upper() for method in methods} for path, methods in json.loads(description())["paths"].items()}
    routes: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        routes.setdefault(rule.rule, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert described == routes


def test_every_parameter_that_is_described_is_taken(description: Any, serve: Callable[..., Function]) -> None:
    described = description["paths"]["/reports/generate"]["get"]["parameters"]
    parameters = {each["name"]: each for each in described if each["in"] == "query"}
    complaint = serve().ask("/reports/generate?client_id=1&unknown=1").json()["detail"]
    assert set(re.findall(r"client_id|week_ending|format|include", complaint)) == set(parameters)
    for value in [*parameters["include"]["schema"]["items"]["enum"], "customers,history"]:
        assert serve().ask(f"{REPORT}&include={value}").status == 200
    for value in parameters["format"]["schema"]["enum"]:
        answer: Answer = serve().ask(f"{REPORT}&format={value}")
        assert (
            answer.headers["content-type"].split(";")[0]
            in description["paths"]["/reports/generate"]["get"]["responses"]["200"]["content"]
        )
