"""Cold start: seconds from the start of the process to listening and to the first report, compared with two other functions."""

import ast
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

from local import deployed, function, programs
from local.bigquery import LocalBigQuery
from report.api.access import ALL_CLIENTS, hash_of
from tests.benchmarks import served
from tests.benchmarks.say import say
from tests.benchmarks.speed import dataset
from tests.benchmarks.timing import Measured
from tests.support.loopback.gemini import loopback_gemini, says

CUSTOMERS = 1_000
SUMMARY = "Here is your week in short.\n\nNow is a good time to write to those who may be about to leave."
HELLO, OURS, TOP, OURS_GEMINI, TOP_GEMINI = "hello world", "ours", "top", "ours, Gemini", "top, Gemini"
_HELLO = """
import functions_framework

@functions_framework.http
def reports(request):
    return "Hello, world"
"""
_KEY = "cold"


@dataclass(frozen=True)
class ColdStart:
    """Seconds from the start of the process."""

    listening: Measured
    first_answer: Measured


def measure(warehouse: LocalBigQuery, runs: int) -> dict[str, ColdStart]:
    """Start each function in turn. The first start of each compiles its bytecode and does not count."""
    settings = function.bigquery_settings(warehouse.address, dataset(CUSTOMERS))
    with TemporaryDirectory(prefix="cold-start-") as folder, loopback_gemini(says(SUMMARY)) as gemini:
        hello, top = Path(folder, "hello.py"), Path(folder, "everything_at_the_top.py")
        hello.write_text(_HELLO)
        top.write_text(everything_at_the_top())
        asked = settings | {"GEMINI_API_KEY": "loopback", "GEMINI_ENDPOINT": gemini.endpoint}  # pragma: allowlist secret
        variants = {
            HELLO: (hello, {}, ""),
            OURS: (programs.ROOT / "main.py", settings, '"summary_source":"template"'),
            TOP: (top, settings, '"summary_source":"template"'),
            OURS_GEMINI: (programs.ROOT / "main.py", asked, '"summary_source":"gemini"'),
            TOP_GEMINI: (top, asked, '"summary_source":"gemini"'),
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
        for run in range(runs + 1):
            say(f"Cold start: round {run + 1} of {runs + 1}")
            for name, (source, its_settings, expected) in variants.items():
                seconds = _start(source, its_settings, expected, Path(folder))
                if run:
                    found[name].append(seconds)
    return {name: ColdStart(*(Measured(times) for times in zip(*pairs, strict=True))) for name, pairs in found.items()}


def everything_at_the_top() -> str:
    """Write our function with every import of its functions moved to the top."""
    files = [programs.ROOT / "main.py", *(programs.ROOT / "report").rglob("*.py"), *(programs.ROOT / "model").glob("*.py")]
    imports = {
        ast.unparse(statement)
        for file in files
        for outer in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(outer, ast.FunctionDef)
        for statement in ast.walk(outer)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    }
    return "\n".join(["import sys", f"sys.path.insert(0, {str(programs.ROOT)!r})", *sorted(imports), "from main import reports"])


def _start(source: Path, settings: Mapping[str, str], expected: str, folder: Path) -> tuple[float, float]:
    """Return the seconds to listening and to the first answer, which must be a 200 that contains `expected`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = perf_counter()
    with _process(source, port, settings, folder):
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if perf_counter() - started > 60:
                    raise
                sleep(0.001)
        listening = perf_counter() - started
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", served.PATH, headers={"X-API-Key": _KEY})
        answer = connection.getresponse()
        body = answer.read().decode()
        seconds = perf_counter() - started
        connection.close()
    if answer.status != 200 or expected not in body:
        raise ValueError(f"{source.name} answered {answer.status}: {body}")
    return listening, seconds


@contextmanager
def _process(source: Path, port: int, settings: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Start the function under functions-framework, without `local.programs`, whose start would count."""
    ours = (*function.SETTINGS, *function.FRAMEWORK, "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment = inherited | {
        "API_KEYS": json.dumps({hash_of(_KEY): ALL_CLIENTS}),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "PYTHONWARNINGS": "ignore::FutureWarning",
        "XDG_RUNTIME_DIR": str(folder),
        "no_proxy": "127.0.0.1",
        **served.AS_DEPLOYED,
        **settings,
    }
    options = ["--target", "reports", "--source", str(source), "--host", "127.0.0.1", "--port", str(port)]
    with Path(folder, "function.log").open("ab") as log:
        process = subprocess.Popen(
            [deployed.python(), "-m", "functions_framework", *options], env=environment, stdout=log, stderr=log, cwd=programs.ROOT
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
