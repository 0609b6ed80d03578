"""Gemini writes: the brief's section 8.2. The only file that knows its SDK.

`google-generativeai` has reached the end of its life and says so at each import; the warnings are kept quiet here. The SDK takes
about a second to import, so it is imported with the first call; `load` does that ahead of time.
"""

import re
import warnings
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from report.settings import GeminiSettings
from report.summary.executive import GeminiError
from report.threads import run_in_thread

MOST_CALLS = 64
"""So many calls may be under way in this process: one that hangs keeps its thread even after its caller has gone on."""

MOST_CHARACTERS = 20_000
MOST_TOKENS = 8_192
"""Far more than a short summary takes; what a thinking model thinks counts among the tokens."""

_free = BoundedSemaphore(MOST_CALLS)


def write(prompt: str, settings: GeminiSettings) -> str:
    """What Gemini answers to `prompt`: a complete text that nothing has blocked.

    Takes `settings.timeout_seconds` at most, by the clock on the wall, with the SDK's import and whatever the other end does.
    Asks once, without the SDK's retries. Raises GeminiError for anything but a complete text.
    """
    if not _free.acquire(blocking=False):
        raise GeminiError(f"{MOST_CALLS} calls are under way already")
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
    """The SDK and its REST client, imported."""
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
        with model._client:
            answer = model.generate_content(
                prompt,
                generation_config={"max_output_tokens": MOST_TOKENS},
                request_options={"timeout": settings.timeout_seconds, "retry": None},
            )
        return _complete_text(answer)
    finally:
        _free.release()


def _complete_text(answer: Any) -> str:
    if answer.prompt_feedback.block_reason:
        raise GeminiError(f"the prompt was blocked: {answer.prompt_feedback.block_reason.name}")
    if not answer.candidates:
        raise GeminiError("no candidates")
    candidate = answer.candidates[0]
    if candidate.finish_reason.name != "STOP":
        raise GeminiError(f"finish reason {candidate.finish_reason.name}")
    text = "".join(part.text for part in candidate.content.parts)
    if not text.strip():
        raise GeminiError("an empty text")
    if len(text) > MOST_CHARACTERS:
        raise GeminiError(f"a text of {len(text)} characters")
    return text


def _reason(error: Exception) -> str:
    """The kind of an error, with the HTTP status and Google's own word where it has them; its message may quote anything."""
    status = getattr(error, "code", None)
    words = (detail.get("reason", "") for detail in getattr(error, "details", ()) if isinstance(detail, dict))
    known = [word for word in words if re.fullmatch(r"[A-Z_]{1,40}", str(word))]
    return ", ".join([type(error).__name__, *([f"HTTP {int(status)}"] if status else []), *known])
