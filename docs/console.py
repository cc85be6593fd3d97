"""Runs the `console` blocks of pages on a running Holdfast, and writes what it answered under each.

`make up` in another terminal, then `python docs/console.py docs/quickstart.md …`; BASE_URL and
DATA_DIR say which. The rule: what a page shows as an answer is one. With `--check` nothing is
written: it prints what was answered otherwise, and ends with 1. Numbers, times and names that are
new each time may differ.
"""

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SHOWN_AS = "http://localhost:8000"  # whatever address it was run on
BASE_URL = os.environ.get("BASE_URL", SHOWN_AS)
END = "--- end of answer ---"
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.M | re.S)


def commands(block: str) -> Iterator[str]:
    """Lines after `$ `, with those that a backslash joins to them."""
    for found in re.finditer(r"^\$ (.*(?:(?<=\\)\n.*)*)", block, re.M):
        yield found[1]


class Shell:
    """One session for all blocks of a page, so that variables last."""

    def __init__(self) -> None:
        given = os.environ | {"B": BASE_URL, "DATA_DIR": os.environ.get("DATA_DIR", ".data")}
        self.process = subprocess.Popen(
            ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=given,
        )

    def run(self, command: str) -> str:
        to, back = self.process.stdin, self.process.stdout
        if to is None or back is None:
            raise RuntimeError
        command = command.replace(SHOWN_AS, BASE_URL)
        to.write(f"{command}\necho; echo '{END}'\n")
        to.flush()
        answer = "".join(iter(back.readline, f"{END}\n")).rstrip("\n")
        return re.sub(r"[ \t]+$", "", answer.replace(BASE_URL, SHOWN_AS), flags=re.M)


def filled(page: str) -> str:
    shell = Shell()

    def one(block: re.Match[str]) -> str:
        lines = []
        for command in commands(block[0]):
            lines += [f"$ {command}", shell.run(command)]
        return "\n".join(filter(None, lines)) + "\n"

    return BLOCK.sub(one, page)


WEEKDAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"


def blur(page: str) -> str:
    """The page without what is new each time: numbers, dates, ids, and lines cut at a width."""
    page = re.sub(r"pi_\w+", "pi_N", page)
    page = re.sub(rf"\b({WEEKDAYS}|{MONTHS})\b", "NAME", page)
    page = re.sub(r"\d+(?:\.\d+)?", "N", page)
    return re.sub(r"(?<=.{380}).*", "", page)


def check(name: str) -> bool:
    """Whether the page says what is answered now."""
    page = Path(name).read_text()
    lines = [blur(text).splitlines() for text in (page, filled(page))]
    found = list(difflib.unified_diff(*lines, name, "answered now", lineterm="", n=1))
    print("\n".join(found) or f"{name}: as it says")
    return not found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        sys.exit(sum(not check(name) for name in sys.argv[2:]) > 0)
    for name in sys.argv[1:]:
        Path(name).write_text(filled(Path(name).read_text()))
        print(name)
