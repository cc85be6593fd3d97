"""A report as PDF: its charts on the first page, then every row.

The typeface has Latin letters only; names in other scripts are whole in CSV.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.charts.barcharts import HorizontalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.colors import HexColor, linearlyInterpolatedColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from api.models.analytics import Figure

from .reports import WEEKDAYS, Report

INK, PALE, RULE = HexColor("#1b2733"), HexColor("#5d6b7a"), HexColor("#d5dce3")
FAINT, BLUE = HexColor("#f1f4f7"), HexColor("#2f6fb0")
WIDTH: Final = A4[0] - 36 * mm - 12  # a frame keeps 6 points free on either side
MAX_BARS: Final = 15
# figure -> the key and the caption of its bar chart
BAR_CHARTS: Final[dict[Figure, tuple[str, str]]] = {
    Figure.UTILIZATION: ("utilization_rate", "Booked share of open time, in percent"),
    Figure.GHOSTING: ("ghosting_rate", "Bookings that nobody came to, in percent"),
    Figure.CAPACITY: ("capacity_utilization", "Places used by an average booking, in percent"),
}


@cache
def _register_fonts() -> None:
    pdfmetrics.registerFont(TTFont("Plain", "Vera.ttf"))
    pdfmetrics.registerFont(TTFont("Bold", "VeraBd.ttf"))


def _build_style(size: float, font: str = "Plain", color: colors.Color = INK) -> ParagraphStyle:
    return ParagraphStyle("", fontName=font, fontSize=size, leading=size * 1.3, textColor=color)


def render_pdf(report: Report) -> bytes:
    """Return the file."""
    _register_fonts()
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        **dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 18 * mm),
        title=f"{report.question.figure.label}, {report.place}",
        author="Holdfast",
    )

    def footer(canvas: Canvas, _: Any) -> None:
        canvas.setFont("Plain", 7)
        canvas.setFillColor(PALE)
        canvas.drawString(18 * mm, 11 * mm, f"Holdfast · made {report.made_at:%Y-%m-%d %H:%M} UTC")
        canvas.drawRightString(A4[0] - 18 * mm, 11 * mm, f"Page {canvas.getPageNumber()}")

    document.build(
        [*_build_head(report), *_build_body(report)],
        onFirstPage=footer,
        onLaterPages=footer,
    )
    return file.getvalue()


def _build_head(report: Report) -> list[Flowable]:
    first_on, last_on = report.question.first_on, report.question.last_on
    dates = f"{first_on:%-d %B %Y} to {last_on:%-d %B %Y}"
    subtitle = escape(f"{_make_printable(report.place)} · {dates}")
    return [
        Paragraph(escape(report.question.figure.label), _build_style(20, "Bold")),
        Spacer(1, 2 * mm),
        Paragraph(subtitle, _build_style(10, color=PALE)),
        Spacer(1, 7 * mm),
    ]


def _build_body(report: Report) -> list[Flowable]:
    parts: list[Flowable] = []
    if report.question.figure == Figure.KPI:
        parts += [_build_tiles(report.rows[0]), Spacer(1, 8 * mm)]
    if report.question.figure in BAR_CHARTS and report.rows:
        key, caption = BAR_CHARTS[report.question.figure]
        parts += _add_title(caption, _build_bars(report, key))
    if report.heat:
        parts += _add_title("Booked hours by weekday and hour", _build_heat_map(report.heat))
    if report.question.figure in BAR_CHARTS:
        parts.append(_build_table(report))
    return parts


def _add_title(caption: str, drawing: Flowable) -> list[Flowable]:
    title = Paragraph(escape(caption), _build_style(10, "Bold"))
    return [title, Spacer(1, 2 * mm), drawing, Spacer(1, 6 * mm)]


def _build_tiles(figures: Mapping[str, Any]) -> Flowable:
    shown = (
        ("Rooms", "total_rooms", "", "", ""),
        ("Utilization", "avg_utilization", " %", "utilization_change", "points"),
        ("Ghosting", "ghosting_rate", " %", "ghosting_change", "points"),
        ("Bookings", "total_bookings", "", "bookings_change", "%"),
    )
    small, large = _build_style(9, color=PALE), _build_style(18, "Bold")
    smallest = _build_style(8, color=PALE)
    cells = [
        [Paragraph(title, small) for title, *_ in shown],
        [Paragraph(f"{figures[key]}{unit}", large) for _, key, unit, *_ in shown],
        [Paragraph(_format_change(figures, *row[3:]), smallest) for row in shown],
    ]
    table = LongTable(cells, colWidths=[WIDTH / 4] * 4)
    table.setStyle(TableStyle([("LINEABOVE", (0, 0), (-1, 0), 1, BLUE)]))
    return table


def _format_change(figures: Mapping[str, Any], key: str, unit: str) -> str:
    if not key:
        return ""
    if figures[key] is None:
        return "nothing to compare with"
    return f"{figures[key]:+.1f} {unit} against the time before"


def _build_bars(report: Report, key: str) -> Drawing:
    """Draw the rooms with the highest values, the highest on top."""
    most = sorted(report.rows, key=lambda row: -row[key])[:MAX_BARS]
    drawing = Drawing(WIDTH, 14 * len(most) + 22)
    chart = HorizontalBarChart()
    chart.x, chart.y = 130, 18
    chart.width, chart.height = WIDTH - 170, 14 * len(most)
    chart.data = [[row[key] for row in reversed(most)]]
    chart.bars[0].fillColor, chart.bars.strokeColor = BLUE, None
    chart.barLabelFormat, chart.barLabels.nudge = "%.1f", 16
    chart.barLabels.fontName, chart.barLabels.fontSize = "Plain", 7
    chart.valueAxis.valueMin, chart.valueAxis.valueMax = 0, 100
    chart.valueAxis.valueStep, chart.valueAxis.labels.fontSize = 20, 7
    chart.valueAxis.labels.fontName, chart.valueAxis.strokeColor = "Plain", RULE
    chart.categoryAxis.categoryNames = [_shorten(row["name"], 24) for row in reversed(most)]
    chart.categoryAxis.labels.fontName, chart.categoryAxis.labels.fontSize = "Plain", 7
    chart.categoryAxis.strokeColor, chart.categoryAxis.visibleTicks = RULE, False
    drawing.add(chart)
    return drawing


def _build_heat_map(hours: Sequence[Sequence[float]]) -> Flowable:
    """Return seven rows of 24 cells, the darker the more hours."""
    side, most = (WIDTH - 60) / 24, max(map(max, hours), default=0) or 1
    rows = [[name, *[""] * 24] for name in WEEKDAYS]
    rows.append(["", *("" if hour % 3 else f"{hour:02d}" for hour in range(24))])
    table = Table(rows, colWidths=[60, *[side] * 24], rowHeights=side)
    shades = [
        ("BACKGROUND", (hour, day), (hour, day), linearlyInterpolatedColor(FAINT, BLUE, 0, most, n))
        for day, row in enumerate(hours)
        for hour, n in enumerate(row, 1)
    ]
    grid = ("INNERGRID", (1, 0), (-1, 6), 1, colors.white)
    text = [("FONT", (0, 0), (-1, -1), "Plain", 7), ("TEXTCOLOR", (0, 0), (-1, -1), PALE)]
    edge = [(f"{name}PADDING", (0, 0), (-1, -1), 0) for name in ("LEFT", "RIGHT")]
    table.setStyle(TableStyle([*shades, grid, *text, *edge]))
    return table


def _build_table(report: Report) -> Flowable:
    """Return the table of all rooms, its heading repeated on each page."""
    keys = [key for key in report.headings if key != "resource_id"]
    rows = [[report.headings[key] for key in keys]]
    rows += [[_format_value(row[key]) for key in keys] for row in report.rows]
    others = (WIDTH - 62 * mm) / (len(keys) - 1)
    table = LongTable(rows, colWidths=[62 * mm, *[others] * (len(keys) - 1)], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "Plain", 7.5),
                ("FONT", (0, 0), (-1, 0), "Bold", 7.5),
                ("TEXTCOLOR", (0, 0), (-1, -1), INK),
                ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return table


def _format_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return _shorten(" ".join(value) if isinstance(value, list) else str(value), 40)


def _shorten(text: str, most: int) -> str:
    text = _make_printable(" ".join(text.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _make_printable(text: str) -> str:
    """Replace letters that the typeface lacks: by the letter without accent, or a question mark."""
    known = pdfmetrics.getFont("Plain").face.charToGlyph
    plain = (
        letter if ord(letter) in known else unicodedata.normalize("NFKD", letter)[0]
        for letter in text
    )
    return "".join(letter if ord(letter) in known else "?" for letter in plain)
