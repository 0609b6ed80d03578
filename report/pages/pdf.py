"""PDF: the report, set by Typst from `report.typ`. It is tagged for screen readers (PDF/UA-1) if its characters allow it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING

from report.pages.templates import FOLDER
from report.pages.view import View
from report.text import clean

if TYPE_CHECKING:
    import typst

FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
"""Noto Sans for nearly every living script, and Noto Emoji."""

_one_at_a_time = Lock()


def document(view: View) -> bytes:
    """Set the report as a PDF. If it cannot be tagged, it is set untagged, so that most readers can still read it."""
    from typst import TypstError

    inputs = {"view": json.dumps(_printable(asdict(view)), ensure_ascii=False)}
    with _one_at_a_time:
        try:
            return _set(inputs, "ua-1")
        except TypstError:
            # PDF/UA-1 forbids a character that no font here has. A name in a rare script comes out as a box.
            return _set(inputs, None)


def _printable(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    return list(map(_printable, value)) if isinstance(value, list | tuple) else value


def _set(inputs: Mapping[str, str], standard: "typst.PDFStandard | None") -> bytes:
    pdf = _compiler().compile(format="pdf", sys_inputs=dict(inputs), pdf_standards=[standard] if standard else [])
    if not isinstance(pdf, bytes):
        raise TypeError(f"Typst made {type(pdf).__name__} instead of a PDF")
    return pdf


@cache
def _compiler() -> "typst.Compiler":
    import typst  # imported here, so that only a PDF waits for it

    fonts = typst.Fonts(
        include_system_fonts=False,  # makes the same PDF on every machine
        include_embedded_fonts=False,
        font_paths=[str(files(package)) for package in FONT_PACKAGES],
    )
    return typst.Compiler(FOLDER / "report.typ", root=FOLDER, font_paths=fonts, ignore_system_fonts=True)
