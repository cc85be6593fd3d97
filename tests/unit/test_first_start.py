"""What `make up` and `make help` say on a bare machine: one line, with the cure."""

from __future__ import annotations

import errno
import re
import subprocess

import pytest

from backend.devserver import CHECKOUT, ServerError
from backend.devserver.up import describe_error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "the disk is full; make room, or set DATA_DIR to a directory on another disk.",
        ),
        (
            ServerError("initdb failed.\n… could not write: No space left on device"),
            "the disk is full; make room, or set DATA_DIR to a directory on another disk.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/srv/data"),
            "/srv/data cannot be written; own it, or set DATA_DIR to another directory.",
        ),
    ],
)
def test_an_error_of_the_first_start_is_one_line_with_its_cure(error, line):
    assert describe_error(error) == line


def test_make_help_lists_every_target_that_one_types():
    makefile = (CHECKOUT / "Makefile").read_text()
    [targets] = re.findall(r"^\.PHONY: (up .*)$", makefile, re.M)
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert {line.split()[0] for line in shown.stdout.splitlines()} == set(targets.split())


def test_a_python_that_is_too_old_is_named(tmp_path):
    """Before pip is asked, which would say so in twenty lines."""
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "Makefile").write_text((CHECKOUT / "Makefile").read_text())
    found = subprocess.run(
        ["make", "venv", f"PYTHON={old}"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    line = f"{old} is missing or older than Python 3.11; set PYTHON to a newer one."
    assert found.returncode == 2
    assert line in found.stderr.splitlines()
