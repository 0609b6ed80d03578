"""`GET /openapi.json`: describe the contract as OpenAPI 3.1, from the models of the answers.

The examples are real answers, stored in `examples.json`; `make examples` makes them again.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from report.api.parameters import ListQuery, ReportQuery, SharedQuery, WeekQuery
from report.schema import CustomerList, Problem, Report, WeeklyRequest, WeeklyRun

VERSION = "0.1.0"
EXAMPLES = Path(__file__).with_name("examples.json")

Json = Mapping[str, Any]

PROBLEMS: Mapping[int, str] = {
    401: "The API key is missing or unknown, or the signed link is not valid or has expired.",
    403: "The API key does not cover this client, or not its customers' personal data.",
    413: "The body is too large.",
    414: "The address is too long.",
    422: "A parameter is missing or wrong: which one, and what it takes.",
    429: "Too many unknown API keys or wrong signatures came from this network address.",
    500: "A fault of the configuration or of the function itself.",
    502: "The data warehouse failed.",
    504: "The data warehouse ran out of time.",
}


class _Untitled(GenerateJsonSchema):
    """Leave out the titles, which only repeat the names of the fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


@cache
def description() -> str:
    """Return the whole description as JSON text."""
    return json.dumps(_description(json.loads(EXAMPLES.read_text("utf-8"))), ensure_ascii=False)


def _description(examples: Json) -> Json:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Weekly churn report",
            "version": VERSION,
            "description": "A shop's week in one report: which customers are about to leave, why, and what to do about it.",
        },
        "servers": [{"url": "/"}],
        "security": [{"apiKey": []}],
        "paths": {
            "/reports/generate": {"get": _generate(examples)},
            "/reports/customers": {"get": _customers(examples)},
            "/reports/shared": {"get": _shared()},
            "/reports/weekly": {"post": _weekly(examples)},
            "/": {"get": _open("page", "The page that asks for a report and shows it", "text/html", {"type": "string"})},
            "/dashboard/reports": {"get": _open("dashboard", "The same page", "text/html", {"type": "string"})},
            "/openapi.json": {"get": _open("openapi", "This description", "application/json", {"type": "object"})},
            "/health": {"get": _open("health", "Whether the function is up", "application/json", _HEALTH)},
        },
        "webhooks": {"weeklyReport": {"post": _webhook(examples)}},
        "components": {
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "signedLink": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "signature",
                    "description": SharedQuery.model_fields["signature"].description,
                },
                "weeklyToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Cloud Scheduler's OIDC token. With an API key as well, the key alone decides.",
                },
            },
            "schemas": _schemas(),
            "responses": {
                str(status): {
                    "description": text,
                    "content": _content("application/problem+json", _ref("Problem"), examples["problems"][str(status)]),
                    **({"headers": PROBLEM_HEADERS[status]} if status in PROBLEM_HEADERS else {}),
                }
                for status, text in PROBLEMS.items()
            },
        },
    }


def _generate(examples: Json) -> Json:
    return {
        "operationId": "generateReport",
        "summary": "One client's report of one week",
        "parameters": [*_query_parameters(ReportQuery), _IF_NONE_MATCH],
        "responses": {
            "200": {
                "description": "The report",
                "headers": {
                    "ETag": _header("The same for the same report, even when it is made again"),
                    "Server-Timing": _header("How long each step took"),
                },
                "links": {
                    "again": {
                        "operationId": "generateReport",
                        "description": "The same report again: 304 where nothing has changed",
                        "parameters": {
                            "query.client_id": "$request.query.client_id",
                            "query.week_ending": "$response.body#/week_ending",
                            "header.If-None-Match": "$response.header.ETag",
                        },
                    }
                },
                "content": {
                    **_content("application/json", _ref("Report"), examples["report"]),
                    "text/html": {"schema": {"type": "string"}},
                    "application/pdf": {"schema": {"type": "string", "contentMediaType": "application/pdf"}},
                },
            },
            "304": _UNCHANGED,
            "400": _NO_HTTP,
            **_problems(*(status for status in PROBLEMS if status != 413)),
        },
    }


def _customers(examples: Json) -> Json:
    return {
        "operationId": "listCustomers",
        "summary": "The customers that an action is about, by name; for keys that cover personal data",
        "parameters": _query_parameters(ListQuery),
        "responses": {
            "200": {
                "description": "One page of the list",
                "headers": {
                    "Link": {**_header('The next page (rel="next"), where there is one'), "required": False},
                    "Server-Timing": _header("How long each step took"),
                },
                "content": {
                    **_content("application/json", _ref("CustomerList"), examples["list"]),
                    "text/csv": {"schema": {"type": "string"}},
                },
            },
            "400": _NO_HTTP,
            **_problems(*(status for status in PROBLEMS if status != 413)),
        },
    }


def _shared() -> Json:
    return {
        "operationId": "openSharedReport",
        "summary": "The report that a signed link in a message opens, for 14 days and without personal data",
        "description": "A reader who prefers HTML, as a browser does, gets a problem as a page.",
        "security": [{"signedLink": []}],
        "parameters": [
            *(parameter for parameter in _query_parameters(SharedQuery) if parameter["name"] != "signature"),
            _IF_NONE_MATCH,
        ],
        "responses": {
            "200": {
                "description": "The report, with its history and without customers",
                "headers": {
                    "ETag": _header("The same for the same report, even when it is made again"),
                    "Server-Timing": _header("How long each step took"),
                },
                "content": {
                    "text/html": {"schema": {"type": "string"}},
                    "application/pdf": {"schema": {"type": "string", "contentMediaType": "application/pdf"}},
                },
            },
            "304": _UNCHANGED,
            "400": _NO_HTTP,
            **_problems(*(status for status in PROBLEMS if status not in (403, 413))),
        },
    }


def _weekly(examples: Json) -> Json:
    return {
        "operationId": "sendWeeklyReports",
        "summary": "Build every client's weekly report and send it; for Cloud Scheduler",
        "security": [{"apiKey": []}, {"weeklyToken": []}],
        "requestBody": {
            "required": False,
            "content": _content("application/json", _ref("WeeklyRequest"), {"client_ids": [1, 2], "week_ending": "2025-01-19"}),
        },
        "responses": {
            "200": {
                "description": "The run is over: each client's result says what was sent and what was not",
                "content": _content("application/json", _ref("WeeklyRun"), examples["weekly"]),
            },
            "502": {
                "description": "Nothing was sent at all, and another call may help",
                "content": _content("application/json", _ref("WeeklyRun"), examples["weekly_again"]),
            },
            "400": _NO_HTTP,
            **_problems(401, 403, 413, 414, 422, 429, 500),
        },
    }


def _webhook(examples: Json) -> Json:
    ids = {"webhook-id": "The same for the same client and week", "webhook-timestamp": "Seconds since 1970"}
    headers = {**ids, "webhook-signature": "By the Standard Webhooks specification"}
    return {
        "operationId": "receiveWeeklyReport",
        "summary": "What a client's webhook_url receives, signed by the Standard Webhooks specification",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        ],
        "requestBody": {"required": True, "content": _content("application/json", _ref("WebhookPayload"), examples["webhook"])},
        "responses": {
            "2XX": {"description": "Received"},
            "4XX": {"description": "Refused: not sent again, except for 429"},
            "5XX": {"description": "To be sent again"},
        },
    }


_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of a report that the reader already has",
    "schema": {"type": "string"},
}
_UNCHANGED: Json = {
    "description": "The report is still the one that If-None-Match names",
    "headers": {"ETag": {"description": "The one of If-None-Match", "required": True, "schema": {"type": "string"}}},
}
_NO_HTTP: Json = {
    "description": "The server refused the request before the function saw it, for example for a control character in a header",
    "content": {"text/html": {"schema": {"type": "string"}}},
}
_PAGE_URL: Json = {"type": "string", "format": "uri", "description": "The address of the page that shows this report."}
_HEALTH: Json = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}


def _open(operation: str, summary: str, media_type: str, schema: Json) -> Json:
    """Describe an operation that needs no key and has no parameters."""
    responses = {"200": {"description": summary, "content": {media_type: {"schema": schema}}}}
    return {"operationId": operation, "summary": summary, "security": [], "responses": responses}


def _query_parameters(query: type[WeekQuery]) -> list[Json]:
    """Describe the query from its model. Optional parameters have no default here: it depends on more than the query."""
    schema = query.model_json_schema(schema_generator=_Untitled)
    described: list[Json] = []
    for name, of_field in schema["properties"].items():
        given = {key: value for key, value in of_field.items() if key not in ("anyOf", "default", "description")}
        parameter = {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": of_field["description"],
            "schema": {**of_field.get("anyOf", [{}])[0], **given},
        }
        described.append(parameter | ({"style": "form", "explode": False} if of_field.get("type") == "array" else {}))
    return described


def _header(text: str) -> Json:
    return {"description": text, "required": True, "schema": {"type": "string"}}


PROBLEM_HEADERS: Mapping[int, Json] = {
    401: {"WWW-Authenticate": _header("Where the key goes")},
    429: {"Retry-After": _header("Seconds to wait")},
}
"""The headers of some of the problems."""


def _content(media_type: str, schema: Json, example: object) -> Json:
    return {media_type: {"schema": schema, "example": example}}


def _problems(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> Json:
    _, definitions = models_json_schema(
        [
            (Report, "serialization"),
            (CustomerList, "serialization"),
            (Problem, "serialization"),
            (WeeklyRequest, "validation"),
            (WeeklyRun, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    report = schemas["Report"]
    data = {**report, "properties": {**report["properties"], "page_url": _PAGE_URL}}
    data["required"] = [*report["required"], "page_url"]
    properties = {
        "type": {"const": "report.weekly", "description": "What kind of message it is."},
        "timestamp": {"type": "string", "format": "date-time", "description": "When the report was made."},
        "data": {**data, "description": "The report, with the link to its page"},
    }
    payload = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {**schemas, "WebhookPayload": payload}
