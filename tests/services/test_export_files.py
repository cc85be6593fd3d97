"""The files of a report: every script that a venue may have."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, date, datetime

from fontTools.ttLib import TTFont

from api.models import Venue
from api.models.analytics import Figure
from api.services.analytics import exports_csv, exports_pdf, typeset
from api.services.analytics.reports import Question, Report

NAMES = {
    "Latin": "Café Łódź Ünïcödé Việt",
    "Greek": "Αίθουσα συνεδριάσεων",
    "Cyrillic": "Переговорная їжак",
    "Arabic": "قاعة الاجتماعات پگچ ١٢",
    "Hebrew": "חדר ישיבות",
    "Devanagari": "बैठक कक्ष क्षेत्र",
    "Bengali": "সভা কক্ষ",
    "Gurmukhi": "ਮੀਟਿੰਗ ਕਮਰਾ",
    "Gujarati": "મીટિંગ રૂમ",
    "Tamil": "கூட்ட அறை",
    "Telugu": "సమావేశ గది",
    "Kannada": "ಸಭೆ ಕೊಠಡಿ",
    "Malayalam": "മീറ്റിംഗ് മുറി",
    "Sinhala": "රැස්වීම් කාමරය",
    "Thai": "ห้องประชุม ๑",
    "Lao": "ຫ້ອງປະຊຸມ",
    "Burmese": "အစည်းအဝေးခန်း",
    "Khmer": "បន្ទប់ប្រជុំ",
    "Georgian": "შეხვედრების ოთახი",
    "Armenian": "Ժողովների սենյակ",
    "Ethiopic": "የስብሰባ ክፍል",
    "Chinese": "会议室 會議室 北京",
    "Japanese": "会議室 かな カナ",
    "Korean": "회의실 서울",
    "emoji": "🎾 ⚽ ✂",
}


def report_of(*names: str, venue: str = "Club") -> Report:
    rows = [
        {
            "resource_id": number,
            "name": name,
            "utilization_rate": 12.5,
            "total_bookings": 3,
            "total_hours": 7.0,
            "peak_hours": ["09:00"],
        }
        for number, name in enumerate(names)
    ]
    days = date(2030, 1, 1), date(2030, 1, 31)
    question = Question(Figure.UTILIZATION, Venue(slug="club", name=venue), *days)
    return Report(question, datetime(2030, 2, 1, tzinfo=UTC), rows)


def fonts_of(pdf: bytes) -> set[str]:
    """The fonts that a file has parts of."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S)
    parts = [pdf, *map(_unpack, streams)]
    return {name.decode() for part in parts for name in re.findall(rb"\+(Noto\w+?)-", part)}


def _unpack(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_pdf_is_set_in_the_fonts_of_its_names():
    pdf = exports_pdf.render_pdf(report_of(*NAMES.values(), venue=" ".join(NAMES.values())))
    scripts = set(NAMES) - {"Latin", "Greek", "Cyrillic", "Gurmukhi", "Burmese"}
    own = {f"NotoSans{name}" for name in scripts - {"Chinese", "Japanese", "Korean", "emoji"}}
    others = {"NotoSans", "NotoSansGurmukhi", "NotoSansMyanmar", "NotoSansCJKsc", "NotoEmoji"}
    assert fonts_of(pdf) == own | others


def test_there_is_a_glyph_for_every_letter_of_the_names():
    """A font without one would draw a box."""
    files = [file for folder in typeset.FOLDERS for file in folder.glob("*.tt[fc]")]
    known = {letter for file in files for letter in TTFont(file, fontNumber=0).getBestCmap()}
    wanted = {ord(letter) for name in NAMES.values() for letter in name}
    assert sorted(map(chr, wanted - known)) == []


def test_a_name_is_no_markup_and_a_long_one_stays_in_its_column():
    name = '#panic("x") $a$ *b* @c <d> \\ ' + "W" * 255
    assert exports_pdf.render_pdf(report_of(name)).startswith(b"%PDF-")


def test_csv_has_a_byte_order_mark_and_every_script():
    text = exports_csv.render_csv(report_of(*NAMES.values()))
    assert text.startswith(b"\xef\xbb\xbfresource_id,name,")
    assert [line.split(",")[1] for line in text.decode("utf-8-sig").splitlines()[1:]] == list(
        NAMES.values()
    )
