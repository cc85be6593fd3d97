"""A worker and beat show in a file that their loops turn."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured

from backend import pulse
from tests.support.waiting import eventually


@pytest.mark.django_db(transaction=True)
def test_the_sign_is_renewed_while_the_loop_turns_and_not_once_it_stands_still(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEARTBEAT_DIR = str(tmp_path)
    monkeypatch.setattr(pulse, "EVERY", 0.1)
    sign = tmp_path / "beat"
    watched = pulse.Pulse("beat", "beat@here", configured.BROKER_URL)
    watched.start()
    try:

        def renewed(since: int) -> bool:
            watched.tick()
            return sign.exists() and sign.stat().st_mtime_ns > since

        eventually(lambda: renewed(0))
        first = sign.stat().st_mtime_ns
        eventually(lambda: renewed(first))
    finally:
        watched.stop()
        watched.join()
    watched.over.clear()
    watched.ticked_at -= 1
    sign.unlink()
    looked = []
    monkeypatch.setattr(watched.over, "wait", lambda _: len(looked) > 2 or looked.append(1))
    watched.run()
    assert looked == [1, 1, 1]
    assert not sign.exists()
