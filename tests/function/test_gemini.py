"""Gemini, the real SDK against a loopback server: a complete text or a GeminiError, in time."""

import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from report.settings import GeminiSettings
from report.summary import gemini
from report.summary.executive import GeminiError
from tests.support.loopback.gemini import FAILURES, fails, loopback_gemini, prompt_of, says, says_parts
from tests.support.loopback.server import Loopback, drips, hangs

KEY = "sample-key-7f3a"
PROMPT = "Sum up a week in which 150 customers were at risk."
ENDLESS = {"a hang", "a slow drip"}
LONG_ENOUGH = 30.0
"""Seconds; only an endless answer takes this long."""


def _settings(endpoint: str, timeout_seconds: float = LONG_ENOUGH) -> GeminiSettings:
    return GeminiSettings(api_key=KEY, model="gemini-flash-lite-latest", endpoint=endpoint, timeout_seconds=timeout_seconds)


def test_a_good_answer_comes_back_as_it_is_and_the_prompt_went_out_as_it_was() -> None:
    with loopback_gemini(says("All is well.\n\nKeep going.")) as server:
        assert gemini.write(PROMPT, _settings(server.endpoint)) == "All is well.\n\nKeep going."
    (request,) = server.requests
    assert request.path.startswith("/v1beta/models/gemini-flash-lite-latest:generateContent")
    assert prompt_of(request) == PROMPT
    assert request.headers["x-goog-api-key"] == KEY
    assert KEY not in request.path


THOUGHT = {"text": "The owner has 150 customers at risk, so I should sound worried.", "thought": True}


@pytest.mark.parametrize(
    "parts",
    [
        (THOUGHT, {"text": "All is well."}),
        ({"text": "All is well."}, THOUGHT),
        (THOUGHT, THOUGHT, {"text": "All is well.", "thought": False, "thoughtSignature": "c2lnbmVk"}, {"text": ""}),
    ],
)
def test_the_models_thoughts_are_no_part_of_its_text(parts: tuple[Mapping[str, Any], ...]) -> None:
    with loopback_gemini(says_parts(*parts)) as server:
        assert gemini.write(PROMPT, _settings(server.endpoint)) == "All is well."


@pytest.mark.parametrize("failure", FAILURES)
def test_what_is_no_complete_text_is_one_error_in_time_after_one_call(failure: str) -> None:
    gemini.load()
    timeout_seconds = 1.0 if failure in ENDLESS else LONG_ENOUGH
    with loopback_gemini(FAILURES[failure]) as server:
        begun = time.monotonic()
        with pytest.raises(GeminiError) as raised:
            gemini.write(PROMPT, _settings(server.endpoint, timeout_seconds))
        assert time.monotonic() - begun < LONG_ENOUGH / 2
        assert len(server.requests) == 1
    reason = str(raised.value)
    assert 0 < len(reason) < 100
    assert KEY not in reason
    assert "customers" not in reason
    assert KEY not in "".join(traceback.format_exception(raised.value))


def test_an_error_says_what_google_calls_it() -> None:
    with loopback_gemini(FAILURES["a bad key"]) as server, pytest.raises(GeminiError, match="HTTP 400, API_KEY_INVALID"):
        gemini.write(PROMPT, _settings(server.endpoint))


def test_an_error_repeats_nothing_that_the_other_end_says() -> None:
    quoting = fails(400, "INVALID_ARGUMENT", f"No such key: {KEY}", [{"reason": KEY}])
    with loopback_gemini(quoting) as server, pytest.raises(GeminiError) as raised:
        gemini.write(PROMPT, _settings(server.endpoint))
    assert KEY not in str(raised.value)


def test_no_more_calls_go_out_than_may_linger_and_their_end_makes_room() -> None:
    gemini.load()

    def reason(settings: GeminiSettings) -> str:
        with pytest.raises(GeminiError) as raised:
            gemini.write(PROMPT, settings)
        return str(raised.value)

    with loopback_gemini(drips) as server, ThreadPoolExecutor(gemini.MAX_CALLS + 1) as threads:
        reasons = set(threads.map(reason, [_settings(server.endpoint, 2.0)] * (gemini.MAX_CALLS + 1)))
        assert reasons == {"no answer within 2 s", f"{gemini.MAX_CALLS} calls are under way already"}
        assert len(server.requests) <= gemini.MAX_CALLS
    with loopback_gemini(says("Here again.")) as server:
        assert _once_there_is_room(server) == "Here again."


def _once_there_is_room(server: Loopback) -> str:
    until = time.monotonic() + LONG_ENOUGH
    while True:
        try:
            return gemini.write(PROMPT, _settings(server.endpoint))
        except GeminiError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_the_sdk_is_imported_with_the_first_call_and_warns_of_nothing_and_a_hang_keeps_no_process_from_ending() -> None:
    with loopback_gemini(hangs) as server:
        script = f"""
import sys
from report.summary import gemini
from report.settings import GeminiSettings
from report.summary.executive import GeminiError
assert not any(name.startswith("google.generativeai") for name in sys.modules)
try:
    gemini.write("...", GeminiSettings("key", "model", {server.endpoint!r}, 0.05))
except GeminiError as error:
    print(error)
gemini.load()
"""
        command = [sys.executable, "-W", "error", "-c", script]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("no answer within 0.05 s\n", "", 0)
