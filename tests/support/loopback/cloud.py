#!/usr/bin/env python3
"""A stand-in for gcloud, bq and curl: keeps what they would change in a JSON file, and every call with its input.

    cloud.py gcloud secrets create ...

The file's `fail` makes each command that has this text in it fail. Nothing outside the standard library, for a quick start.
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


def main(program, *words):
    with open(STATE, encoding="utf-8") as file:
        cloud = json.load(file)
    reads = {"--data-file=-", "--flags-file=/dev/stdin", "--config-from-file=-", "--policy-from-file=-"}
    piped = reads & set(words) or "@-" in words or (program == "bq" and words[-1] == "--nouse_legacy_sql")
    given = sys.stdin.read() if piped else ""
    cloud["calls"].append([program, list(words), given])
    failing = cloud["fail"] and cloud["fail"] in " ".join((program, *words))
    said = "" if failing else {"gcloud": gcloud, "bq": bq, "curl": curl}[program](cloud, words, given)
    with open(STATE, "w", encoding="utf-8") as file:
        json.dump(cloud, file)
    if failing:
        sys.exit("ERROR: (stand-in) it failed")
    sys.stdout.write(said)


def gcloud(cloud, words, given):  # noqa: PLR0911, PLR0912 - one case a command
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
            cloud["accounts"][f"{name}@{project}.iam.gserviceaccount.com"] = {}
        case ["iam", "service-accounts", "delete", name]:
            del cloud["accounts"][name]
        case ["projects" | "secrets" as kind, "get-iam-policy", name]:
            return "".join(f"{member}\n" for on, member in cloud["grants"] if on == [kind, name][-1])
        case ["projects" | "secrets", "add-iam-policy-binding", name]:
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
            cloud["functions"][name] = {"told": f"ACTIVE {flags['update-labels'].split('=')[1]}", **flags}
        case ["functions", "describe", name]:
            assert name in cloud["functions"]
            return f"{ADDRESS}\n"
        case ["scheduler", "jobs", "create" | "update" as verb, "http", name]:
            assert (name in cloud["jobs"]) == (verb == "update")
            cloud["jobs"][name] = {"told": flags["description"], "given": given, **flags}
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


def listed(resources, form):
    """Each resource's name, and what the format asks for beside it, which is what the stand-in keeps as `told`."""
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
            if text.startswith("GRANT"):
                cloud["datasets"]["analytics"].append(member)
            elif text.startswith("REVOKE"):
                cloud["datasets"]["analytics"].remove(member)
    return ""


def curl(cloud, words, given):
    if words[-1].endswith("/health") or "client_id=" in words[-1]:
        return "200"
    key = given.removeprefix("X-API-Key: ")
    return "422" if key and key == cloud["secrets"].get("churn-report-scheduler-key", [""])[-1] else "401"


if __name__ == "__main__":
    main(*sys.argv[1:])
