"""Slack: the first screen of the report as blocks."""

from collections.abc import Mapping, Sequence
from typing import Any

from report.pages.view import Action, Figure, View

MAX_TEXT = 3_000
MAX_FIELD = 2_000
"""The most characters that Slack takes in a section's text and in one of its fields."""

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack_blocks(view: View, link: str, note: str = "") -> Sequence[Mapping[str, Any]]:
    """Lay out the first screen: caveats, the news, the figures with their changes, the actions, the link."""
    blocks = [
        *(_section(f":warning: *{_escaped(caveat.text)}*") for caveat in view.caveats if caveat.severity == "serious"),
        _section(f"*{_escaped(view.shop, 500)}* · {_escaped(view.period, 100)}"),
        _section(f"*{_escaped(view.headline.text)}*\n{_escaped(view.headline.detail)}".strip()),
        {"type": "section", "fields": [_text(_figure(figure), MAX_FIELD) for figure in view.figures]},
        *(_section(_action(number, action)) for number, action in enumerate(view.actions, start=1)),
    ]
    if view.backtest:
        blocks.append(_section(_escaped(f"{view.backtest.expected} {view.backtest.came}")))
    blocks += [_section(_escaped(caveat.text)) for caveat in view.caveats if caveat.severity == "note"]
    return [*blocks, _section(f"<{_escaped(link)}|Open the report>\n{_escaped(note)}".strip())]


def _figure(figure: Figure) -> str:
    changes = ", ".join(filter(None, [figure.before, figure.usual]))
    return f"*{_escaped(figure.label)}*\n{_escaped(figure.value)}\n{_escaped(changes)}"


def _action(number: int, action: Action) -> str:
    about = ", ".join(filter(None, [action.whom, action.money and f"{action.money} at stake a week"]))
    return "\n".join(filter(None, [f"*{number}. {_escaped(action.text, 1_000)}*", _escaped(action.why, 1_500), _escaped(about)]))


def _section(text: str) -> Mapping[str, Any]:
    return {"type": "section", "text": _text(text, MAX_TEXT)}


def _text(text: str, most: int) -> Mapping[str, Any]:
    """Make a text object; `verbatim` keeps Slack from making links of what looks like one."""
    return {"type": "mrkdwn", "text": text if len(text) <= most else text[: most - 1] + "…", "verbatim": True}


def _escaped(text: str, most: int = MAX_TEXT - 100) -> str:
    """Escape what Slack would read as a mention or a link, and cut the text if it is too long after escaping."""
    whole = "".join(_ESCAPED.get(character, character) for character in text)
    if len(whole) <= most:
        return whole
    cut, length = [], 0
    for character in text:
        escaped = _ESCAPED.get(character, character)
        length += len(escaped)
        if length >= most:
            break
        cut.append(escaped)
    return "".join(cut) + "…"
