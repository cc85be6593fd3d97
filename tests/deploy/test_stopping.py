"""What a web server does with a request to stop while it starts."""

import os
import subprocess
import sys

import psutil

from backend.devserver import CHECKOUT
from backend.devserver.server import pick_port
from tests.support.waiting import eventually

SERVER = """
from backend.web import Parent, make_config
config = make_config("tests.support.never:application")
Parent(config, [config.bind_socket()]).run()
"""


def test_told_to_stop_while_its_processes_load_it_ends(tmp_path):
    """Without the default action of the signal meanwhile they load to the end first."""
    log = tmp_path / "log"
    with log.open("wb") as output:
        parent = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=CHECKOUT,
            env=os.environ | {"PORT": str(pick_port())},
            stdout=output,
            stderr=output,
        )
    eventually(lambda: log.read_text().count("loading") == 2)
    processes = psutil.Process(parent.pid).children()
    parent.terminate()
    try:
        assert parent.wait(30) == 0
    finally:
        for process in processes:
            if process.is_running():
                process.kill()
        parent.wait()
    assert psutil.wait_procs(processes, timeout=30)[1] == []
