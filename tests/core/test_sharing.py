"""Many readers, one report."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from report.api.sharing import Shared


def test_calls_at_the_same_time_share_one_answer() -> None:
    shared = Shared[str](seconds=0.001)
    begun, go_on, made = threading.Event(), threading.Event(), []

    def make() -> str:
        made.append("once")
        begun.set()
        go_on.wait(10)
        return "the report"

    with ThreadPoolExecutor(50) as readers:
        first = readers.submit(shared.get, "a week", make, 10)
        begun.wait(10)
        others = [readers.submit(shared.get, "a week", make, 10) for _ in range(49)]
        go_on.set()
        assert first.result() == ("the report", True)
        assert {other.result()[0] for other in others} == {"the report"}
        assert sum(other.result()[1] for other in others) == len(made) - 1
    assert 1 <= len(made) <= 2  # a reader who came after the answer and its millisecond makes another


def test_an_answer_is_kept_for_its_question_alone() -> None:
    shared = Shared[str](seconds=60)
    assert shared.get(("client 1", "key a"), lambda: "one", 1) == ("one", True)
    assert shared.get(("client 1", "key a"), lambda: "another", 1) == ("one", False)
    assert shared.get(("client 1", "key b"), lambda: "another", 1) == ("another", True)
    assert shared.get(("client 2", "key a"), lambda: "a third", 1) == ("a third", True)


def test_with_no_seconds_nothing_is_kept() -> None:
    shared = Shared[str](seconds=0)
    assert shared.get("a week", lambda: "one", 1) == ("one", True)
    assert shared.get("a week", lambda: "another", 1) == ("another", True)


def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    shared = Shared[str](seconds=60)
    begun, go_on = threading.Event(), threading.Event()

    def fail() -> str:
        begun.set()
        go_on.wait(10)
        raise ConnectionError("down")

    with ThreadPoolExecutor(2) as readers:
        first = readers.submit(shared.get, "a week", fail, 10)
        begun.wait(10)
        second = readers.submit(shared.get, "a week", fail, 10)
        go_on.set()
        for reader in (first, second):
            with pytest.raises(ConnectionError):
                reader.result()
    assert shared.get("a week", lambda: "up again", 1) == ("up again", True)


def test_a_call_waits_no_longer_than_its_patience_for_the_answer_of_another() -> None:
    shared = Shared[str](seconds=60)
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> str:
        begun.set()
        go_on.wait(10)
        return "at last"

    with ThreadPoolExecutor(1) as reader:
        first = reader.submit(shared.get, "a week", slowly, 10)
        begun.wait(10)
        with pytest.raises(TimeoutError):
            shared.get("a week", slowly, 0.01)
        go_on.set()
        assert first.result() == ("at last", True)
