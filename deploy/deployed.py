"""Read the deployed settings, so that a setting without its flag does not change.

    gcloud functions describe NAME --format=json | python3 -m deploy.deployed function
    gcloud scheduler jobs describe NAME --format=json | python3 -m deploy.deployed job

Each prints `variable=value`, one to a line, by the names of deploy.sh's variables; empty input prints nothing.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

ENVIRONMENT = {
    "dataset": "BIGQUERY_DATASET",
    "location": "BIGQUERY_LOCATION",
    "events_source": "EVENTS_SOURCE",
    "events_table": "EVENTS_TABLE",
    "users_table": "USERS_TABLE",
    "max_bytes_billed": "BIGQUERY_MAX_BYTES_BILLED",
    "wait_for_data": "WAIT_FOR_DATA_HOURS",
    "mail_from": "MAIL_FROM",
    "page_url": "PAGE_URL",
    "allowed_origins": "ALLOWED_ORIGINS",
}
"""The settings that the function reads from its environment."""

SERVICE = {
    "concurrency": "maxInstanceRequestConcurrency",
    "cpu": "availableCpu",
    "memory": "availableMemory",
    "timeout": "timeoutSeconds",
    "max_instances": "maxInstanceCount",
}
"""The settings of the service that runs the function."""

INGRESS = {"ALLOW_ALL": "all", "ALLOW_INTERNAL_ONLY": "internal-only", "ALLOW_INTERNAL_AND_GCLB": "internal-and-gclb"}


def of_function(described: Mapping[str, Any]) -> Mapping[str, object]:
    """Return the settings of a deployed function, and the other facts that deploy.sh needs."""
    service = described.get("serviceConfig", {})
    environment = service.get("environmentVariables", {})
    settings = {name: environment[variable] for name, variable in ENVIRONMENT.items() if variable in environment}
    settings |= {name: service[field] for name, field in SERVICE.items() if field in service}
    if service.get("ingressSettings") in INGRESS:
        settings["ingress"] = INGRESS[service["ingressSettings"]]
    return settings | {
        "min_instances": service.get("minInstanceCount", 0),  # the API leaves out a zero
        "deployed": f"{described.get('state', '')} {described.get('labels', {}).get('configuration', '')}",
        "deployed_environment": " ".join(environment),
        "deployed_secrets": " ".join(secret["key"] for secret in service.get("secretEnvironmentVariables", [])),
        "url": service.get("uri", ""),
    }


def of_job(described: Mapping[str, Any]) -> Mapping[str, object]:
    """Return the settings of the weekly job, and one line with everything that deploy.sh sets."""
    target = described.get("httpTarget", {})
    token = target.get("oidcToken", {})
    settings = {"schedule": described["schedule"], "time_zone": described["timeZone"]}
    made = (
        *settings.values(),
        target.get("uri", ""),
        described.get("attemptDeadline", ""),
        token.get("serviceAccountEmail", ""),
        token.get("audience", ""),
        *(name for name in target.get("headers", {}) if name.lower() == "x-api-key"),
    )
    retries = described.get("retryConfig", {})
    pauses = (retries.get("minBackoffDuration", ""), retries.get("maxBackoffDuration", ""))
    return settings | {"deployed_job": "|".join(made), "deployed_retries": " ".join((str(retries.get("retryCount", 0)), *pauses))}


if __name__ == "__main__":
    text = sys.stdin.read()
    if text.strip():
        found = {"function": of_function, "job": of_job}[sys.argv[1]](json.loads(text))
        sys.stdout.write("".join(f"{name}={value}\n" for name, value in found.items()))
