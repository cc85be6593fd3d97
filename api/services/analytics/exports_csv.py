"""A report, or any table, as CSV: a heading, one line a row, UTF-8 with its byte order mark:
without it a spreadsheet takes it for another encoding.

No cell is a formula: text that a spreadsheet would run begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from typing import Any, Final

from .reports import Report

# full-width ones are folded to these by some
DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def format_cell(value: Any) -> Any:
    """Numbers as they are, nothing as nothing, lists by spaces."""
    if value is None or isinstance(value, int | float):
        return value
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def render_csv(report: Report) -> bytes:
    rows = ([row[key] for key in report.headings] for row in report.rows)
    return render_table(report.headings, rows)


def render_table(headings: Iterable[str], rows: Iterable[Sequence[Any]]) -> bytes:
    return BOM_UTF8 + render_lines([list(headings)]) + render_lines(rows)


def render_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Lines without headings, for a file that is sent part by part."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([format_cell(cell) for cell in row] for row in rows)
    return lines.getvalue().encode()
