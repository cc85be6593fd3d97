"""A worker and beat record heartbeats while their loops turn."""

from pathlib import Path
from typing import Any

import pytest

from backend import heartbeat
from tests.support.waiting import eventually


@pytest.mark.django_db(transaction=True)
def test_the_file_is_touched_while_the_loop_turns_and_not_once_it_stands_still(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEARTBEAT_DIR = str(tmp_path)
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.1)
    file = tmp_path / "beat"
    watched = heartbeat.Heartbeat("beat", "beat@here")
    watched.start()
    try:

        def renewed(since: int) -> bool:
            watched.tick()
            return file.exists() and file.stat().st_mtime_ns > since

        eventually(lambda: renewed(0))
        first = file.stat().st_mtime_ns
        eventually(lambda: renewed(first))
    finally:
        watched.stop()
        watched.join()
    watched.stopped.clear()
    watched.ticked_at -= 1
    file.unlink()
    looked = []
    monkeypatch.setattr(watched.stopped, "wait", lambda _: len(looked) > 2 or looked.append(1))
    watched.run()
    assert looked == [1, 1, 1]
    assert not file.exists()
