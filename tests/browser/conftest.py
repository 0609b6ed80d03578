"""Fixtures: Debian's Chromium, steered by Playwright, and the function behind a path prefix, as Google Cloud serves it."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from local import browser
from local.function import Function
from tests.browser.reader import Reader, Seen, Shop
from tests.support.loopback.prefix import behind_a_prefix


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser. Where there is none, the tests say so and do not run; in CI they fail."""
    path = browser.find()
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"The browser tests did NOT run. {browser.HOW_TO_GET}")
    with browser.running(path) as running:
        yield running


@pytest.fixture
def open_browser(chromium: Browser) -> Iterator[Callable[..., Reader]]:
    """Open a window of its own: nothing kept, so wide, light or dark. In the end nothing may have gone to anywhere else."""
    opened: list[Reader] = []

    def open_(address: str, width: int = 1440, color_scheme: Any = "light") -> Reader:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=color_scheme, locale="en-US", accept_downloads=True
        )
        page, seen = context.new_page(), Seen()
        page.on("request", lambda request: seen.requests.append(request))  # noqa: PLW0108 - Playwright takes no built-in
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (seen.complaints.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(address)
        opened.append(Reader(page, seen))
        return opened[-1]

    yield open_
    for reader in opened:
        origins = {"/".join(request.url.split("/")[:3]) for request in reader.seen.requests}
        assert all(re.match(r"(http://127\.0\.0\.1:\d+|data:|blob:|file:)", origin) for origin in origins), origins
        # The browser itself notes an answer of 4xx and 5xx, and one that never came.
        assert [text for text in reader.seen.complaints if not text.startswith("Failed to load resource")] == []
        reader.page.context.close()


@pytest.fixture
def shop(
    load_events: Callable[[list[dict[str, Any]]], None], load_users: Callable[[list[dict[str, str]]], None], client_id: int
) -> Shop:
    name = """=<script>alert("1")</script><img src=x onerror='alert(2)'> & قاعدة 😀"""
    load_events(
        [
            {"user_id": f"u{number:02}", "event_type": kind, "timestamp": f"2025-01-{day:02}T12:00", "price": f"{number}.50"}
            for number in range(20)
            for day, kind in [(7, "purchase"), (13 + number % 7, "purchase" if number % 2 else "removed_from_cart")]
        ]
    )
    named = [{"user_id": f"u{number:02}", "email": f"u{number:02}@example.com", "name": f"Sample {number}"} for number in (3, 5)]
    load_users([*named, {"user_id": "u00", "email": "u00@example.com", "name": name}])
    return Shop(client_id, name)


@pytest.fixture(scope="session")
def function(serve: Callable[..., Function]) -> Function:
    """The function without Gemini."""
    return serve()


@pytest.fixture(scope="session")
def prefixed(function: Function) -> Iterator[str]:
    """Where the function is behind a prefix, without a slash at its end."""
    with behind_a_prefix(function.address, "/weekly-report") as address:
        yield address
