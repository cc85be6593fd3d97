"""Moves the clocks of Python in every process that has this directory in its PYTHONPATH, and in
those that it starts, by the seconds of `CLOCK_SHIFT`. That may be a file, which is read each time,
so that a running process can be moved. The database's clock is another one."""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any

import orjson  # noqa: F401 - it writes instants of the class that it finds when it is imported

TRUE_NOW, TRUE_TIME = dt.datetime.now, time.time


def read_shift() -> float:
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
    def __new__(cls, *args: Any, **kwargs: Any) -> dt.datetime:  # type: ignore[misc]  # like others
        return TRUE(*args, **kwargs)

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
        return TRUE_NOW(tz) + dt.timedelta(seconds=read_shift())

    @classmethod
    def utcnow(cls) -> dt.datetime:
        return TRUE_NOW(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=read_shift())

    @classmethod
    def today(cls) -> dt.datetime:
        return cls.now()


class ShiftedTime:
    """An object, because a function that a class has as `timer` would be given its instances."""

    def __call__(self) -> float:
        return TRUE_TIME() + read_shift()


if WHERE := os.environ.get("CLOCK_SHIFT", ""):
    dt.datetime = Shifted
    time.time = ShiftedTime()
