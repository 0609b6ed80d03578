"""Readers who ask for one report after the other; each answer is judged at once."""

from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Lock, Thread
from time import monotonic

import numpy as np

from local.function import Answer, Function
from tests.benchmarks.say import say
from tests.soak.truth import QUESTIONS, Form, Question, Truth, WrongAnswerError

READERS = 32
POPULAR = 0.5
"""The share of readers who ask for the same report."""
WRONG_KEY = 0.05
PAGE = 0.25
HAS_ONE = 0.3
"""The share of readers who send an ETag; one in four of these is another client's."""
MOST_SHOWN = 20


@dataclass
class Found:
    """What the readers got."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By request and by answer."""
    made_ms: list[float] = field(default_factory=list)
    shared_ms: list[float] = field(default_factory=list)
    wrong: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def answers(self) -> int:
        """Return how many answers there were."""
        with self.lock:
            return self.outcomes.total()

    def note(self, kind: str, outcome: str, answer: Answer, milliseconds: float) -> None:
        """Count a right answer."""
        with self.lock:
            self.outcomes[kind, outcome] += 1
            if answer.status in (200, 304):
                made = "warehouse;" in answer.headers.get("server-timing", "")
                (self.made_ms if made else self.shared_ms).append(milliseconds)

    def note_wrong(self, kind: str, path: str, why: Exception) -> None:
        """Count a wrong answer; the first few are shown."""
        with self.lock:
            self.outcomes[kind, "wrong"] += 1
            self.wrong += 1
            shown = self.wrong <= MOST_SHOWN
        if shown:
            say(f"WRONG: {path}: {why!r}")


def start(reports: Function, truth: Truth, seed: int, until: float) -> tuple[Found, list[Thread]]:
    """Start all readers; they go on until `until` on the monotonic clock."""
    found = Found()
    threads = [
        Thread(target=_read, args=(reports, truth, np.random.default_rng([seed, reader]), until, found), daemon=True)
        for reader in range(READERS)
    ]
    for thread in threads:
        thread.start()
    return found, threads


def _read(reports: Function, truth: Truth, random: np.random.Generator, until: float, found: Found) -> None:
    while monotonic() < until:
        question = QUESTIONS[0 if random.random() < POPULAR else random.integers(len(QUESTIONS))]
        form: Form = "html" if random.random() < PAGE else "json"
        if random.random() < WRONG_KEY:
            kind, key, known = "wrong key", f"wrong {random.integers(2**31)}", None
        else:
            kind, key, known = " with ".join(filter(None, [form, question.include])), None, _known(truth, question, form, random)
        headers = {"If-None-Match": known} if known else {}
        started = monotonic()
        try:
            answer = reports.ask(question.path(form), key=key, headers=headers)
            milliseconds = (monotonic() - started) * 1000
            outcome = _refused(answer) if key else truth.judge(question, form, known, answer)
            found.note(kind, outcome, answer, milliseconds)
        except (WrongAnswerError, OSError, HTTPException, LookupError, TypeError, ValueError) as error:
            found.note_wrong(kind, question.path(form), error)


def _known(truth: Truth, question: Question, form: Form, random: np.random.Generator) -> str | None:
    if random.random() >= HAS_ONE:
        return None
    asked = question
    if random.random() < 0.25:
        others = [other for other in QUESTIONS if other.client != question.client]
        asked = others[random.integers(len(others))]
    etags = truth.etags(asked, form)
    return etags[random.integers(len(etags))] if etags else None


def _refused(answer: Answer) -> str:
    if answer.status not in (401, 429):
        raise WrongAnswerError(f"{answer.status} for a wrong key: {answer.text[:300]}")
    return str(answer.status)
