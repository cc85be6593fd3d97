"""A report, or any table, as CSV: a heading, one line a row, UTF-8.

No cell is a formula: text that a spreadsheet would run begins with an apostrophe.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from .reports import Report

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def format_cell(value: Any) -> Any:
    """Numbers as they are, nothing as nothing, lists by spaces."""
    if value is None or isinstance(value, int | float):
        return value
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def render_csv(report: Report) -> bytes:
    return _write(report.headings, ([row[key] for key in report.headings] for row in report.rows))


def render_table(headings: Iterable[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Begins with the byte order mark by which a spreadsheet knows UTF-8."""
    return codecs.BOM_UTF8 + _write(headings, rows)


def _write(headings: Iterable[str], rows: Iterable[Sequence[Any]]) -> bytes:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(headings)
    writer.writerows([format_cell(cell) for cell in row] for row in rows)
    return lines.getvalue().encode()
