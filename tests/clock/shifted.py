"""Runs a module with Python's clocks moved: `python tests/clock/shifted.py SECONDS celery -A …`.

SECONDS may be a file whose content is read each time, so that a running process can be moved.
The rule: the database's clock is not moved, which is what the tests are about.
"""

import datetime as real
import runpy
import sys
import time
from pathlib import Path

TRUE_NOW, TRUE_TIME = real.datetime.now, time.time


def by() -> float:
    return float(Path(WHERE).read_text()) if Path(WHERE).exists() else float(WHERE)


class _Kind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TRUE)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, TRUE)


TRUE = real.datetime


class Shifted(TRUE, metaclass=_Kind):
    @classmethod
    def now(cls, tz: real.tzinfo | None = None) -> real.datetime:
        return TRUE_NOW(tz) + real.timedelta(seconds=by())

    @classmethod
    def utcnow(cls) -> real.datetime:
        return TRUE_NOW(real.UTC).replace(tzinfo=None) + real.timedelta(seconds=by())

    @classmethod
    def today(cls) -> real.datetime:
        return cls.now()


if __name__ == "__main__":
    WHERE = sys.argv[1]
    sys.argv = sys.argv[2:]
    sys.path.insert(0, "")
    real.datetime = Shifted  # type: ignore[misc]
    time.time = lambda: TRUE_TIME() + by()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
