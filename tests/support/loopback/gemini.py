"""A loopback Gemini: answers `POST /v1beta/models/MODEL:generateContent` as Google's REST API does, and as it can fail.

    with loopback_gemini(says("All is well.")) as gemini:
        ...  # GEMINI_ENDPOINT=gemini.endpoint
        assert prompt_of(gemini.requests[0]).startswith("You are")

The real SDK runs against it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.support.loopback.server import Behaviour, Loopback, Request, answers, drips, drops, hangs, html, running


@contextmanager
def loopback_gemini(behaviour: Behaviour) -> Iterator[Loopback]:
    """Run a Gemini with this behaviour until the block ends."""
    with running(behaviour, r"/v1beta/models/[\w.-]+:generateContent(\?|$)") as loopback:
        yield loopback


def prompt_of(request: Request) -> str:
    """Return the prompt of a request."""
    return "".join(part["text"] for content in request.body["contents"] for part in content["parts"])


def says(text: str, finish_reason: str | None = "STOP") -> Behaviour:
    """Answer with a candidate that has this text."""
    return answers(200, candidate(text, finish_reason))


def says_parts(*parts: Mapping[str, Any]) -> Behaviour:
    """A complete candidate of these parts."""
    content = {"content": {"parts": list(parts), "role": "model"}, "finishReason": "STOP", "index": 0}
    return answers(200, {"candidates": [content], "modelVersion": "loopback"})


def candidate(text: str, finish_reason: str | None = "STOP") -> Mapping[str, Any]:
    """Return Gemini's answer with this text, as JSON."""
    content = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish_reason, "index": 0}
    return {"candidates": [content], "modelVersion": "loopback"}


def fails(status: int, word: str, message: str, details: list[Mapping[str, Any]] | None = None) -> Behaviour:
    """Answer with an error in Google's JSON form."""
    error = {"code": status, "message": message, "status": word, **({"details": details} if details else {})}
    return answers(status, {"error": error})


FAILURES: Mapping[str, Behaviour] = {
    "no candidates": answers(200, {"candidates": [], "modelVersion": "loopback"}),
    "an empty object": answers(200, {}),
    "a blocked prompt": answers(200, {"promptFeedback": {"blockReason": "SAFETY"}}),
    "a blocked answer": answers(200, {"candidates": [{"finishReason": "SAFETY", "index": 0}]}),
    "a cut-off text": says("This week you had", "MAX_TOKENS"),
    "an unknown finish reason": says("This week was a good week.", "SOMETHING_NEW"),
    "no finish reason": says("This week was a good week.", None),
    "an empty text": says(" \n"),
    "no parts": answers(200, {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP", "index": 0}]}),
    "thoughts alone": says_parts({"text": "The owner wants a summary.", "thought": True}),
    "two texts": says_parts({"text": "This week was a good week."}, {"text": "This week was a bad week."}),
    "a call of a function": says_parts({"functionCall": {"name": "look_up", "args": {}}}),
    "ten megabytes": says("All is well. " * 800_000),
    "a bad key": fails(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            }
        ],
    ),
    "a quota": fails(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    "an internal error": fails(500, "INTERNAL", "An internal error has occurred."),
    "an overload": fails(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "a page of HTML": html,
    "a hang": hangs,
    "a dropped connection": drops,
    "a slow drip": drips,
}
"""Every kind of answer that is not a complete text."""
