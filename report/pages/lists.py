"""Write a list of customers as CSV: unchanged, or in the form that a mailing or advertising tool imports."""

import hashlib
from collections.abc import Mapping

from report.pages.csv import BYTE_ORDER_MARK, csv_text
from report.schema import CustomerList, ListLayout

MAIL_COLUMNS: Mapping[ListLayout, tuple[str, str]] = {
    "klaviyo": ("Email", "Full Name"),
    "mailchimp": ("Email Address", "Name"),
}
"""The columns for a customer's mail and name: https://help.klaviyo.com/hc/en-us/articles/115005251108 and
https://mailchimp.com/help/format-guidelines-for-your-import-file/."""


def list_as_csv(customers: CustomerList, layout: ListLayout) -> str:
    """Write a list as CSV. The forms of other tools leave out customers without an address; Google's form has only hashes."""
    rows = [customer.model_dump() for customer in customers.customers]
    if layout == "plain":
        columns = tuple(type(customers.customers[0]).model_fields) if rows else ("user_id", "email", "name")
        return BYTE_ORDER_MARK + csv_text(rows, columns)
    mails = [row for row in rows if row["email"]]
    if layout == "google_ads":
        return csv_text([{"Email": hashed_mail(row["email"])} for row in mails], ("Email",))
    mail, name = MAIL_COLUMNS[layout]
    return csv_text([{mail: row["email"], name: row["name"]} for row in mails], (mail, name))


def hashed_mail(address: str) -> str:
    """Normalise and hash an address as Google Ads Customer Match requires.

    Lower case, no white space, for Gmail no dots before the @, then SHA-256 in hex:
    https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
    """
    local, at, domain = "".join(address.split()).lower().rpartition("@")
    if domain in ("gmail.com", "googlemail.com"):
        local = local.replace(".", "")
    return hashlib.sha256(f"{local}{at}{domain}".encode()).hexdigest()
