"""A shop's own files: what is made of them, what is said of them, and into which tables they go."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import openpyxl
import pytest

from local import bigquery as local_bigquery
from local import load, programs
from local.ingest import values
from local.ingest.mapping import FOLDER, InputError, known_mappings, normal
from local.ingest.rows import last_full_week, read_shop

NOW = datetime(2026, 1, 1, tzinfo=UTC)

SHOPIFY = """\
Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Billing Name,\
Cancelled at,Refunded Amount
#1,Ann@Example.com,paid,EUR,30.00,35.00,2025-01-07 10:00:00 +0100,1,A,10.00,Sample Customer 1,,0.00
#1,Ann@Example.com,,,,,,2,B,10.00,,,
#2,bob@example.com,refunded,EUR,20.00,25.00,2025-01-08 23:30:00 -0500,1,A,20.00,"Customer ""2""
Sample",,25.00
#3,cy@example.com,paid,EUR,20.00,20.00,2025-01-12 10:00:00 +0100,1,A,20.00,,2025-01-12 11:00:00 +0100,0.00
#4,,paid,EUR,20.00,20.00,2025-01-13 10:00:00 +0100,1,A,20.00,,,0.00
#5,ann@example.com,partially_refunded,EUR,100.00,125.00,2025-01-13 10:00:00 +0100,1,A,100.00,,,25.00
"""
RETAIL = """\
Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country
536365,85123A,"LAMP, £ WHITE",6,12/1/2010 8:26,2.55,17850.0,United Kingdom
C536379,D,Discount,-1,12/1/2010 9:41,27.50,14527.0,United Kingdom
536414,22139,,56,12/1/2010 11:52,0.00,,United Kingdom
536415,22139,CUP,2,12/13/2010 11:52,1.00,17850.0,United Kingdom
"""
REES46 = """\
event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2019-11-01 00:00:00 UTC,view,1,2,,x,1.50,5,s
2019-11-01 00:00:00 UTC,view,1,2,,x,1.50,5,s
2019-11-01 00:00:00 UTC,view,3,2,,x,1.50,5,s
2019-11-04 00:00:00 UTC,cart,3,2,,x,1.50,5,s
2019-11-04 00:01:00 UTC,purchase,3,2,,x,1.50,5,s
"""
WOOCOMMERCE = """\
order_id,parent_id,date_created,date_created_gmt,num_items_sold,total_sales,net_total,returning_customer,status,customer_id
1,0,2025-01-06 10:00:00,2025-01-06 09:00:00,1,12,10,0,wc-completed,5
2,1,2025-01-07 10:00:00,2025-01-07 09:00:00,-1,-12,-10,0,wc-completed,5
3,0,2025-01-08 10:00:00,2025-01-08 09:00:00,1,12,10,0,wc-cancelled,6
"""
VISIT = [{"key": "page", "value": {"string_value": "/"}}, {"key": "ga_session_id", "value": {"int_value": "661"}}]
SALE = {"transaction_id": "T1", "purchase_revenue_in_usd": 12.5, "purchase_revenue": 15}
GA4 = [
    {"event_timestamp": "1612069510000001", "event_name": "page_view", "event_params": VISIT, "user_pseudo_id": "1.2"},
    {"event_timestamp": "1612069520000000", "event_name": "add_to_cart", "event_params": VISIT, "user_pseudo_id": "1.2"},
    {
        "event_timestamp": "1612069530000000",
        "event_name": "purchase",
        "event_params": VISIT,
        "user_pseudo_id": "1.2",
        "user_id": "ann",
        "ecommerce": SALE,
    },
    {
        "event_timestamp": "1612069531000000",
        "event_name": "purchase",
        "event_params": VISIT,
        "user_pseudo_id": "1.2",
        "user_id": "ann",
        "ecommerce": SALE,
    },
    {
        "event_timestamp": "1612069532000000",
        "event_name": "purchase",
        "event_params": [],
        "user_pseudo_id": None,
        "ecommerce": SALE,
    },
]


class Read:
    """What was read: the rows of both tables, and all that was said."""

    def __init__(self, folder, asked, mapping=None):
        given = None
        if mapping is not None:
            given = folder / "mapping.toml"
            given.write_text(mapping)
        self.said = ""
        out = folder / "out"
        out.mkdir()
        self.shop = read_shop([str(path) for path in asked], given, out, now=NOW, say=self.hear)
        order = "ORDER BY client_id, user_id, timestamp, event_type, price"
        self.events = duckdb.execute(f"SELECT * FROM '{self.shop.events}' {order}").fetchall()
        self.users = duckdb.execute(f"SELECT * FROM '{self.shop.users}' ORDER BY client_id, user_id").fetchall()

    def hear(self, message):
        self.said += message + "\n"

    def amounts(self):
        return [float((row[4] or 0) * (1 if row[5] is None else row[5])) for row in self.events]


def read(folder, content, mapping=None, name="orders.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Read(folder, [path], mapping)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Sources that are known


def test_shopify_orders(tmp_path):
    found = read(tmp_path, "\N{ZERO WIDTH NO-BREAK SPACE}" + SHOPIFY)
    assert "Shopify orders" in found.said
    assert [row[1:5] for row in found.events] == [
        ("ann@example.com", "purchase", utc("2025-01-07 09:00"), Decimal(30)),
        ("ann@example.com", "purchase", utc("2025-01-13 09:00"), Decimal(80)),  # a fifth of the order was paid back
        ("bob@example.com", "purchase", utc("2025-01-09 04:30"), Decimal(0)),
    ]
    assert found.users == [
        (1, "ann@example.com", "Ann@Example.com", "Sample Customer 1"),
        (1, "bob@example.com", "bob@example.com", 'Customer "2"\nSample'),
    ]
    assert found.shop.clients[1]["currency"] == "EUR"
    assert "left out 1: cancelled orders" in found.said
    assert "left out 1 without a customer, first in" in found.said
    assert "column Email, line 7" in found.said  # the order before it has a line break in a name
    assert "a dollar taken for 1 EUR" in found.said
    assert found.shop.week_ending == date(2025, 1, 12)


def test_online_retail(tmp_path):
    found = read(tmp_path, RETAIL.encode("latin-1"))
    assert [row[1:] for row in found.events] == [
        ("17850", "purchase", utc("2010-12-01 08:26"), Decimal("2.55"), 6, "536365"),
        ("17850", "purchase", utc("2010-12-13 11:52"), Decimal(1), 2, "536415"),
    ]
    assert "month-day-year" in found.said
    assert "left out 1: cancelled invoices" in found.said
    assert found.shop.clients[1] == {
        "name": "orders.csv",
        "time_zone": "Europe/London",
        "currency": "GBP",
        "usd_rate": 0.63,
    }


def test_sheets_of_a_workbook_are_read_together(tmp_path):
    header, *rows = csv.reader(io.StringIO(RETAIL))
    book = openpyxl.Workbook()
    book.active.append(header)
    later = book.create_sheet("Year 2010-2011")
    later.append(header)
    book.create_sheet("Notes").append(["not a table"])
    for sheet, row in zip((book.active, later, later, later), rows, strict=True):
        customer = float(row[6]) if row[6] else None
        moment = datetime.strptime(row[4], "%m/%d/%Y %H:%M")
        sheet.append([row[0], row[1], row[2], int(row[3]), moment, float(row[5]), customer, row[7]])
    book.save(tmp_path / "online retail II.xlsx")
    found = Read(tmp_path, [tmp_path / "online retail II.xlsx"])
    assert [(row[1], row[3]) for row in found.events] == [
        ("17850", utc("2010-12-01 08:26")),
        ("17850", utc("2010-12-13 11:52")),
    ]
    assert "sheet Year 2010-2011, column Customer ID, line 3" in found.said


def test_exact_copies_of_rees46s_rows_count_once(tmp_path):
    found = read(tmp_path, REES46)
    assert [row[2] for row in found.events] == ["page_view", "page_view", "added_to_cart", "purchase"]
    assert "1 row left out: exact copies" in found.said


def test_woocommerce_orders(tmp_path):
    found = read(tmp_path, WOOCOMMERCE)
    assert [row[1:5] for row in found.events] == [("5", "purchase", utc("2025-01-06 09:00"), Decimal(10))]
    assert "left out 1: refunds" in found.said


@pytest.mark.parametrize("form", ["lines", "list", "gzip", "parquet"])
def test_ga4_export(tmp_path, form):
    lines = "\n".join(json.dumps(row) for row in GA4)
    path = tmp_path / {"lines": "ga4.json", "list": "ga4 list.json", "gzip": "ga4.jsonl.gz", "parquet": "ga4.parquet"}[form]
    if form == "parquet":
        (tmp_path / "rows.json").write_text(lines)
        duckdb.sql(f"COPY (FROM read_json('{tmp_path}/rows.json')) TO '{path}'")
    else:
        content = (json.dumps(GA4) if form == "list" else lines).encode()
        path.write_bytes(gzip.compress(content) if form == "gzip" else content)
    found = Read(tmp_path, [path])
    assert [(row[1], row[2], row[4], row[6]) for row in found.events] == [
        ("1.2", "page_view", None, "661"),
        ("1.2", "added_to_cart", None, "661"),
        ("ann", "purchase", Decimal("12.5"), "661"),  # once, though it came twice
    ]
    assert found.events[0][3] == utc("2021-01-31 05:05:10.000001")


def test_the_reports_own_columns_keep_their_clients(tmp_path):
    found = read(
        tmp_path,
        "client_id,user_id,event_type,timestamp,price,quantity,session_id\n"
        "7,ann,purchase,2025-01-06T10:00:00Z,49.999999999,2,s\n7, ann,page_view,2025-01-07T10:00:00+02:00,,,\n"
        "3,bob,purchase,2025-01-06 10:00,1,0.5,s\n",
    )
    assert found.events == [
        (3, "bob", "purchase", utc("2025-01-06 10:00"), Decimal("0.5"), 1, "s"),
        (7, " ann", "page_view", utc("2025-01-07 08:00"), None, None, None),
        (7, "ann", "purchase", utc("2025-01-06 10:00"), Decimal("49.999999999"), 2, "s"),
    ]
    assert found.shop.client == 7
    assert set(found.shop.clients) == {3, 7}


def test_every_known_source_is_a_mapping_that_fits_no_other():
    assert len(known_mappings()) == len(list(FOLDER.glob("*.toml")))
    names = [mapping.source for mapping in known_mappings()]
    assert len(set(names)) == len(names)


# Lists of orders as people have them

LISTS = {
    "day first": ("Kunde;Datum;Betrag\nK1;13.01.2025;1.234,50 €\nK2;05.01.2025 10:30;0,50\n", [1234.5, 0.5]),
    "tabs": ("Customer\tOrder date\tTotal\nA\t2025-01-06\t$1,234.50\nB\t2025-01-07\t(2.00)\n", [1234.5, -2.0]),
    "names of months": ('customer,date,amount\nA,5-Jan-2025,1\nB,"Jan 13, 2025",2\n', [1.0, 2.0]),
    "half days": ("customer,date,amount\nA,1/13/25 1:05 PM,1\nB,1/5/2025 12:00,2\n", [1.0, 2.0]),
    "separator named": ("sep=|\ncustomer|date|amount\nA|2025-01-06|1\nB|2025-01-06|2\n", [1.0, 2.0]),
    "seconds since 1970": ("user,time,amount\nA,1736157600,1\nB,1736157600,2\n", [1.0, 2.0]),
    "Swiss thousands": ("customer,date,amount\nA,2025-01-06,CHF 1'234.50\nB,2025-01-06,−2\n", [1234.5, -2.0]),
    "price and quantity": ("customer id,date,qty,unit price\nA,2025-01-06,3,1.50\nB,2025-01-06,0.5,3\n", [4.5, 1.5]),
}


@pytest.mark.parametrize("form", LISTS)
def test_lists_of_orders(tmp_path, form):
    content, amounts = LISTS[form]
    found = read(tmp_path, content)
    assert found.amounts() == amounts
    assert len(found.events) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    found = read(tmp_path, "Kunde;Datum;Betrag\nJörg €;13.01.2025;1,50\n".encode(encoding))
    assert found.events[0][1] == "Jörg €"


def test_a_visit_ends_with_a_pause_where_there_are_no_sessions(tmp_path):
    times = ("10:00", "10:30", "11:00:01", "10:10")
    found = read(tmp_path, "customer,date,amount\n" + "".join(f"A,2025-01-06 {clock},1\n" for clock in times))
    assert [row[6] for row in found.events] == ["20250106T100000"] * 3 + ["20250106T110001"]


def test_files_and_folders_with_spaces_and_patterns_in_their_names(tmp_path):
    folder = tmp_path / "my exports [2025]"
    folder.mkdir()
    (folder / "it's 1*.csv").write_text("customer,date,amount\nA,2025-01-06,1\n")
    (folder / "second.tsv").write_text("date\tcustomer\tamount\n2025-01-07\tA\t2\n")
    (folder / "read me.md").write_text("no events")
    assert Read(tmp_path, [folder]).amounts() == [1.0, 2.0]
    (tmp_path / "out").rename(tmp_path / "before")
    one, two = folder / "it's 1*.csv", folder / "second.tsv"
    assert Read(tmp_path, [f'"{one}" "{two}"']).amounts() == [1.0, 2.0]


def test_orders_of_exports_that_overlap_count_once(tmp_path):
    (tmp_path / "a.csv").write_text(SHOPIFY)
    (tmp_path / "b.csv").write_text(SHOPIFY)
    found = Read(tmp_path, [tmp_path / "a.csv", tmp_path / "b.csv"])
    assert len(found.events) == 3
    assert "3 rows left out: orders that come twice" in found.said


def test_the_week_ends_on_the_last_sunday_of_the_data():
    assert last_full_week(date(2025, 1, 1), date(2025, 1, 12)) == date(2025, 1, 12)
    assert last_full_week(date(2025, 1, 1), date(2025, 1, 18)) == date(2025, 1, 12)
    assert last_full_week(date(2025, 1, 13), date(2025, 1, 15)) == date(2025, 1, 15)


def test_events_of_the_future_do_not_make_the_week(tmp_path):
    found = read(tmp_path, "customer,date,amount\nA,2025-01-06,1\nA,2025-01-12,1\nA,2099-01-06,1\n")
    assert found.shop.week_ending == date(2025, 1, 12)
    assert "1 events are later than now" in found.said


# Mappings


def test_a_mapping_names_columns_events_zone_and_currency(tmp_path):
    found = read(
        tmp_path,
        "wer;wann;was;preis\nA;05.01.2025 00:30;Kauf;1,5\nA;05.01.2025 00:31;Korb;1,5\n",
        """
        time_zone = "Europe/Berlin"
        decimal_comma = true
        day_first = true
        currency = "EUR"
        usd_rate = 0.9
        [columns]
        user_id = "wer"
        timestamp = "wann"
        event_type = "was"
        price = "preis"
        [event_types]
        Kauf = "purchase"
        Korb = "added_to_cart"
        """,
    )
    assert [row[2:5] for row in found.events] == [
        ("purchase", utc("2025-01-04 23:30"), Decimal("1.5")),
        ("added_to_cart", utc("2025-01-04 23:31"), Decimal("1.5")),
    ]
    assert found.shop.week_ending == date(2025, 1, 5)
    assert found.shop.clients[1] == {"name": "orders.csv", "time_zone": "Europe/Berlin", "currency": "EUR", "usd_rate": 0.9}


def test_a_mapping_without_columns_completes_what_is_known(tmp_path):
    found = read(tmp_path, RETAIL.replace("12/13/2010", "12/3/2010"), "day_first = true")
    assert [row[3] for row in found.events] == [utc("2010-01-12 08:26"), utc("2010-03-12 11:52")]
    assert "left out 1: cancelled invoices" in found.said


def test_amounts_in_several_currencies_are_made_one_by_the_mappings_rates(tmp_path):
    content = "customer,date,amount,currency\nA,2025-01-05,10,EUR\nB,2025-01-05,10,GBP\nC,2025-01-05,10,USD\n"
    found = read(tmp_path, content, 'currency = "EUR"\n[usd_rates]\nEUR = 0.9\nGBP = 0.8\n')
    assert found.amounts() == [10.0, 11.25, 9.0]
    assert found.shop.clients[1]["usd_rate"] == 0.9


# What cannot be read

WRONG = {
    "day or month": (
        "customer,date,amount\na,01/02/2025,1\nb,02/03/2025,2\n",
        r"column date: dates such as '01/02/2025'.*day_first",
    ),
    "both orders": ("customer,date,amount\na,13/02/2025,1\nb,02/13/2025,2\n", "day first and some the month"),
    "comma": ('customer,date,amount\na,2025-01-05,"1,234"\n', r"column amount: amounts such as '1,111'.*decimal_comma"),
    "point": (
        "customer,date,amount\na,2025-01-05,1.250\nb,2025-01-06,2.100\nc,2025-01-07,300\n",
        r"column amount: amounts such as '.\.1.*decimal_comma",
    ),
    "no times": ("customer,date,amount\na,soon,1\nb,2025-01-05,1\n", "column date: times such as 'soon'.*time_format"),
    "no numbers": (
        "customer,date,amount\na,2025-01-05,1\n\nb,2025-01-05,cheap\n",
        r"Nothing was loaded: 1 row whose amount of the row cannot be read, first in .*, column amount, line 4: 'cheap'",
    ),
    "columns": ("who,moment,stuff\na,2025-01-05,1\n", r"no known source.*Its columns are who, moment, stuff.*user_id ="),
    "lines": ("customer,date,amount\na,2025-01-05,1\nb,2025\n", "1 line with too few columns, first in .*, line 3"),
    "currencies": ("customer,date,amount,currency\na,2025-01-05,1,EUR\nb,2025-01-05,1,GBP\n", r"EUR, GBP.*\[usd_rates\]\n  EUR"),
    "nobody": ("customer,date,amount\n,2025-01-05,1\n", "no row is left"),
    "the future": ("customer,date,amount\na,2099-01-05,1\n", "later than now"),
    "nothing": ("", "the file is empty"),
    "text": ("hello\n", "the first line must name the columns.*'hello'"),
    "only names": ("customer,date,amount\n", "column date: the column is empty"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_cannot_be_read_is_told_with_its_place_and_what_would_be_right(tmp_path, fault):
    content, message = WRONG[fault]
    with pytest.raises(InputError, match=re.compile(message, re.DOTALL)):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("colums = 1", "'colums' is no option"),
        ('[columns]\nuser = "a"', "there are client_id, user_id"),
        ('[columns]\nuser_id = "id"\ntimestamp = "date"\namount = "amount"\n', "no column for the customer .looked for id"),
        ('time_zone = "Berlin"', "one is 'Europe/Berlin'"),
        ("usd_rate = 0", "units of the currency for a dollar"),
        ('[[leave_out]]\ncolumn = "a"', "one of filled = true"),
        ("day_first", "no TOML file"),
    ],
)
def test_a_wrong_mapping_is_told(tmp_path, mapping, message):
    with pytest.raises(InputError, match=re.escape(message).replace(r"\.", ".")):
        read(tmp_path, "customer,date,amount\na,2025-01-05,1\n", mapping)


def test_a_few_unreadable_rows_are_left_out_and_told(tmp_path):
    rows = "".join(f"a,2025-01-{number % 28 + 1:02},{number}\n" for number in range(300))
    found = read(tmp_path, f'customer,date,amount\n{rows}\nb,"many\nlines",5\nc,2025-01-09,abc\nd,2025-01-10\n')
    assert len(found.events) == 300
    for told in ("column date, line 303: 'many\\nlines'", "column amount, line 305: 'abc'", "1 line with too few columns"):
        assert told in found.said
    assert "line 306" in found.said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my missing.csv", r"my missing\.csv: there is no such file"),
        ("a.pdf", "kind of file is not known"),
        ("empty", "has no file"),
    ],
)
def test_files_that_are_not_there_or_of_no_known_kind(tmp_path, name, message):
    (tmp_path / "a.pdf").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        Read(tmp_path, [tmp_path / name])


# Forms of times and amounts


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["9,99", "1.000,00"], True),
        (["9.99", "1,000.00"], False),
        (["1,000", "9.99"], False),
        (["1.000", "12,5"], True),
        (["1,000,000"], False),
        (["1.000.000"], True),
        (["1,250", "1,000,000"], False),
        (["1.250", "1.000.000"], True),
        (["12.500", "12.50"], False),
        (["12.500", "0.500"], False),
        (["1250.000", "1.250"], False),
        (["1.250 €", "12,5 €"], True),
        (["1250", "300"], False),
    ],
)
def test_decimal_comma(texts, expected):
    assert values.decimal_comma(texts, None) is expected


@pytest.mark.parametrize("texts", [["1,250"], ["1.250"], ["1.250", "2.100", "300"], ["-1.250 EUR"], ["1.250", "1,250"]])
def test_amounts_that_can_be_thousands_or_decimals_are_asked_about(texts):
    with pytest.raises(values.UnclearError, match=r"can be thousands or decimals.*decimal_comma"):
        values.decimal_comma(texts, None)
    assert values.decimal_comma(texts, True)
    assert not values.decimal_comma(texts, False)


THOUSANDS = "customer,date,amount\na,2025-01-05,1.250\nb,2025-01-06,2.100\nc,2025-01-07,1.999\nd,2025-01-08,300\n"


@pytest.mark.parametrize(("comma", "amounts"), [("true", [1250, 2100, 1999, 300]), ("false", [1.25, 2.1, 1.999, 300])])
def test_the_mapping_says_what_a_point_before_three_digits_is(tmp_path, comma, amounts):
    assert read(tmp_path, THOUSANDS, f"decimal_comma = {comma}").amounts() == amounts


@pytest.mark.parametrize("kind", ["json", "parquet", "xlsx"])
def test_numbers_of_files_that_know_numbers_are_not_asked_about(tmp_path, kind):
    path = tmp_path / f"orders.{kind}"
    orders = [("a", "2025-01-05", 1.125), ("b", "2025-01-06", 2.375)]
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in [("customer", "date", "amount"), *orders]:
            book.active.append(row)
        book.save(path)
    elif kind == "json":
        path.write_text(json.dumps([{"customer": who, "date": day, "amount": amount} for who, day, amount in orders]))
    else:
        rows = ", ".join(map(str, orders))
        duckdb.execute(f"COPY (SELECT * FROM (VALUES {rows}) AS orders(customer, date, amount)) TO '{path}' (FORMAT parquet)")
    assert Read(tmp_path, [path]).amounts() == [1.125, 2.375]


def test_names_of_columns_are_compared_without_case_spaces_and_punctuation():
    assert normal("Customer ID") == normal("customer_id") == normal("CustomerID")


# The commands


def run(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-W", "ignore::FutureWarning", "-m", "local.run", *arguments],
        cwd=programs.ROOT,
        env={**os.environ, "TMPDIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_report_of_a_file(tmp_path):
    place = tmp_path / "from me"
    place.mkdir()
    rows = "".join(
        f"C{customer},2025-{week // 4 + 1:02}-{week % 4 * 7 + customer % 7 + 1:02},10\n"
        for week in range(24)
        for customer in range(40)
    )
    (place / "my orders.csv").write_text("customer,date,amount\n" + rows)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = run("report", "--events", str(place / "my orders.csv"), folder=temporary)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["week_ending"] == "2025-06-22"
    assert answer["report_data"]["summary"]["totalCustomers"] > 10
    assert answer["meta"]["client_name"] == "my orders.csv"
    assert "read as a list of orders" in done.stderr
    assert not list(temporary.iterdir())


def test_bad_input_ends_the_command_with_its_message(tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    done = run("report", "--events", str(tmp_path / "bad.csv"), folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no known source" in done.stderr
    assert "Traceback" not in done.stderr


def counted(bigquery, dataset):
    query = f"SELECT (SELECT COUNT(*) FROM {dataset}.events), (SELECT COUNT(*) FROM {dataset}.users)"
    [row] = bigquery.client.query_and_wait(query)
    return tuple(row)


def test_loading_adds_only_what_is_not_there_yet(bigquery, tmp_path):
    (tmp_path / "january.csv").write_text(REES46)
    target = load.Target(local_bigquery.PROJECT, "loaded")
    own = Read(tmp_path, [tmp_path / "january.csv"])
    said = []
    assert load.load(bigquery.client, own.shop, target, said.append).events == 4
    assert counted(bigquery, "loaded") == (4, 0)
    assert load.load(bigquery.client, own.shop, target, said.append).events == 0
    later = tmp_path / "later"
    later.mkdir()
    (later / "both.csv").write_text(REES46 + "2019-11-05 00:00:00 UTC,view,3,2,,x,1.50,6,t\n" * 2)
    assert load.load(bigquery.client, Read(later, [later / "both.csv"]).shop, target, said.append).events == 1
    people = tmp_path / "people"
    people.mkdir()
    shopify = read(people, SHOPIFY)
    loaded = load.load(bigquery.client, shopify.shop, target, said.append)
    assert (loaded.events, loaded.users) == (3, 2)
    load.load(bigquery.client, shopify.shop, target, said.append)
    assert counted(bigquery, "loaded") == (8, 2)
    tables = {table.table_id for table in bigquery.client.list_tables("loaded")}
    assert tables == {"events", "users"}


def test_rows_that_occur_twice_are_kept_twice(bigquery, tmp_path):
    content = "user_id,event_type,timestamp\n" + "ann,page_view,2025-01-06 10:00\n" * 3
    own = read(tmp_path, content)
    target = load.Target(local_bigquery.PROJECT, "copies")
    for _ in range(2):
        load.load(bigquery.client, own.shop, target, lambda _: None)
    assert counted(bigquery, "copies")[0] == 3


def test_load_command_has_a_dry_run_that_sends_nothing(bigquery, tmp_path):
    (tmp_path / "rees46.csv").write_text(REES46)
    arguments = ["load", "--events", str(tmp_path / "rees46.csv"), "--project", "local", "--dataset", "command"]
    emulator = {"BIGQUERY_EMULATOR_HOST": bigquery.address}
    dry = run(*arguments, "--dry-run", folder=tmp_path, BIGQUERY_EMULATOR_HOST="http://127.0.0.1:9")
    assert dry.returncode == 0, dry.stderr
    assert "Upload 4 events" in dry.stdout
    assert "INSERT INTO `local.command.events`" in dry.stdout
    done = run(*arguments, folder=tmp_path, **emulator)
    assert done.returncode == 0, done.stderr
    assert "Added 4 events of client 1 to local.command.events" in done.stderr
    again = run(*arguments, folder=tmp_path, **emulator)
    assert "Added 0 events of client 1 to local.command.events; 4 were there already" in again.stderr
    examined = run("doctor", "--project", "local", "--dataset", "command", folder=tmp_path, **emulator)
    assert examined.returncode == 0, examined.stderr
    assert "4 events of 1 customers" in examined.stdout


def test_loading_that_fails_leaves_no_staging_table(bigquery, tmp_path):
    own = read(tmp_path, REES46)
    target = load.Target(local_bigquery.PROJECT, "broken")
    bigquery.client.create_dataset("broken")
    bigquery.client.query_and_wait("CREATE TABLE broken.events (client_id INT64, other STRING)")
    with pytest.raises(InputError, match=r"nothing was added to local\.broken"):
        load.load(bigquery.client, own.shop, target, lambda _: None)
    assert not [table.table_id for table in bigquery.client.list_tables("broken") if "staging" in table.table_id]


def test_doctor_says_what_to_put_right(tmp_path):
    rows = []
    for customer in range(60):
        for week in range(8):
            day = f"2025-{3 + week // 4:02}-{1 + week % 4 * 7 + customer % 5:02} 11:{customer:02}:00"
            name = "guest" if customer % 20 == 0 else f"c{customer}"
            rows += [f"{name},AddToCart,{day},5,1,{customer}-{week}", f"{name},purchase,{day},{customer},1,{customer}-{week}"]
        rows.append(f"c{customer},email_delivered,2025-04-20 08:00:00,,,")
    rows += [rows[-2]] * 20
    (tmp_path / "events.csv").write_text("user_id,event_type,timestamp,price,quantity,session_id\n" + "\n".join(rows) + "\n")
    done = run("doctor", "--events", str(tmp_path / "events.csv"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found, remedies = done.stdout.split("What to put right\n")
    for told in ("perhaps added_to_cart", "perhaps not the customer's doing", "'guest' (48)", "20 rows (1.9%) are exact copies"):
        assert told in found
    for remedy in ('"AddToCart" = "added_to_cart"', '"ignored_event_types": ["email_delivered"]', "placeholder", "exact copies"):
        assert remedy in remedies
    assert "A report of the week that ends on 2025-04-20" in found


def test_doctor_finds_nothing_wrong_with_an_order_a_visit(tmp_path):
    days = [f"2025-0{month}-{day:02}" for month in (3, 4) for day in range(1, 31)]
    rows = [f"c{customer},{day},{customer + 5}.50,{day}-{customer}" for day in days for customer in range(6)]
    (tmp_path / "orders.csv").write_text("customer,date,amount,order no\n" + "\n".join(rows) + "\n")
    done = run("doctor", "--events", str(tmp_path / "orders.csv"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "nearly every event is a session of its own" in done.stdout
    assert "Check session_id" not in done.stdout
