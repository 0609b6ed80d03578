"""The two engines, each started once for all cases."""

from typing import Any

import pytest
from case_file import PAGES, read
from two_engines import Engine, emulator_engine, google_engine


@pytest.fixture(scope="session")
def google() -> Engine:
    """Google's own engine."""
    return google_engine([read(page) for page in PAGES])


@pytest.fixture(scope="session")
def emulator(bigquery: Any) -> Engine:
    """The local BigQuery's emulator."""
    return emulator_engine(bigquery.client)
