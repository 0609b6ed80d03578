#!/usr/bin/env python3
"""A stand-in for gcloud, bq and curl: keeps what they would change in a JSON file, and every call with its input.

    cloud.py gcloud secrets create ...

Functions and jobs are kept as the resources of Google's APIs, which is what `describe` answers. The file's `fail` makes each
command that has this text in it fail; a service account is known from the call after `unknown_for` calls that name it.
Nothing outside the standard library, for a quick start.
"""

import json
import os
import sys

STATE = os.environ["CLOUD_STATE"]
LISTS = {
    "services list": "apis",
    "iam service-accounts list": "accounts",
    "secrets list": "secrets",
    "functions list": "functions",
    "scheduler jobs list": "jobs",
    "logging metrics list": "metrics",
    "beta monitoring channels list": "channels",
    "alpha monitoring policies list": "policies",
}
ADDRESS = "https://churn-report-abc-uc.a.run.app"
INGRESS = {"all": "ALLOW_ALL", "internal-only": "ALLOW_INTERNAL_ONLY", "internal-and-gclb": "ALLOW_INTERNAL_AND_GCLB"}


class RefusedError(Exception):
    """What the cloud refuses, with its message."""


def main(program, *words):
    with open(STATE, encoding="utf-8") as file:
        cloud = json.load(file)
    reads = {"--data-file=-", "--flags-file=/dev/stdin", "--config-from-file=-", "--policy-from-file=-"}
    piped = reads & set(words) or "@-" in words or (program == "bq" and words[-1] == "--nouse_legacy_sql")
    given = sys.stdin.read() if piped else ""
    cloud["calls"].append([program, list(words), given])
    said, refused = "", ""
    if cloud["fail"] and cloud["fail"] in " ".join((program, *words)):
        refused = "ERROR: (stand-in) it failed"
    else:
        try:
            said = {"gcloud": gcloud, "bq": bq, "curl": curl}[program](cloud, words, given)
        except RefusedError as error:
            refused = str(error)
    with open(STATE, "w", encoding="utf-8") as file:
        json.dump(cloud, file)
    if refused:
        (sys.stdout if program == "bq" else sys.stderr).write(f"{refused}\n")  # as the real ones do
        sys.exit(1)
    sys.stdout.write(said)


def must_know(cloud, email):
    """Refuse a service account that does not exist, or that is too new to be known everywhere."""
    account = cloud["accounts"].get(email)
    if account is None or account["unknown_for"] > 0:
        if account:
            account["unknown_for"] -= 1
        raise RefusedError(f"ERROR: (gcloud) INVALID_ARGUMENT: Service account {email} does not exist.")


def gcloud(cloud, words, given):  # noqa: PLR0911, PLR0912, PLR0915 - one case a command
    flags = dict(word[2:].split("=", 1) if "=" in word else (word[2:], "") for word in words if word.startswith("--"))
    names = [word for word in words if not word.startswith("--")]
    command = " ".join(names)
    if command in LISTS:
        return listed(cloud[LISTS[command]], flags["format"])
    match names:
        case ["meta", "list-files-for-upload", "."]:
            return "main.py\nreport/settings.py\n"
        case ["services", "enable", *apis]:
            cloud["apis"] |= {api: {} for api in apis}
        case ["iam", "service-accounts", "create", name]:
            project = ".".join(reversed(flags["project"].split(":")))
            cloud["accounts"][f"{name}@{project}.iam.gserviceaccount.com"] = {"unknown_for": cloud["unknown_for"]}
        case ["iam", "service-accounts", "delete", name]:
            del cloud["accounts"][name]
        case ["projects" | "secrets" as kind, "get-iam-policy", name]:
            return "".join(f"{member}\n" for on, member in cloud["grants"] if on == [kind, name][-1])
        case ["projects" | "secrets", "add-iam-policy-binding", name]:
            must_know(cloud, flags["member"].removeprefix("serviceAccount:"))
            cloud["grants"].append([name, flags["member"]])
        case ["projects", "remove-iam-policy-binding", name]:
            cloud["grants"].remove([name, flags["member"]])
        case ["secrets", "create", name]:
            assert name not in cloud["secrets"]
            cloud["secrets"][name] = []
        case ["secrets", "versions", "add", name]:
            cloud["secrets"][name].append(given)
            return f"{len(cloud['secrets'][name])}\n"
        case ["secrets", "versions", "list", name]:
            return f"{len(cloud['secrets'][name])}\n" if cloud["secrets"][name] else ""
        case ["secrets", "versions", "access", version]:
            return cloud["secrets"][flags["secret"]][int(version) - 1]
        case ["secrets", "delete", name]:
            del cloud["secrets"][name]
            cloud["grants"] = [grant for grant in cloud["grants"] if grant[0] != name]
        case ["functions", "deploy", name]:
            must_know(cloud, flags["service-account"])
            cloud["functions"][name] = function(cloud["functions"].get(name, {}), name, flags)
        case ["functions" | "scheduler" as kind, *_, "describe", name]:
            resource = cloud["functions" if kind == "functions" else "jobs"].get(name)
            if resource is None:
                raise RefusedError(f"ERROR: (gcloud.{kind}.describe) NOT_FOUND: Resource '{name}' was not found")
            return f"{ADDRESS}\n" if flags["format"] == "value(serviceConfig.uri)" else json.dumps(resource, indent=2) + "\n"
        case ["scheduler", "jobs", "create" | "update" as verb, "http", name]:
            assert (name in cloud["jobs"]) == (verb == "update")
            must_know(cloud, flags["oidc-service-account-email"])
            cloud["jobs"][name] = job(cloud["jobs"].get(name, {}), name, flags)
        case ["logging", "metrics", "create" | "update" as verb, name]:
            assert (name in cloud["metrics"]) == (verb == "update")
            cloud["metrics"][name] = {"told": json.loads(given)["description"], "given": json.loads(given)}
        case ["beta", "monitoring", "channels", "create"]:
            cloud["channels"]["a-channel"] = {"told": flags["display-name"]}
            return "a-channel\n"
        case ["alpha", "monitoring", "policies", "create" | "update", *name]:
            labels = json.loads(given)["userLabels"]
            known = name[0] if name else f"projects/p/alertPolicies/{len(cloud['policies'])}"
            cloud["policies"][known] = {
                "told": f"{labels['policy']} {labels['configuration']}",
                "given": json.loads(given),
                **flags,
            }
        case ["functions" | "scheduler" | "logging" | "alpha" | "beta" as kind, *_, "delete", name]:
            kinds = {"functions": "functions", "scheduler": "jobs", "logging": "metrics", "alpha": "policies", "beta": "channels"}
            del cloud[kinds[kind]][name]
        case _:
            sys.exit(f"the stand-in does not know: gcloud {command}")
    return ""


def function(before, name, flags):
    """The resource that a deployment makes of a function, or of none."""
    service = before.get("serviceConfig", {})
    secrets = {secret["key"]: secret for secret in service.get("secretEnvironmentVariables", [])}
    for key, secret in pairs(flags.get("update-secrets", "")):
        name_of_secret, _, version = secret.partition(":")
        secrets[key] = {"key": key, "projectId": flags["project"], "secret": name_of_secret, "version": version}
    variables = {**service.get("environmentVariables", {"LOG_EXECUTION_ID": "true"}), **dict(pairs(flags["update-env-vars"]))}
    removed = (flags.get("remove-secrets", "") + "," + flags.get("remove-env-vars", "")).split(",")
    instances = {"minInstanceCount": int(flags["min-instances"])} if flags["min-instances"] != "0" else {}
    return {
        "buildConfig": {"entryPoint": flags["entry-point"], "runtime": flags["runtime"]},
        "environment": "GEN_2",
        "labels": {**before.get("labels", {}), **dict(pairs(flags["update-labels"])), "deployment-tool": "cli-gcloud"},
        "name": f"projects/{flags['project']}/locations/{flags['region']}/functions/{name}",
        "serviceConfig": {
            "allTrafficOnLatestRevision": True,
            "availableCpu": flags["cpu"],
            "availableMemory": flags["memory"],
            "environmentVariables": {key: value for key, value in variables.items() if key not in removed},
            "ingressSettings": INGRESS[flags["ingress-settings"]],
            "maxInstanceCount": int(flags["max-instances"]),
            "maxInstanceRequestConcurrency": int(flags["concurrency"]),
            "secretEnvironmentVariables": [secret for key, secret in secrets.items() if key not in removed],
            "serviceAccountEmail": flags["service-account"],
            "timeoutSeconds": int(flags["timeout"].removesuffix("s")),
            "uri": ADDRESS,
            **instances,
        },
        "state": "ACTIVE",
    }


def job(before, name, flags):
    """The resource that `scheduler jobs create` makes, or `update` of the one before."""
    retries = before.get("retryConfig", {"maxDoublings": 5})
    if "max-retry-attempts" in flags:
        retries = {
            **retries,
            "retryCount": int(flags["max-retry-attempts"]),
            "minBackoffDuration": flags["min-backoff"],
            "maxBackoffDuration": flags["max-backoff"],
        }
    return {
        "attemptDeadline": flags["attempt-deadline"],
        "description": flags.get("description", before.get("description", "")),
        "httpTarget": {
            **before.get("httpTarget", {"headers": {"User-Agent": "Google-Cloud-Scheduler"}}),
            "httpMethod": flags["http-method"].upper(),
            "oidcToken": {"audience": flags["oidc-token-audience"], "serviceAccountEmail": flags["oidc-service-account-email"]},
            "uri": flags["uri"],
        },
        "name": f"projects/{flags['project']}/locations/{flags['location']}/jobs/{name}",
        "retryConfig": retries,
        "schedule": flags["schedule"],
        "state": "ENABLED",
        "timeZone": flags["time-zone"],
    }


def pairs(text):
    """The names and values of a flag such as `A=1,B=2` or `^;;^A=1;;B=2`."""
    separator = ","
    if text.startswith("^"):
        _, separator, text = text.split("^", 2)
    return [entry.split("=", 1) for entry in text.split(separator) if entry]


def listed(resources, form):
    """Each resource's name, in full where the format asks for it, and what the stand-in keeps as `told` for more columns."""
    if form == "value(name)":
        return "".join(f"{about.get('name', name)}\n" for name, about in dict(resources).items())
    return "".join(f"{name} {about['told']}\n" if "separator" in form else f"{name}\n" for name, about in dict(resources).items())


def bq(cloud, words, given):
    names = [word for word in words if not word.startswith("--")]
    match names:
        case ["ls"]:
            return json.dumps([{"datasetReference": {"datasetId": name}} for name in cloud["datasets"]], separators=(",", ":"))
        case ["mk", name]:
            cloud["datasets"][name.rpartition(":")[2]] = []
        case ["show", name]:
            dataset = name.rpartition(":")[2]
            if dataset not in cloud["datasets"]:
                sys.exit("BigQuery error in show operation: Not found")
            return json.dumps({"access": [{"role": "READER", "userByEmail": member} for member in cloud["datasets"][dataset]]})
        case ["query", *sql]:
            text = sql[0] if sql else given
            member = text.rpartition("serviceAccount:")[2].rstrip('"')
            if text.startswith(("GRANT", "REVOKE")):
                members = cloud["datasets"][text.split("`")[3].rpartition(".")[2]]
            if text.startswith("GRANT"):
                must_know(cloud, member)
                members.append(member)
            elif text.startswith("REVOKE"):
                members.remove(member)
    return ""


def curl(cloud, words, given):
    if words[-1].endswith("/health") or "client_id=" in words[-1]:
        return "200"
    key = given.removeprefix("X-API-Key: ")
    return "422" if key and key == cloud["secrets"].get("churn-report-check-key", [""])[-1] else "401"


if __name__ == "__main__":
    main(*sys.argv[1:])
