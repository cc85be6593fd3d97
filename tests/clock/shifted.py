"""Runs a module with Python's clocks moved: `python tests/clock/shifted.py SECONDS celery -A …`.

SECONDS may be a file whose content is read each time, so that a running process can be moved.
The rule: the database's clock is not moved, which is what the tests are about.
"""

import datetime as dt
import runpy
import sys
import time
from pathlib import Path

TRUE_NOW, TRUE_TIME = dt.datetime.now, time.time


def by() -> float:
    if not Path(WHERE).exists():
        return float(WHERE)
    while not (text := Path(WHERE).read_text()):
        """It is being written."""
    return float(text)


class _Kind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TRUE)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, TRUE)


TRUE = dt.datetime


class Shifted(TRUE, metaclass=_Kind):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
        return TRUE_NOW(tz) + dt.timedelta(seconds=by())

    @classmethod
    def utcnow(cls) -> dt.datetime:
        return TRUE_NOW(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=by())

    @classmethod
    def today(cls) -> dt.datetime:
        return cls.now()


if __name__ == "__main__":
    WHERE = sys.argv[1]
    sys.argv = sys.argv[2:]
    sys.path.insert(0, "")
    dt.datetime = Shifted
    time.time = lambda: TRUE_TIME() + by()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
