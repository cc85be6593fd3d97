"""A report as PDF: its charts on the first page, then every row.

Set in a typeface of Latin letters; for names in other scripts there is CSV.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.charts.barcharts import HorizontalBarChart
from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from api.models.analytics import Figure

from .reports import WEEKDAYS, Report

INK, PALE, RULE, BLUE = (
    colors.HexColor(value) for value in ("#1b2733", "#5d6b7a", "#d5dce3", "#2f6fb0")
)
WIDTH: Final = A4[0] - 36 * mm - 12  # a frame keeps 6 points free on either side
BARS: Final = 15
# what a chart shows of a room, and up to where its axis goes when that is known
DRAWN: Final[dict[Figure, tuple[str, str]]] = {
    Figure.UTILIZATION: ("utilization_rate", "Booked share of open time, in percent"),
    Figure.GHOSTING: ("ghosting_rate", "Bookings that nobody came to, in percent"),
    Figure.CAPACITY: ("capacity_utilization", "Places used by an average booking, in percent"),
}


@cache
def _fonts() -> None:
    pdfmetrics.registerFont(TTFont("Plain", "Vera.ttf"))
    pdfmetrics.registerFont(TTFont("Bold", "VeraBd.ttf"))


def _style(size: float, font: str = "Plain", color: colors.Color = INK, **more: Any) -> Any:
    return ParagraphStyle(
        f"{font}{size}", fontName=font, fontSize=size, leading=size * 1.3, textColor=color, **more
    )


def render_pdf(report: Report) -> bytes:
    """The whole file."""
    _fonts()
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=f"{report.question.figure.label}, {report.place}",
        author="Holdfast",
    )

    def foot(canvas: Canvas, _: Any) -> None:
        canvas.setFont("Plain", 7)
        canvas.setFillColor(PALE)
        canvas.drawString(18 * mm, 11 * mm, f"Holdfast · made {report.made_at:%Y-%m-%d %H:%M} UTC")
        canvas.drawRightString(A4[0] - 18 * mm, 11 * mm, f"Page {canvas.getPageNumber()}")

    document.build([*_head(report), *_body(report)], onFirstPage=foot, onLaterPages=foot)
    return file.getvalue()


def _head(report: Report) -> list[Flowable]:
    first_on, last_on = report.question.first_on, report.question.last_on
    dates = f"{first_on:%-d %B %Y} to {last_on:%-d %B %Y}"
    return [
        Paragraph(escape(report.question.figure.label), _style(20, "Bold")),
        Spacer(1, 2 * mm),
        Paragraph(escape(f"{_printable(report.place)} · {dates}"), _style(10, color=PALE)),
        Spacer(1, 7 * mm),
    ]


def _body(report: Report) -> list[Flowable]:
    parts: list[Flowable] = []
    if report.question.figure == Figure.KPI:
        parts += [_tiles(report.rows[0]), Spacer(1, 8 * mm)]
    if report.question.figure in DRAWN and report.rows:
        key, caption = DRAWN[report.question.figure]
        parts += _titled(caption, _bars(report, key))
    if report.heat:
        parts += _titled("Booked hours by weekday and hour", _heat(report.heat))
    if report.question.figure in DRAWN:
        parts.append(_table(report))
    return parts


def _titled(caption: str, drawing: Drawing) -> list[Flowable]:
    return [
        Paragraph(escape(caption), _style(10, "Bold")),
        Spacer(1, 2 * mm),
        drawing,
        Spacer(1, 6 * mm),
    ]


def _tiles(figures: Any) -> Flowable:
    shown = (
        ("Rooms", f"{figures['total_rooms']}", ""),
        ("Utilization", f"{figures['avg_utilization']} %", _points(figures["utilization_change"])),
        ("Ghosting", f"{figures['ghosting_rate']} %", _points(figures["ghosting_change"])),
        ("Bookings", f"{figures['total_bookings']}", _percent(figures["bookings_change"])),
    )
    cells = [
        [Paragraph(name, _style(9, color=PALE)) for name, _, _ in shown],
        [Paragraph(value, _style(18, "Bold")) for _, value, _ in shown],
        [Paragraph(change, _style(8, color=PALE)) for _, _, change in shown],
    ]
    table = LongTable(cells, colWidths=[WIDTH / 4] * 4)
    table.setStyle(TableStyle([("LINEABOVE", (0, 0), (-1, 0), 1, BLUE)]))
    return table


def _points(change: float | None) -> str:
    return "" if change is None else f"{change:+.1f} points against the time before"


def _percent(change: float | None) -> str:
    return (
        "nothing to compare with" if change is None else f"{change:+.1f} % against the time before"
    )


def _bars(report: Report, key: str) -> Drawing:
    """The rooms with most of it, the first on top."""
    most = sorted(report.rows, key=lambda row: -row[key])[:BARS]
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
    chart.categoryAxis.categoryNames = [_short(row["name"], 24) for row in reversed(most)]
    chart.categoryAxis.labels.fontName, chart.categoryAxis.labels.fontSize = "Plain", 7
    chart.categoryAxis.strokeColor, chart.categoryAxis.visibleTicks = RULE, False
    drawing.add(chart)
    return drawing


def _heat(table: Sequence[Sequence[float]]) -> Drawing:
    """Seven rows of 24 cells, the darker the more hours."""
    side, left = (WIDTH - 60) / 24, 60
    drawing = Drawing(WIDTH, 7 * side + 16)
    most = max((value for row in table for value in row), default=0) or 1
    for day, (name, row) in enumerate(zip(WEEKDAYS, table, strict=True)):
        y = (6 - day) * side + 14
        drawing.add(_label(0, y + side / 3, name))
        for hour, value in enumerate(row):
            shade = colors.linearlyInterpolatedColor(
                colors.HexColor("#f1f4f7"), BLUE, 0, most, value
            )
            drawing.add(
                Rect(left + hour * side, y, side - 1, side - 1, fillColor=shade, strokeColor=None)
            )
    for hour in range(0, 24, 3):
        drawing.add(_label(left + hour * side, 2, f"{hour:02d}:00"))
    return drawing


def _label(x: float, y: float, text: str) -> String:
    return String(x, y, text, fontName="Plain", fontSize=7, fillColor=PALE)


def _table(report: Report) -> Flowable:
    """Every room, the headings again on each page."""
    keys = [key for key in report.headings if key != "resource_id"]
    rows = [[report.headings[key] for key in keys]]
    rows += [[_text(row[key]) for key in keys] for row in report.rows]
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


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return _short(" ".join(value) if isinstance(value, list) else str(value), 40)


def _short(text: str, most: int) -> str:
    text = _printable(" ".join(text.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _printable(text: str) -> str:
    """Letters that the typeface lacks without their accents, or as question marks."""
    known = pdfmetrics.getFont("Plain").face.charToGlyph
    plain = (
        letter if ord(letter) in known else unicodedata.normalize("NFKD", letter)[0]
        for letter in text
    )
    return "".join(letter if ord(letter) in known else "?" for letter in plain)
