"""E-mail: the first screen of the report as a mail's subject and body."""

from report.pages.templates import templates
from report.pages.view import View


def mail_subject(view: View) -> str:
    """Name the shop and the news: "Sample Shop: sales down 48%, 801 may not return"."""
    return f"{view.shop}: {view.headline.short}"


def mail_body(view: View, link: str, note: str = "") -> tuple[str, str]:
    """Write the first screen as plain text, and as HTML that every mail program can show.

    `link` leads to the whole report; `note` says what its readers should know about it.
    """
    text = templates().get_template("mail.txt").render(view=view, link=link, note=note)
    return text, templates().get_template("mail.html").render(view=view, link=link, note=note)
