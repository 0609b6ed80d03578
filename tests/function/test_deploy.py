"""deploy.sh against a stand-in for Google's cloud, its commands against gcloud's and bq's own parsers, and what it uploads."""

import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.cloud.logging_v2.types import LogMetric
from google.cloud.monitoring_v3 import AlertPolicy

from deploy.api_keys import with_key
from deploy.deadlines import MAX_SECONDS, MIN_SECONDS, deadlines
from local import deployed, function
from local.programs import ROOT
from report.api import logs
from report.api.access import Grant, SchedulerSettings, grant_of, hash_of, parse_api_keys
from report.settings import read_settings
from tests.benchmarks import served
from tests.support.programs import needed

KEY_FILE = json.dumps({hash_of("a shop's key"): [1]})
CLIENTS = (
    # pragma: allowlist nextline secret
    '{"1": {"name": "Shop \\"of\\" $HOME `id` \'quotes\'",\n\t"webhook_secret": "whsec_bm8gc2VjcmV0IG9mIGFueWJvZHkncyBzaG9w"}}'
)
LOOKS = ("list", "describe", "access", "get-iam-policy", "list-files-for-upload", "ls", "show")
CREATE_TABLES = "--nouse_legacy_sql"
"""The last word of the one command that runs each time, since it says itself IF NOT EXISTS."""
EVERYTHING = ("--create-tables", "--alerts", "--alert-email=ops@shop.example")


@dataclass
class Cloud:
    """The stand-in, and what deploy.sh does to it."""

    folder: Path

    def deploy(self, *flags: str, project: str = "my-project", typed: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "CLOUD_STATE": str(self.folder / "cloud.json"),
            "DEPLOY_PAUSE": "0",
        }
        command = [str(ROOT / "deploy.sh"), f"--project={project}", *flags]
        return subprocess.run(command, env=environment, input=typed, capture_output=True, text=True, check=False)

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "cloud.json").read_text("utf-8"))

    def change(self, **parts: Any) -> None:
        (self.folder / "cloud.json").write_text(json.dumps({**self.state, **parts}), "utf-8")

    def calls(self) -> list[tuple[str, list[str], str]]:
        """What has been called since the last time this was asked."""
        calls = [(program, words, given) for program, words, given in self.state["calls"]]
        self.change(calls=[])
        return calls

    def changes(self) -> list[str]:
        """Those of the calls that change something, in a line each."""
        return [
            shlex.join((program, *words))
            for program, words, _ in self.calls()
            if program != "curl" and not set(LOOKS) & set(words) and words[-1] != CREATE_TABLES
        ]

    def names(self) -> dict[str, list[str]]:
        kinds = ("accounts", "secrets", "functions", "jobs", "metrics", "channels", "policies", "datasets")
        return {kind: sorted(self.state[kind]) for kind in kinds} | {"grants": sorted(map(str, self.state["grants"]))}


Deploy = Callable[..., None]

EMPTY: dict[str, Any] = {"calls": [], "fail": "", "grants": [], "unknown_for": 0} | {
    kind: {} for kind in ("apis", "accounts", "secrets", "functions", "jobs", "metrics", "channels", "policies", "datasets")
}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    (tmp_path / "bin").mkdir()
    for program in ("gcloud", "bq", "curl"):
        stand_in = tmp_path / "bin" / program
        stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {ROOT}/tests/support/loopback/cloud.py {program} "$@"\n')
        stand_in.chmod(0o755)
    (tmp_path / "cloud.json").write_text(json.dumps(EMPTY), "utf-8")
    (tmp_path / "api-keys.json").write_text(KEY_FILE)
    (tmp_path / "clients.json").write_text(CLIENTS)
    (tmp_path / "gemini-key").write_text("a-gemini-key\n")
    return Cloud(tmp_path)


@pytest.fixture(scope="module")
def states() -> dict[str, str]:
    """What the stand-in's cloud holds after a first deployment, by the flags of that: made once for all tests."""
    return {}


@pytest.fixture
def deployed_before(cloud: Cloud, states: dict[str, str]) -> Deploy:
    """Bring the cloud to where a first deployment with these flags leaves it, with no call on record."""

    def deploy(*flags: str) -> None:
        kind = shlex.join(flags).replace(str(cloud.folder), "")
        if kind not in states:
            first = cloud.deploy(*flags)
            assert first.returncode == 0, first.stderr
            cloud.calls()
            states[kind] = (cloud.folder / "cloud.json").read_text("utf-8")
        (cloud.folder / "cloud.json").write_text(states[kind], "utf-8")

    return deploy


def secrets_of(cloud: Cloud) -> tuple[str, ...]:
    return tuple(
        f"--{name}-file={cloud.folder / file}"
        # pragma: allowlist nextline secret
        for name, file in {"api-keys": "api-keys.json", "clients": "clients.json", "gemini-key": "gemini-key"}.items()
    )


def test_script_is_clean() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    subprocess.run([shellcheck, ROOT / "deploy.sh"], check=True)


@pytest.mark.parametrize("project", ["my-project", "example.com:my-project"])
def test_first_run_makes_everything_and_the_second_changes_nothing(cloud: Cloud, project: str) -> None:
    first = cloud.deploy(*EVERYTHING, *secrets_of(cloud), project=project)
    assert first.returncode == 0, first.stderr
    assert first.stdout == "https://churn-report-abc-uc.a.run.app\n"
    calls, state = cloud.calls(), cloud.state

    account = f"churn-report@{'.'.join(reversed(project.split(':')))}.iam.gserviceaccount.com"
    weekly_account = account.replace("@", "-weekly@")
    assert list(state["accounts"]) == [account, weekly_account]
    member = f"serviceAccount:{account}"
    assert state["grants"] == [
        [project, member],  # to run queries
        *[[f"churn-report-{secret}", member] for secret in ("api-keys", "clients", "gemini-key")],
    ]
    assert state["datasets"] == {"analytics": [account]}
    (tables,) = [given for program, _, given in calls if program == "bq" and "CREATE TABLE" in given]
    assert f"CREATE TABLE IF NOT EXISTS `{project}.analytics.events`" in tables
    assert "{{" not in tables

    stored = {name.removeprefix("churn-report-"): versions for name, versions in state["secrets"].items()}
    assert stored["clients"] == [CLIENTS]
    assert stored["gemini-key"] == ["a-gemini-key"]
    ((check_key,), (api_keys,)) = stored["check-key"], stored["api-keys"]
    grants = parse_api_keys(api_keys)
    assert grant_of("a shop's key", grants).clients == {1}
    assert grant_of(check_key, grants) == Grant(None, customers=False)
    (job,) = state["jobs"].values()
    assert job["httpTarget"]["uri"] == "https://churn-report-abc-uc.a.run.app/reports/weekly"
    assert job["httpTarget"]["headers"] == {"User-Agent": "Google-Cloud-Scheduler"}
    token = job["httpTarget"]["oidcToken"]
    assert token["serviceAccountEmail"] == weekly_account
    said = first.stdout + first.stderr + "".join(shlex.join(words) for _, words, _ in calls)
    assert not any(secret in said for secret in (check_key, "a-gemini-key", "whsec_", hash_of("a shop's key")))

    service = service_of(cloud)
    environment = service["environmentVariables"]
    assert environment["THREADS"] == str(service["maxInstanceRequestConcurrency"])
    assert served.AS_DEPLOYED.items() <= environment.items()  # what the benchmarks measure
    settings = read_settings({**environment, "API_KEYS": api_keys, "CLIENTS": stored["clients"][0]})
    assert (settings.warehouse.project, settings.weekly_deadline_seconds) == (project, 500)
    assert settings.scheduler == SchedulerSettings(weekly_account, token["audience"])
    assert {secret["key"]: (secret["secret"], secret["version"]) for secret in service["secretEnvironmentVariables"]} == {
        "API_KEYS": ("churn-report-api-keys", "1"),
        "CLIENTS": ("churn-report-clients", "1"),
        "GEMINI_API_KEY": ("churn-report-gemini-key", "1"),
    }
    assert (len(state["metrics"]), len(state["policies"])) == (3, 6)

    for again in ((*EVERYTHING, *secrets_of(cloud)), ("--alerts",)):
        assert cloud.deploy(*again, project=project).returncode == 0
        assert cloud.changes() == []


def test_only_what_differs_is_changed(cloud: Cloud, deployed_before: Deploy) -> None:
    deployed_before(*EVERYTHING, *secrets_of(cloud))

    assert cloud.deploy("--memory=1Gi").returncode == 0
    (change,) = cloud.changes()
    assert "functions deploy" in change
    assert "GEMINI_API_KEY=churn-report-gemini-key:1" in change

    cloud.deploy("--time-zone=Europe/Berlin")
    assert [change.split()[2:4] for change in cloud.changes()] == [["jobs", "update"]]

    (cloud.folder / "clients.json").write_text("{}")
    cloud.deploy(f"--clients-file={cloud.folder / 'clients.json'}")
    added, deployed = cloud.changes()
    assert "secrets versions add churn-report-clients" in added
    assert "CLIENTS=churn-report-clients:2" in deployed

    (old_key,) = cloud.state["secrets"]["churn-report-check-key"]
    cloud.deploy("--new-check-key")
    assert [change.split()[2] for change in cloud.changes()] == ["versions", "versions", "deploy"]
    keys = parse_api_keys(cloud.state["secrets"]["churn-report-api-keys"][-1])
    new_key = cloud.state["secrets"]["churn-report-check-key"][-1]
    assert [grant_of(key, keys) is not None for key in (old_key, new_key, "a shop's key")] == [False, True, True]


def service_of(cloud: Cloud) -> dict[str, Any]:
    (function,) = cloud.state["functions"].values()
    return function["serviceConfig"]


def settings_of(cloud: Cloud) -> dict[str, Any]:
    """All that a later run could change of the function and of its weekly call."""
    (job,) = cloud.state["jobs"].values()
    secrets = {secret["key"]: secret["version"] for secret in service_of(cloud)["secretEnvironmentVariables"]}
    return {**service_of(cloud), "secretEnvironmentVariables": secrets, "job": job}


OTHER_SETTINGS = {
    "--allowed-origins": "https://shop.example,https://www.shop.example",
    "--concurrency": "4",
    "--cpu": "2",
    "--dataset": "shop",
    "--events-table": "shop_events",
    "--ingress": "internal-and-gclb",
    "--location": "EU",
    "--mail-from": "Reports & more <reports@shop.example>",
    "--max-bytes-billed": "5000000",
    "--max-instances": "3",
    "--memory": "1Gi",
    "--min-instances": "1",
    "--page-url": "https://shop.example/dashboard/reports",
    "--schedule": "30 7 * * 2",
    "--time-zone": "Asia/Tokyo",
    "--timeout": "900",
    "--wait-for-data": "8",
    "--users-table": "shop_users",
}


def other_secrets_of(cloud: Cloud) -> tuple[str, str]:
    (cloud.folder / "smtp-url").write_text("smtp://mail.shop.example:587")
    (cloud.folder / "link-secret").write_text("sixteen or more characters")
    return f"--smtp-url-file={cloud.folder / 'smtp-url'}", f"--link-secret-file={cloud.folder / 'link-secret'}"


def test_a_setting_without_its_flag_stays_as_it_is_deployed(cloud: Cloud) -> None:
    flags = [f"{name}={value}" for name, value in OTHER_SETTINGS.items()]
    first = cloud.deploy("--create-tables", "--region=europe-west1", *secrets_of(cloud), *other_secrets_of(cloud), *flags)
    assert first.returncode == 0, first.stderr
    deployed = settings_of(cloud)
    assert (deployed["timeoutSeconds"], deployed["job"]["timeZone"]) == (900, "Asia/Tokyo")
    cloud.changes()

    assert cloud.deploy().returncode == 0
    assert cloud.changes() == []

    for name, value in {"--memory": "2Gi", "--page-url": "https://shop.example/new", "--schedule": "0 5 * * 1"}.items():
        before = settings_of(cloud)
        again = cloud.deploy(name, value)
        assert again.returncode == 0, again.stderr
        assert len(cloud.changes()) == 1
        after = settings_of(cloud)
        assert value in json.dumps(after)
        assert differing(before, after) == 1
    assert list(cloud.state["functions"]) == ["churn-report"]
    assert "/locations/europe-west1/" in cloud.state["functions"]["churn-report"]["name"]


def differing(before: Any, after: Any) -> int:
    """How many values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        return sum(differing(before.get(name), after.get(name)) for name in before.keys() | after.keys())
    return int(before != after)


def test_what_was_set_by_hand_stays(cloud: Cloud, deployed_before: Deploy) -> None:
    deployed_before("--create-tables")
    functions = cloud.state["functions"]
    functions["churn-report"]["serviceConfig"]["environmentVariables"]["GEMINI_MODEL"] = "another-model"
    functions["churn-report"]["serviceConfig"]["availableMemory"] = "1G"
    jobs = cloud.state["jobs"]
    jobs["churn-report-weekly"]["retryConfig"]["retryCount"] = 0
    cloud.change(functions=functions, jobs=jobs)
    assert cloud.deploy("--cpu=2", "--time-zone=Asia/Tokyo").returncode == 0
    service, job = service_of(cloud), cloud.state["jobs"]["churn-report-weekly"]
    assert (service["environmentVariables"]["GEMINI_MODEL"], service["availableMemory"]) == ("another-model", "1G")
    assert (job["timeZone"], job["retryConfig"]["retryCount"]) == ("Asia/Tokyo", 0)


def test_a_setting_can_be_set_back(cloud: Cloud) -> None:
    flags = [f"{name}={value}" for name, value in OTHER_SETTINGS.items()]
    cloud.deploy("--create-tables", *secrets_of(cloud), *other_secrets_of(cloud), *flags)
    cloud.change(datasets={**cloud.state["datasets"], "analytics": []})
    unset = [f"--unset={name.removeprefix('--')}" for name in (*OTHER_SETTINGS, "smtp-url-file", "link-secret-file")]
    back = cloud.deploy(*unset, "--unset", "gemini-key-file")
    assert back.returncode == 0, back.stderr
    was = settings_of(cloud)
    cloud.changes()
    assert cloud.deploy().returncode == 0
    assert cloud.changes() == []

    cloud.change(**{**EMPTY, "datasets": {"analytics": []}})
    cloud.deploy("--clients-file", str(cloud.folder / "clients.json"))
    assert was == settings_of(cloud)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--page-url="], "--page-url takes a value; --unset page-url takes the setting away."),
        (["--unset=page"], "--unset is 'page'; it takes the name of a setting"),
        (["--unset=region"], "--unset is 'region'"),
        (["--unset", "memory", "--memory=1Gi"], "--memory and --unset memory exclude each other"),
    ],
)
def test_what_would_set_back_nothing_is_refused(cloud: Cloud, flags: Sequence[str], sentence: str) -> None:
    stopped = cloud.deploy(*flags)
    assert (stopped.returncode, cloud.calls()) == (1, [])
    assert sentence in stopped.stderr


def test_the_region_must_be_named_where_several_have_the_function(cloud: Cloud, deployed_before: Deploy) -> None:
    deployed_before("--create-tables")
    (function,) = cloud.state["functions"].values()
    other = {**function, "name": function["name"].replace("us-central1", "europe-west1")}
    cloud.change(functions={"churn-report": function, "the other": other})
    stopped = cloud.deploy()
    assert stopped.returncode == 1
    assert "There is a function churn-report in us-central1 europe-west1. Name one with --region." in stopped.stderr


def test_what_is_deployed_and_cannot_be_read_is_not_taken_for_missing(cloud: Cloud, deployed_before: Deploy) -> None:
    deployed_before("--create-tables")
    for failing in ("functions list", "functions describe", "jobs list", "jobs describe"):
        cloud.change(fail=failing)
        assert "It stopped at: Reading what is deployed" in cloud.deploy().stderr
        assert cloud.changes() == []


def test_a_new_service_account_that_is_not_yet_known_everywhere_is_waited_for(cloud: Cloud) -> None:
    cloud.change(unknown_for=2)
    deployed = cloud.deploy("--create-tables", *secrets_of(cloud))
    assert deployed.returncode == 0, deployed.stderr
    assert deployed.stderr.count("Google does not know the new service account everywhere yet; trying again") == 4
    assert [len(cloud.names()[kind]) for kind in ("accounts", "functions", "jobs", "grants")] == [2, 1, 1, 4]


def test_an_account_that_stays_unknown_ends_the_wait_with_googles_own_message(cloud: Cloud) -> None:
    cloud.change(unknown_for=100)
    stopped = cloud.deploy("--create-tables")
    assert stopped.returncode == 1
    assert "churn-report@my-project.iam.gserviceaccount.com does not exist." in stopped.stderr
    assert "It stopped at: Making the service accounts" in stopped.stderr
    tries = [change for change in cloud.changes() if "add-iam-policy-binding" in change]
    assert 10 < len(tries) < 20


def test_another_failure_is_not_tried_again(cloud: Cloud) -> None:
    cloud.change(fail="add-iam-policy-binding")
    assert cloud.deploy("--create-tables").returncode == 1
    assert len([change for change in cloud.changes() if "add-iam-policy-binding" in change]) == 1


def test_the_api_key_and_the_too_long_timeout_of_an_earlier_version_go(cloud: Cloud, deployed_before: Deploy) -> None:
    deployed_before(*EVERYTHING, *secrets_of(cloud))
    state = cloud.state
    old_key, job = "an old key", state["jobs"]["churn-report-weekly"]
    job["httpTarget"]["headers"]["X-API-Key"] = old_key
    del job["httpTarget"]["oidcToken"]
    secrets = {**state["secrets"], "churn-report-scheduler-key": [old_key]}
    secrets["churn-report-api-keys"] = [json.dumps({hash_of("a shop's key"): [1], hash_of(old_key): "*"})]
    del secrets["churn-report-check-key"]
    functions = state["functions"]
    functions["churn-report"]["serviceConfig"]["timeoutSeconds"] = 3600
    cloud.change(secrets=secrets, jobs={"churn-report-weekly": job}, functions=functions)

    updated = cloud.deploy()
    assert updated.returncode == 0, updated.stderr
    assert "--timeout 3600 becomes 1790" in updated.stderr
    assert service_of(cloud)["timeoutSeconds"] == 1790
    (job,) = cloud.state["jobs"].values()
    assert "X-API-Key" not in job["httpTarget"]["headers"]
    assert job["httpTarget"]["oidcToken"]["serviceAccountEmail"] == "churn-report-weekly@my-project.iam.gserviceaccount.com"
    keys = parse_api_keys(cloud.state["secrets"]["churn-report-api-keys"][-1])
    assert grant_of(old_key, keys) is None
    assert grant_of("a shop's key", keys)
    assert "churn-report-scheduler-key" not in cloud.state["secrets"]
    cloud.changes()
    assert cloud.deploy().returncode == 0
    assert cloud.changes() == []


# Deadlines


def test_every_deadline_follows_from_one_number() -> None:
    for seconds in range(MIN_SECONDS, MAX_SECONDS + 1):
        found = deadlines(seconds)
        assert 0 < found.request <= found.weekly < found.function < found.attempt <= 1800, seconds
        assert found.function <= seconds
        assert found.function == seconds or found.attempt == 1800
    for seconds in (0, MIN_SECONDS - 1, MAX_SECONDS + 1):
        with pytest.raises(ValueError, match="it takes 120 to 3600 seconds"):
            deadlines(seconds)


@pytest.mark.parametrize("timeout", [120, 3600])
def test_cloud_scheduler_never_calls_again_while_the_run_it_began_goes_on(cloud: Cloud, timeout: int) -> None:
    deployed = cloud.deploy("--create-tables", f"--timeout={timeout}")
    assert deployed.returncode == 0, deployed.stderr
    service, (job,) = service_of(cloud), cloud.state["jobs"].values()
    attempt = int(job["attemptDeadline"].removesuffix("s"))
    settings = read_settings(service["environmentVariables"])
    assert settings.request_deadline_seconds <= settings.weekly_deadline_seconds < service["timeoutSeconds"] < attempt <= 1800
    assert ("--timeout" in deployed.stderr) == (service["timeoutSeconds"] != timeout)


def test_the_first_run_needs_no_files_and_no_dataset_of_another_name(cloud: Cloud) -> None:
    refused = cloud.deploy()
    assert refused.returncode == 1
    assert "There is no dataset analytics in my-project" in refused.stderr
    cloud.change(datasets={"analytics": []})
    assert cloud.deploy().returncode == 0
    assert cloud.state["secrets"]["churn-report-clients"] == ["{}"]
    assert sorted(cloud.state["secrets"]) == ["churn-report-api-keys", "churn-report-check-key", "churn-report-clients"]


def test_what_cannot_be_reached_from_here_is_said_to_be_unchecked(cloud: Cloud) -> None:
    cloud.change(datasets={"analytics": []})
    deployed = cloud.deploy("--ingress=internal-and-gclb")
    assert deployed.returncode == 0
    assert "has not been checked" in deployed.stderr
    assert not [program for program, _, _ in cloud.calls() if program == "curl"]


STEPS = {
    "services enable": "Enabling the APIs",
    "functions list": "Reading what is deployed",
    "projects add-iam-policy-binding": "Making the service accounts",
    "mk --dataset": "Creating the dataset",
    "versions add churn-report-clients": "Storing the secrets",
    "secrets list": "Storing the secrets",
    "GRANT": "Letting the service account read",
    "list-files-for-upload": "Deploying the function",
    "functions deploy": "Deploying the function",
    "scheduler jobs create": "Scheduling the weekly call",
    "policies create": "Creating or updating the log-based metrics",
    "curl": "Checking the live function",
}


def test_a_failure_says_where_and_the_next_run_goes_on_from_there(cloud: Cloud) -> None:
    flags = (*EVERYTHING, *secrets_of(cloud))
    for command, step in STEPS.items():
        cloud.change(fail=command)
        stopped = cloud.deploy(*flags)
        assert stopped.returncode != 0, command
        assert f"It stopped at: {step}" in stopped.stderr
        assert stopped.stdout == ""
    cloud.change(fail="")
    assert cloud.deploy(*flags).returncode == 0
    names = cloud.names()
    assert (len(names["secrets"]), len(names["grants"]), len(names["policies"])) == (4, 4, 6)
    assert {name: len(versions) for name, versions in cloud.state["secrets"].items()} == dict.fromkeys(names["secrets"], 1)


def test_secrets_that_cannot_be_read_are_not_taken_for_missing_ones(cloud: Cloud, deployed_before: Deploy) -> None:
    deployed_before(*EVERYTHING, *secrets_of(cloud))
    secrets = cloud.state["secrets"]
    for failing in ("versions list", "versions access"):
        cloud.change(fail=failing)
        assert "It stopped at: Storing the secrets" in cloud.deploy(*secrets_of(cloud)).stderr
        assert cloud.state["secrets"] == secrets


def test_a_dry_run_prints_every_command_and_runs_none(cloud: Cloud) -> None:
    dry = cloud.deploy(*EVERYTHING, *secrets_of(cloud), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert cloud.calls() == []
    printed = [shlex.split(line) for line in dry.stdout.splitlines()[:-1]]

    cloud.deploy(*EVERYTHING, *secrets_of(cloud))
    for change in cloud.changes():
        program, *words = shlex.split(change)
        assert any(line[:4] == [program, *words][:4] for line in printed), change

    deleted = cloud.deploy("--dry-run", "--delete")
    assert cloud.calls() == []
    assert "functions delete" in deleted.stdout


def test_delete_asks_first_and_never_touches_the_data(cloud: Cloud, deployed_before: Deploy) -> None:
    deployed_before(*EVERYTHING, *secrets_of(cloud))
    before = cloud.names()
    for typed in ("", "y\n", "churn\n"):
        kept = cloud.deploy("--delete", typed=typed)
        assert (kept.returncode, cloud.names()) == (1, before)
    cloud.changes()
    deleted = cloud.deploy("--delete", typed="churn-report\n")
    assert deleted.returncode == 0, deleted.stderr
    assert not any(word in change for change in cloud.changes() for word in (" rm ", "DROP", "bq mk"))
    assert cloud.state["datasets"] == {"analytics": []}
    left = {kind: names for kind, names in cloud.names().items() if names}
    assert left == {"datasets": ["analytics"]}
    assert cloud.deploy("--delete", typed="churn-report\n").returncode == 0  # nothing left to do


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--project="], "Which project?"),
        (["--project=My Project"], "--project is 'My Project'; it takes a project id"),
        (["--memory"], "--memory takes a value"),
        (["--regoin=x"], "There is no flag --regoin"),
        (["--timeout=30"], "--timeout is '30'; it takes 120 to 3600 seconds"),
        (["--timeout=3601"], "--timeout is '3601'; it takes 120 to 3600 seconds"),
        (["--name=x"], "--name is 'x'"),
        (["--clients-file=/nowhere"], "/nowhere is missing or empty"),
        (["--clients-file=README.md"], "CLIENTS takes a JSON object"),
        (["--clients-file=@mistake.json"], "Mars/Olympus"),
        (["--api-keys-file=pyproject.toml"], "API_KEYS is not JSON"),
        (["--page-url=shop.example"], "PAGE_URL takes the address"),
    ],
)
def test_a_wrong_setting_stops_it_with_the_sentence_that_helps(cloud: Cloud, flags: Sequence[str], sentence: str) -> None:
    (cloud.folder / "bin/gcloud").write_text("#!/bin/sh\n[ $1 = config ]\n")
    (cloud.folder / "mistake.json").write_text('{"1": {"time_zone": "Mars/Olympus"}}')
    stopped = cloud.deploy(*(flag.replace("@", f"{cloud.folder}/") for flag in flags))
    assert stopped.returncode == 1
    assert sentence in stopped.stderr


def test_help_names_every_flag() -> None:
    shown = subprocess.run([ROOT / "deploy.sh", "--help"], capture_output=True, text=True, check=True).stdout
    script = (ROOT / "deploy.sh").read_text("utf-8")
    accepted = set(
        re.findall(r"--[a-z-]+(?= \||\)| \\)", script.partition("read_flags() {")[2].partition("check_settings() {")[0])
    )
    assert accepted - {"--help", "--"} <= set(re.findall(r"--[a-z-]+", shown))


# The commands, by the programs' own parsers


@pytest.fixture
def without_account(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "CLOUDSDK_CONFIG": str(tmp_path / "config"),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "HOME": str(tmp_path),
    }


def test_every_command_is_one_that_gcloud_and_bq_take(cloud: Cloud, tmp_path: Path, without_account: dict[str, str]) -> None:
    gcloud, bq = needed("gcloud"), needed("bq")
    cloud.deploy(*EVERYTHING, *secrets_of(cloud), "--check-client=1")
    cloud.change(metrics={name: {"told": "old"} for name in cloud.state["metrics"]})
    cloud.change(policies={name: {"told": about["told"].split()[0] + " old"} for name, about in cloud.state["policies"].items()})
    cloud.deploy("--alerts", "--alert-email=ops@shop.example", "--time-zone=Europe/Berlin")
    cloud.deploy("--delete", typed="churn-report\n")
    calls = [(program, words) for program, words, _ in cloud.calls() if program != "curl"]
    distinct = {shlex.join(("gcloud", *words)): None for program, words in calls if program == "gcloud"}
    assert len({tuple(word for word in shlex.split(command) if "-" not in word) for command in distinct}) > 30

    documented = re.findall(r"^gcloud .*$", (ROOT / "docs/operations.md").read_text("utf-8"), re.MULTILINE)
    distinct |= dict.fromkeys(documented)
    (tmp_path / "commands.json").write_text(json.dumps([{"command_string": command} for command in [*distinct, "gcloud x --y"]]))
    lint = [gcloud, "meta", "lint-gcloud-commands", f"--commands-file={tmp_path / 'commands.json'}"]
    told = subprocess.run(lint, env=without_account, capture_output=True, text=True, check=True).stdout
    verdicts = {found["command_string"]: found["error_message"] for found in json_values(told) if not found["success"]}
    assert list(verdicts) == ["gcloud x --y"], verdicts

    known = {
        command: subprocess.run([bq, *command], env=without_account, capture_output=True, text=True, check=False).stdout
        for command in (("--help",), ("help", "ls"), ("help", "mk"), ("help", "show"), ("help", "query"))
    }
    for words in [words for program, words in calls if program == "bq"]:
        command = next(word for word in words if not word.startswith("--"))
        for flag in (word.partition("=")[0].removeprefix("--").removeprefix("no") for word in words if word.startswith("--")):
            assert re.search(rf"--(\[no\])?{flag}\b", known["--help",] + known["help", command]), f"bq {command} has no --{flag}"


def json_values(text: str) -> Iterator[dict[str, Any]]:
    """Each JSON object in what `lint-gcloud-commands` prints: one list after another."""
    decoder, position = json.JSONDecoder(), 0
    while found := re.compile(r"\S").search(text, position):
        value, position = decoder.raw_decode(text, found.start())
        yield from value


# Alerts


def rendered(file: Path) -> str:
    names = {"@NAME@": "churn-report", "@METRIC@": "churn_report", "@CONFIGURATION@": "0123456789abcdef"}
    return re.sub("|".join(names), lambda found: names[found[0]], file.read_text("utf-8"))


@pytest.mark.parametrize("file", sorted(ROOT.glob("deploy/metrics/*.json")), ids=lambda file: file.stem)
def test_each_metric_is_one_of_cloud_logging(file: Path) -> None:
    metric = LogMetric.from_json(rendered(file))
    assert metric.filter.startswith('resource.type="cloud_run_revision" AND resource.labels.service_name="churn-report" AND ')


@pytest.mark.parametrize("file", sorted(ROOT.glob("deploy/alerts/*.json")), ids=lambda file: file.stem)
def test_each_alert_is_one_of_cloud_monitoring(file: Path) -> None:
    policy = AlertPolicy.from_json(rendered(file))
    assert len(policy.conditions) == 1
    assert policy.user_labels["policy"] == file.stem
    metrics = re.findall(r"user/churn-report-([a-z-]+)|user_churn_report_([a-z_]+)", rendered(file))
    for dashed, underscored in metrics:
        assert (ROOT / "deploy/metrics" / f"{dashed or underscored.replace('_', '-')}.json").exists()


def test_the_function_logs_what_the_metrics_and_alerts_look_at(serve: Callable[..., function.Function]) -> None:
    asked = serve(CLIENTS={"940": {"webhook_url": "https://127.0.0.1", "webhook_secret": "whsec_c2VjcmV0"}})
    asked.ask("/reports/generate?client_id=940&week_ending=2025-01-19")
    asked.ask("/reports/weekly", method="POST")
    logged = {line["message"]: line for line in asked.log()}
    looked_at = "".join(map(rendered, [*ROOT.glob("deploy/metrics/*.json"), *ROOT.glob("deploy/alerts/*.json")]))
    for message in re.findall(r'"((?:weekly )?(?:report|run))\\"', looked_at):
        assert message in logged
    fields = set(re.findall(r"jsonPayload\.(\w+)", looked_at))
    assert fields <= logged["report"].keys() | logged["weekly report"].keys()
    assert (logged["weekly report"]["severity"], logged["weekly report"]["customers"]) == ("ERROR", 0)
    assert logged["report"]["summary_reason"] == "no Gemini"
    assert isinstance(logged["report"]["total_milliseconds"], float)


def test_an_exception_is_logged_with_its_stack_where_error_reporting_looks_for_it() -> None:
    try:
        raise RuntimeError("what went wrong")
    except RuntimeError:
        record = logging.LogRecord("report", logging.ERROR, "", 0, "GET / failed", None, sys.exc_info())
    line = json.loads(logs._JsonLines().format(record))
    assert line["severity"] == "ERROR"
    assert line["message"].startswith("GET / failed\nTraceback (most recent call last):")
    assert line["message"].endswith("RuntimeError: what went wrong")


# What is uploaded


@pytest.fixture(scope="session")
def deployed_python() -> Path:
    """The Python of an environment with requirements.txt and nothing else."""
    return deployed.python()


@pytest.mark.usefixtures("sample_shop")
def test_what_is_uploaded_is_enough_to_answer_with_a_report_and_no_more(
    tmp_path: Path, without_account: dict[str, str], deployed_python: Path, bigquery: Any
) -> None:
    listed = subprocess.run(
        [needed("gcloud"), "meta", "list-files-for-upload", "."],
        cwd=ROOT,
        env=without_account,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    others = [path for path in listed if not re.fullmatch(r"(report|model)/.*(?<!\.pyc)(?<!\.md)", path)]
    assert sorted(others) == ["main.py", "requirements.txt"]
    assert not [path for path in listed if "training" in path or "__pycache__" in path]
    upload = tmp_path / "upload"
    for path in listed:
        (upload / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, upload / path)

    description = upload / "report/api/openapi.py"
    description.write_text(re.sub('VERSION = ".*"', 'VERSION = "uploaded"', description.read_text("utf-8")), "utf-8")
    settings = {**function.bigquery_settings(bigquery.address, "sample"), "PYTHONSAFEPATH": "1"}
    with function.running(settings, source=upload / "main.py", python=deployed_python) as running:
        report = running.ask("/reports/generate?client_id=1")
        assert report.status == 200, report.text
        assert report.json()["report_data"]["summary"]["totalCustomers"] > 1000
        for path, starts in {
            "/reports/generate?client_id=1&format=html": "<!doctype html>",
            "/openapi.json": '{"openapi"',
            "/reports/weekly": '{"results"',
        }.items():
            answer = running.ask(path, method="POST" if path.endswith("weekly") else "GET")
            assert (answer.status, answer.text[: len(starts)]) == (200, starts)
        assert running.ask("/openapi.json").json()["info"]["version"] == "uploaded"  # not the file next to this test
        assert running.ask("/reports/generate?client_id=1&format=pdf").body.startswith(b"%PDF-")
        assert not [line for line in running.log() if line["severity"] == "ERROR"]
    with_nothing_else = [
        deployed_python,
        "-c",
        "import importlib.util as u; print(u.find_spec('pytest'), u.find_spec('bqemulator'))",
    ]
    assert subprocess.run(with_nothing_else, capture_output=True, text=True, check=True).stdout == "None None\n"


def test_the_check_key_joins_the_others_and_a_retired_one_goes() -> None:
    keys = with_key("new", with_key("old", json.dumps({hash_of("shop"): [7]})))
    grants = parse_api_keys(keys)
    assert [grant_of(key, grants).clients for key in ("shop", "old", "new")] == [{7}, None, None]
    assert with_key("new", keys) == keys
    assert grant_of("old", parse_api_keys(with_key("new", keys, retired="old"))) is None
    with pytest.raises(ValueError, match="API_KEYS"):
        with_key("new", "[1]")


def test_with_a_tracking_tool_the_function_may_read_its_clients_datasets_and_nothing_else(cloud: Cloud) -> None:
    account = "churn-report@my-project.iam.gserviceaccount.com"
    clients = cloud.folder / "clients.json"
    cloud.change(datasets={"analytics": [account], "analytics_1": [], "analytics_2": [], "analytics_3": []})
    clients.write_text('{"1": {"ga4_dataset": "analytics_1"}, "2": {"ga4_dataset": "exports.analytics_2"}}')
    flags = ("--events-source=ga4", f"--clients-file={clients}")

    first = cloud.deploy(*flags)
    assert first.returncode == 0, first.stderr
    assert cloud.state["datasets"] == {"analytics": [], "analytics_1": [account], "analytics_2": [account], "analytics_3": []}
    granted = [words[-1] for program, words, _ in cloud.calls() if program == "bq" and words[-1].startswith("GRANT")]
    assert [sql.split("`")[3] for sql in granted] == ["exports.analytics_2", "my-project.analytics_1"]
    environment = service_of(cloud)["environmentVariables"]
    assert environment["EVENTS_SOURCE"] == "ga4"
    assert "USERS_TABLE" not in environment

    for again in (flags, ()):
        assert cloud.deploy(*again).returncode == 0
        assert cloud.changes() == []

    clients.write_text('{"2": {"ga4_dataset": "exports.analytics_2"}, "3": {"ga4_dataset": "analytics_3"}}')
    assert cloud.deploy(f"--clients-file={clients}", "--users-table=people").returncode == 0
    readable = {"analytics": [account], "analytics_1": [], "analytics_2": [account], "analytics_3": [account]}
    assert cloud.state["datasets"] == readable
    assert service_of(cloud)["environmentVariables"]["USERS_TABLE"] == "people"

    assert cloud.deploy("--delete", typed="churn-report\n").returncode == 0
    assert cloud.state["datasets"] == {name: [] for name in readable}


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ('{"1": {}}', "EVENTS_SOURCE is ga4, so CLIENTS needs a ga4_dataset for client 1"),
        ('{"1": {"ga4_dataset": "analytics_9"}}', "There is no dataset analytics_9 in my-project."),
    ],
)
def test_a_client_without_its_dataset_stops_the_deployment(cloud: Cloud, entries: str, sentence: str) -> None:
    (cloud.folder / "clients.json").write_text(entries)
    refused = cloud.deploy("--events-source=ga4", f"--clients-file={cloud.folder / 'clients.json'}")
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert cloud.state["functions"] == {}


def test_a_run_that_waits_for_data_is_called_again_over_all_of_the_hours(cloud: Cloud, deployed_before: Deploy) -> None:
    def retries() -> tuple[int, str, str]:
        config = cloud.state["jobs"]["churn-report-weekly"]["retryConfig"]
        return config["retryCount"], config["minBackoffDuration"], config["maxBackoffDuration"]

    deployed_before("--create-tables")
    assert retries() == (3, "60s", "600s")
    for flags, found in (["--wait-for-data=10"], (5, "7200s", "7200s")), (["--unset=wait-for-data"], (3, "60s", "600s")):
        assert cloud.deploy(*flags).returncode == 0
        assert retries() == found
        cloud.changes()
        assert cloud.deploy().returncode == 0
        assert cloud.changes() == []
    assert service_of(cloud)["environmentVariables"]["WAIT_FOR_DATA_HOURS"] == "0"


def test_hours_to_wait_that_are_over_before_the_weekly_call_are_warned_of(cloud: Cloud, deployed_before: Deploy) -> None:
    def warning(*flags: str) -> str:
        done = cloud.deploy("--dry-run", *flags)
        assert done.returncode == 0, done.stderr
        found = re.search(r"Warning: (--wait-for-data .*)\n(.*)\n", done.stderr)
        return " ".join(found[0].split()) if found else ""

    assert warning() == ""
    too_late = warning("--wait-for-data=6")  # the default schedule is 6:00 on Monday
    assert "--wait-for-data 6 waits for nothing" in too_late
    assert "(--schedule '0 6 * * 1') comes 6:00 hours after it for a client in UTC" in too_late
    assert warning("--wait-for-data=7") == ""
    assert "8:30 hours after it for a client in Europe/Berlin" in warning(
        "--wait-for-data=8", "--schedule=30 08 * * 1", "--time-zone=Europe/Berlin"
    )
    assert warning("--wait-for-data=9", "--schedule=30 08 * * 1") == ""
    assert "comes 31:30 hours" in warning("--wait-for-data=24", "--schedule=30 7 * * 2")
    assert warning("--wait-for-data=1", "--schedule=0 6,18 * * 1") == ""  # nobody can tell without reading cron

    deployed_before("--create-tables")
    assert "Warning" in cloud.deploy("--wait-for-data=6").stderr
    assert "Warning" in cloud.deploy().stderr  # it stays as it is deployed
    assert cloud.deploy("--schedule=0 5 * * 1").stderr.count("Warning") == 0
