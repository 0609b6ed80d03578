"""The expected answers: each report as it is without faults, and the check whether an answer is allowed."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from threading import Lock
from time import sleep
from typing import Any, Literal
from urllib.parse import urlencode

from markupsafe import escape

from local.function import Answer, Function
from tests.soak.faults import Proxy
from tests.soak.shops import CLIENTS, WEEKS

SUMMARY = "A quiet week in a shop that is doing well.\n\nNow is a good time to write to those who have been away."
"""The text that Gemini writes."""
WHOLE, WITHOUT_DAYS = "200", "200 without the daily counts"
INCLUDES = ("", "customers", "history")
AT_ONCE = 2
ATTEMPTS = 5
"""How often a question is asked while the answer is 504: the machine may be busy with something else."""

Form = Literal["json", "html"]


class WrongAnswerError(Exception):
    """An answer that is not allowed."""


@dataclass(frozen=True)
class Question:
    """A report to ask for."""

    client: int
    week_ending: date
    include: str

    def path(self, form: Form = "json") -> str:
        """Return the path and query of the report."""
        wanted = {"client_id": self.client, "week_ending": self.week_ending, "format": form}
        return "/reports/generate?" + urlencode(wanted | ({"include": self.include} if self.include else {}))


QUESTIONS = tuple(Question(client, week, include) for client in CLIENTS for week in WEEKS for include in INCLUDES)


class Truth:
    """The reports of each question, whole and without the daily counts, and the ETags of right answers."""

    def __init__(self, whole: Mapping[Question, Any], without_days: Mapping[Question, Any]) -> None:
        self._reports = {question: {WHOLE: whole[question], WITHOUT_DAYS: without_days[question]} for question in QUESTIONS}
        self._etags: dict[tuple[Question, Form], set[str]] = {}
        self._lock = Lock()

    def etags(self, question: Question, form: Form) -> list[str]:
        """Return the ETags of right answers to this question until now."""
        with self._lock:
            return sorted(self._etags.get((question, form), ()))

    def judge(self, question: Question, form: Form, known: str | None, answer: Answer) -> str:
        """Return the kind of right answer, for a reader who sent the ETag `known`. Raise WrongAnswerError."""
        etag = answer.headers.get("etag", "")
        if answer.status == 200:
            kind = self._page(question, answer) if form == "html" else self._report(question, answer)
            if not etag:
                raise WrongAnswerError("200 without an ETag")
            with self._lock:
                self._etags.setdefault((question, form), set()).add(etag)
            return kind
        if answer.status == 304:
            if known != etag or known not in self.etags(question, form):
                raise WrongAnswerError(f"304 with {etag} for a reader who has {known}")
            return "304"
        if answer.status in (502, 504):
            _check_problem(answer)
            return str(answer.status)
        raise WrongAnswerError(f"{answer.status}: {answer.text[:300]}")

    def _report(self, question: Question, answer: Answer) -> str:
        got = json.loads(answer.body)
        by_gemini, text = got["meta"]["summary_source"] == "gemini", got["report_data"]["executiveSummary"]
        if by_gemini != (text == SUMMARY) or not text:
            raise WrongAnswerError(f"the summary of {got['meta']['summary_source']} is {text!r}")
        got = comparable(got)
        for kind, report in self._reports[question].items():
            if got == report:
                return kind
        raise WrongAnswerError(f"another report: {list(differences(self._reports[question][WHOLE], got))[:10]}")

    def _page(self, question: Question, answer: Answer) -> str:
        plain = self._reports[Question(question.client, question.week_ending, "")]
        for kind, report in sorted(plain.items(), reverse=True):  # what has one caveat more comes first
            data = report["report_data"]
            sentences = [
                CLIENTS[question.client]["name"],
                *(caveat["text"] for caveat in data["caveats"]),
                *(advice["action"] for advice in data["recommendations"]),
            ]
            if all(str(escape(sentence)) in answer.text for sentence in sentences):
                return kind
        raise WrongAnswerError(f"a page without this report's caveats or actions: {answer.text[:300]}")


def find(reports: Function, proxy: Proxy, cache_seconds: float) -> Truth:
    """Ask every question without faults, as it is and with the daily counts refused."""
    whole = _ask_all(reports)
    sleep(cache_seconds + 0.5)
    proxy.refuses_daily_counts = True
    without_days = _ask_all(reports)
    proxy.refuses_daily_counts = False
    sleep(cache_seconds + 0.5)
    for question in QUESTIONS:
        codes = [caveat["code"] for caveat in without_days[question]["report_data"]["caveats"]]
        if "days_unknown" not in codes:
            raise WrongAnswerError(f"{question} does not say that its daily counts are missing: {codes}")
    return Truth(whole, without_days)


def _ask_all(reports: Function) -> dict[Question, Any]:
    with ThreadPoolExecutor(AT_ONCE) as readers:
        answers = readers.map(lambda question: _ask(reports, question), QUESTIONS)
        found = {}
        for question, answer in zip(QUESTIONS, answers, strict=True):
            if answer.status != 200:
                raise WrongAnswerError(f"{question} without faults: {answer.status}: {answer.text}")
            found[question] = comparable(answer.json())
            theirs = found[question]["meta"]["client_id"], found[question]["week_ending"]
            if theirs != (question.client, question.week_ending.isoformat()):
                raise WrongAnswerError(f"{question} without faults is about {theirs}")
    return found


def _ask(reports: Function, question: Question) -> Answer:
    for _ in range(ATTEMPTS - 1):
        answer = reports.ask(question.path())
        if answer.status != 504:
            return answer
    return reports.ask(question.path())


def comparable(report: Any) -> Any:
    """Return the report without the fields that may differ between two right answers."""
    meta = {name: value for name, value in report["meta"].items() if name not in ("generated_at", "summary_source")}
    data = {name: value for name, value in report["report_data"].items() if name != "executiveSummary"}
    return {**report, "meta": meta, "report_data": data}


def differences(right: Any, got: Any, where: str = "") -> Iterable[str]:
    """Yield where two reports differ."""
    if isinstance(right, dict) and isinstance(got, dict):
        for name in sorted({*right, *got}):
            yield from differences(right.get(name), got.get(name), f"{where}.{name}")
    elif isinstance(right, list) and isinstance(got, list) and len(right) == len(got):
        for number, (one, other) in enumerate(zip(right, got, strict=True)):
            yield from differences(one, other, f"{where}[{number}]")
    elif right != got:
        yield f"{where} is {got!r}, not {right!r}"


def _check_problem(answer: Answer) -> None:
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        raise WrongAnswerError(f"{answer.status} as {answer.headers.get('content-type')}: {answer.text[:300]}")
    if answer.json()["status"] != answer.status:
        raise WrongAnswerError(f"{answer.status} that says {answer.text[:300]}")
