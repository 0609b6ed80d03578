"""HTML: the report as one file, and the page that requests one. Both are self-contained."""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from markupsafe import Markup

from report.pages.templates import FOLDER, templates
from report.pages.view import View


@dataclass(frozen=True)
class Page:
    """An HTML page, and the Content-Security-Policy that allows only what the page does."""

    html: str
    policy: str


def document(view: View) -> Page:
    """Return the report as one file without a script, to read, mail or archive."""
    style = _asset("report.css")
    # The policy is also in the file, because the file may be opened later, without the header.
    policy = f"default-src 'none'; style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    html = templates().get_template("report.html").render(view=view, style=style, policy=policy)
    return Page(html, f"{policy}; frame-ancestors 'none'")


def problem(detail: str) -> Page:
    """Return the page for a reader whose signed link opens no report."""
    style = _asset("report.css")
    html = templates().get_template("problem.html").render(detail=detail, style=style)
    return Page(html, f"default-src 'none'; style-src {_hash(style)}; img-src data:; base-uri 'none'; frame-ancestors 'none'")


@cache
def generate_page() -> Page:
    """Return the page that requests a report and shows it."""
    style, script = _asset("report.css") + _asset("page.css"), _asset("page.js")
    html = templates().get_template("page.html").render(style=style, script=script)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(html, policy)


@cache
def _asset(name: str) -> Markup:
    text = (FOLDER / name).read_text("utf-8")
    return Markup(text)  # nosec B704  # noqa: S704 - our own file


def _hash(inline: str) -> str:
    return f"'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'"
