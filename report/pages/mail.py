"""E-mail: the first screen of the report as a mail's subject and body."""

from report.pages.templates import templates
from report.pages.view import View


def mail_subject(view: View) -> str:
    """Name the shop and the news: "Sample Shop: sales down 48%, 801 may not return"."""
    return f"{view.shop}: {view.headline.short}"


def mail_body(view: View, link: str) -> tuple[str, str]:
    """Write the first screen as plain text and as HTML that every mail program shows; `link` leads to the whole report."""
    text = templates().get_template("mail.txt").render(view=view, link=link)
    return text, templates().get_template("mail.html").render(view=view, link=link)
