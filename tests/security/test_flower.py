"""Flower, as we start it: nothing of it without its password, and no name of its server."""

import base64
import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from backend.devserver import CHECKOUT
from backend.devserver.server import pick_port
from tests.support.waiting import eventually

PASSWORD = "admin:of-the-flowers"


@pytest.fixture
def flower(tmp_path):
    port = pick_port()
    words = f"-m celery -q -A backend flower --address=127.0.0.1 --port={port} --logging=error"
    process = subprocess.Popen(
        [sys.executable, *words.split()],
        cwd=CHECKOUT,
        env=os.environ | {"FLOWER_BASIC_AUTH": PASSWORD, "DATA_DIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    yield port
    process.terminate()
    process.wait(20)


def ask(port, path, password=""):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if password:
        given = base64.b64encode(password.encode()).decode()
        request.add_header("Authorization", f"Basic {given}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers["Server"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Server"]
    except OSError:
        return None


def test_figures_and_health_need_the_password_too(flower):
    """Flower itself leaves both open."""
    assert eventually(lambda: ask(flower, "/healthcheck")) == (401, None)
    for path in ("/metrics", "/healthcheck", "/workers"):
        assert ask(flower, path) == (401, None)
        assert ask(flower, path, "admin:guess") == (401, None)
        assert ask(flower, path, PASSWORD) == (200, None)
    assert ask(flower, "/nothing", PASSWORD) == (404, None)
    for name, code in ((PASSWORD, 0), ("admin:guess", 1)):
        check = [sys.executable, "deploy/healthy.py", "flower"]
        environment = os.environ | {"PORT": str(flower), "FLOWER_BASIC_AUTH": name}
        assert subprocess.run(check, cwd=CHECKOUT, env=environment, check=False).returncode == code
