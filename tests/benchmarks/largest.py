"""A report of a million customers a week in 512 MiB; writes LARGEST.md. The rows are on the disk, 20 GB while it runs."""

import sys
from pathlib import Path

from local import bigquery
from tests.benchmarks import machine, memory, shop, speed
from tests.benchmarks.say import say

CUSTOMERS = 1_000_000
MEMORY = "10GB"
"""What the local BigQuery may take."""

TEXT = """# The largest shop

`make largest` wrote this. {machine}

A shop of {customers:,} customers a week has {rows:,} events in the twenty weeks that a report reads: ten each in the twelve weeks
that it counts, one each in the eight of memory before. The local BigQuery keeps them on the disk. A process that can get no more
than {cap} MiB of data memory (`RLIMIT_DATA`) was asked for the report, with `REQUEST_DEADLINE_SECONDS` at {deadline}.

It {served} after {seconds:.0f} s. Its resident memory, which counts the libraries' code as well, was {memory:.0f} MiB at most.
"""


def main() -> int:
    """Load the shop, ask once, and return the exit code: 0 where the report was served."""
    described = machine.description()
    with bigquery.running(memory=MEMORY, on_disk=True) as warehouse:
        bigquery.create_tables(warehouse.client, speed.dataset(CUSTOMERS))
        rows = 0
        for number, events in enumerate(shop.weeks(CUSTOMERS)):
            say(f"{CUSTOMERS:,} customers a week: loading week {number + 1} of {shop.WEEKS + shop.MEMORY_WEEKS}")
            bigquery.load(warehouse.client, events, bigquery.USERS.empty_table(), speed.dataset(CUSTOMERS))
            rows += events.num_rows
        found = memory.capped(warehouse, CUSTOMERS)
    text = TEXT.format(
        machine=described,
        customers=CUSTOMERS,
        rows=rows,
        cap=memory.CAP_MIB,
        deadline=memory.DEADLINE_SECONDS,
        served="served it" if found.served else "did not serve it",
        seconds=found.seconds,
        memory=found.most_memory,
    )
    Path(__file__).with_name("LARGEST.md").write_text(text, "utf-8")
    sys.stdout.write(text)
    return 0 if found.served else 1


if __name__ == "__main__":
    sys.exit(main())
