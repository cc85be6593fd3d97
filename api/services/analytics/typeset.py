"""A program: reads a report's data as JSON, and writes it as PDF through `report.typ`.

A process of its own, since Typst keeps some memory of everything that it has set: 0.7 MB of a
report of two hundred rooms. Its fonts are Noto's, the same on every machine.
"""

import sys
from pathlib import Path

import manimgx_fonts
import manimgx_fonts_cjk
import typst

FOLDERS = [Path(fonts.__path__[0]) for fonts in (manimgx_fonts, manimgx_fonts_cjk)]

if __name__ == "__main__":
    pdf = typst.compile(
        Path(__file__).with_name("report.typ").read_bytes(),
        font_paths=typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[*FOLDERS]
        ),
        sys_inputs={"report": sys.stdin.read()},
    )
    sys.stdout.buffer.write(pdf)
