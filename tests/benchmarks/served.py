"""The memory and the processor time of the function as deployed (`functions-framework` on gunicorn), measured from outside."""

import os
from pathlib import Path

from local import function
from tests.benchmarks.numbers import WEEK
from tests.benchmarks.shop import CLIENT

PATH = f"/reports/generate?client_id={CLIENT}&week_ending={WEEK.ending}"
NO_CACHE = {"REPORT_CACHE_SECONDS": "0"}
AS_DEPLOYED = {"THREADS": "8", "MALLOC_ARENA_MAX": "2"}
MIB = 2**20


def ask(reports: function.Function, path: str = PATH) -> function.Answer:
    """Ask for one report. Raise ValueError for any other answer."""
    answer = reports.ask(path)
    if answer.status != 200:
        raise ValueError(f"The function answered {answer.status}: {answer.text}\n{reports.program.tail()}")
    return answer


def line(reports: function.Function) -> list[int]:
    """Return the processes, each started by the one before it. The last one serves, once it has served."""
    processes = [reports.program.process.pid]
    while children := Path(f"/proc/{processes[-1]}/task/{processes[-1]}/children").read_text().split():
        processes.append(int(children[0]))
    return processes


def worker(reports: function.Function) -> int:
    """Return the serving process. It is sure to exist only after a first answer."""
    return line(reports)[-1]


def most_memory(process: int) -> float:
    """Return the peak memory of the process until now, in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def processor_seconds(process: int) -> float:
    """Return the processor time of the process until now, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
