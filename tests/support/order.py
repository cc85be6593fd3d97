"""A pytest plugin: where workers share the tests, each begins with its share of the long ones, so
that none of those is left for the end."""

from itertools import chain, islice
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
# beside those that are marked slow
LONG = (
    "api/test_schema.py",
    "races/test_waitlist.py",
    "security/test_hostile_parameters.py",
    "security/test_matrix.py",
    "services/test_demo.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """xdist gives each worker a stretch of the list, all of them as long."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long: dict[Path, list[pytest.Item]] = {}
    others = []
    for item in items:
        if item.get_closest_marker("slow") or item.path.relative_to(TESTS).as_posix() in LONG:
            long.setdefault(item.path, []).append(item)  # a file's together, as its fixtures are
        else:
            others.append(item)
    files, rest = list(long.values()), iter(others)
    size = len(items) // workers
    shares = [list(chain.from_iterable(files[n::workers])) for n in range(workers)]
    items[:] = chain.from_iterable(
        [*share, *islice(rest, max(0, size - len(share)))] for share in shares
    )
    items += rest
