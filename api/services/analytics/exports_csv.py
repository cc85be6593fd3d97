"""A report as CSV: a heading of keys, one line a row, UTF-8.

No cell is a formula: text that a spreadsheet would run begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
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
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(report.headings)
    writer.writerows([format_cell(row[key]) for key in report.headings] for row in report.rows)
    return lines.getvalue().encode()
