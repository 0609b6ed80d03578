"""Ask Gemini for a text: the brief's section 8.2. Only this file knows Google's SDK.

`google-generativeai` has reached its end of life and says so at each import; its warnings are silenced here. Its import takes
about a second, so it is imported with the first call; `load` does that ahead of time.

The SDK's messages have no field for a model's thoughts: it drops the mark `thought: true` and joins the thoughts to the text. So
the SDK sends the request and judges the answer, and the parts of the text are read from the JSON that its HTTP session received.
"""

import json
import re
import warnings
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from report.settings import GeminiSettings
from report.summary.executive import GeminiError
from report.threads import run_in_thread

MAX_CALLS = 64
"""Limits the calls in this process: a call that hangs keeps its thread even after its caller has continued."""

MAX_CHARACTERS = 20_000
MAX_TOKENS = 8_192
"""Far more than a short summary needs; the thoughts of a thinking model count too."""

_free = BoundedSemaphore(MAX_CALLS)


def write(prompt: str, settings: GeminiSettings) -> str:
    """Return Gemini's answer to `prompt`: one complete text that was not blocked.

    Takes at most `settings.timeout_seconds`, by the wall clock, including the SDK's import. Asks once, without the SDK's retries.
    Raises GeminiError for anything but a complete text.
    """
    if not _free.acquire(blocking=False):
        raise GeminiError(f"{MAX_CALLS} calls are under way already")
    answer = run_in_thread(_ask, prompt, settings)
    try:
        return answer.result(settings.timeout_seconds)
    except GeminiError:
        raise
    except TimeoutError:
        raise GeminiError(f"no answer within {settings.timeout_seconds:g} s") from None
    except Exception as error:
        raise GeminiError(_reason(error)) from None


@cache
def load() -> tuple[Any, Any]:
    """Import the SDK and its REST client."""
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\b|report\.summary\.gemini")
    import google.generativeai as sdk
    from google.ai.generativelanguage import GenerativeServiceClient

    return sdk, GenerativeServiceClient


def _ask(prompt: str, settings: GeminiSettings) -> str:
    try:
        sdk, rest_client = load()
        model = sdk.GenerativeModel(settings.model)
        # A client of its own, made in less than a millisecond: `sdk.configure` would share one among all threads.
        model._client = rest_client(
            transport="rest", client_options={"api_key": settings.api_key, "api_endpoint": settings.endpoint}
        )
        received: list[bytes] = []
        model._client.transport._session.hooks["response"].append(lambda response, **_: received.append(response.content))
        with model._client:
            answer = model.generate_content(
                prompt,
                generation_config={"max_output_tokens": MAX_TOKENS},
                request_options={"timeout": settings.timeout_seconds, "retry": None},
            )
        _check_complete(answer)
        return _text(json.loads(received[-1]))
    finally:
        _free.release()


def _check_complete(answer: Any) -> None:
    """Raise GeminiError for an answer that was blocked or cut off."""
    if answer.prompt_feedback.block_reason:
        raise GeminiError(f"the prompt was blocked: {answer.prompt_feedback.block_reason.name}")
    if not answer.candidates:
        raise GeminiError("no candidates")
    finish_reason = answer.candidates[0].finish_reason.name
    if finish_reason != "STOP":
        raise GeminiError(f"finish reason {finish_reason}")


def _text(answer: Any) -> str:
    """Return the one text of Gemini's JSON that is not a thought. Raise GeminiError without exactly one such text."""
    parts = answer["candidates"][0].get("content", {}).get("parts", [])
    texts = [text for part in parts if not part.get("thought") and (text := part.get("text", "")).strip()]
    if not texts:
        raise GeminiError("an empty text")
    if len(texts) > 1:
        raise GeminiError(f"{len(texts)} parts of text")
    if len(texts[0]) > MAX_CHARACTERS:
        raise GeminiError(f"a text of {len(texts[0])} characters")
    return str(texts[0])


def _reason(error: Exception) -> str:
    """Return the kind of an error, with the HTTP status and Google's reason if there are any. Its message could quote the key."""
    status = getattr(error, "code", None)
    words = (detail.get("reason", "") for detail in getattr(error, "details", ()) if isinstance(detail, dict))
    known = [word for word in words if re.fullmatch(r"[A-Z_]{1,40}", str(word))]
    return ", ".join([type(error).__name__, *([f"HTTP {int(status)}"] if status else []), *known])
