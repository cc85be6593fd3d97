"""What is deployed agrees with what `make up` runs, and nothing starts without its secrets."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.devserver import CHECKOUT
from backend.devserver.up import PROCESSES
from backend.schedule import SCHEDULE

HEALTHY = CHECKOUT / "deploy" / "healthy.py"
MAKE_ENV = CHECKOUT / "deploy" / "make_env.py"


class AnyTag(yaml.SafeLoader):
    """Compose's own tags, as `!reset`, say how files are merged: here the values are enough."""


AnyTag.add_multi_constructor("!", lambda loader, _, node: loader.construct_sequence(node))


def composed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((CHECKOUT / name).read_text(), AnyTag)  # noqa: S506 - a loader of ours
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = composed("docker-compose.yml")["services"]
    return found


def queues_of(words: str) -> set[str]:
    [found] = re.findall(r"--queues[= ](?:\$\{WORKER_QUEUES:-)?([a-z,]+)", words)
    return set(found.split(","))


def test_a_composed_worker_listens_to_the_queues_of_make_up(services):
    here = next(line for name, _, line in PROCESSES if name == "worker")
    there = queues_of(" ".join(services["worker"]["command"]))
    assert there == queues_of(here)
    assert there >= {job.queue for job in SCHEDULE.values()}


def test_every_process_of_make_up_is_composed(services):
    """Apart from the local Stripe: whoever is paid for real has the real one."""
    assert {name for name, _, _ in PROCESSES} - {"stripe"} <= set(services)


def test_a_worker_may_finish_what_it_works_on(services, settings):
    patience = services["worker"]["stop_grace_period"]
    assert int(patience.removesuffix("s")) > settings.CELERY_TASK_TIME_LIMIT


def manifests() -> list[dict[str, Any]]:
    files = sorted((CHECKOUT / "deploy" / "k8s").glob("*.yaml"))
    return [each for file in files for each in yaml.safe_load_all(file.read_text())]


def test_in_a_cluster_every_queue_has_workers_that_may_finish(settings):
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in manifests()
        if each["kind"] == "Deployment" and each["metadata"]["name"].startswith("worker-")
    }
    heard = [queues_of(" ".join(pod["containers"][0]["command"])) for pod in pods.values()]
    here = next(line for name, _, line in PROCESSES if name == "worker")
    assert sorted(name for each in heard for name in each) == sorted(queues_of(here))
    for pod in pods.values():
        assert pod["terminationGracePeriodSeconds"] > settings.CELERY_TASK_TIME_LIMIT


def test_in_a_cluster_whatever_scales_names_a_deployment_that_leaves_the_number_to_it():
    deployments = {
        each["metadata"]["name"]: each for each in manifests() if each["kind"] == "Deployment"
    }
    scaled = [each for each in manifests() if each["kind"] == "HorizontalPodAutoscaler"]
    assert len(scaled) == 2
    for each in scaled:
        assert "replicas" not in deployments[each["spec"]["scaleTargetRef"]["name"]]["spec"]


def test_in_a_cluster_one_beat_gives_way_to_the_next():
    [beat] = [each for each in manifests() if each.get("metadata", {}).get("name") == "beat"]
    assert (beat["spec"]["replicas"], beat["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_every_service_is_locked_down_and_looked_after(services):
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"]["max-size"], name
        if name != "migrate":
            assert service["restart"] == "unless-stopped", name
    unchecked = {
        name for name, each in services.items() if "test" not in each.get("healthcheck", {})
    }
    assert unchecked == {"migrate", "web"}  # the one ends, the other's is the image's


def test_the_servers_are_out_of_reach(services):
    assert composed("docker-compose.yml")["networks"]["data"] == {"internal": True}
    for name in ("db", "redis"):
        assert services[name]["networks"] == ["data"]
        assert "ports" not in services[name]
    published = [port for each in services.values() for port in each.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.prod.yml"])
def test_no_secret_has_a_default(name):
    text = (CHECKOUT / name).read_text()
    for variable, after in re.findall(r"\$\{(\w*(?:SECRET|PASSWORD|AUTH)\w*)([^}]*)", text):
        allowed = ":-" if variable == "DJANGO_SUPERUSER_PASSWORD" else ":?"
        assert after.startswith(allowed), variable
        assert after.startswith(":?") or after == ":-", variable


def test_every_secret_that_compose_insists_on_is_made(tmp_path):
    text = (CHECKOUT / "docker-compose.yml").read_text()
    wanted = set(re.findall(r"\$\{(\w+):\?", text))
    subprocess.run([sys.executable, MAKE_ENV, tmp_path / "env"], cwd=CHECKOUT, check=True)
    made = dict(re.findall(r"^(\w+)=(.+)$", (tmp_path / "env").read_text(), re.M))
    assert wanted <= set(made)
    assert len(set(made.values())) == len(made)
    assert all(len(value) >= 43 for value in made.values())
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_the_secrets_that_are_there_stay(tmp_path):
    (tmp_path / "env").write_text("SECRET_KEY=mine\n")
    done = subprocess.run(
        [sys.executable, MAKE_ENV, tmp_path / "env"],
        cwd=CHECKOUT,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 1
    assert (tmp_path / "env").read_text() == "SECRET_KEY=mine\n"


@pytest.fixture
def health(tmp_path: Path) -> Callable[[str], int]:
    """What the health check of a container ends with."""

    def check(name: str) -> int:
        environment = os.environ | {"HEARTBEAT_DIR": str(tmp_path)}
        command = [sys.executable, HEALTHY, name]
        return subprocess.run(command, env=environment, check=False).returncode

    return check


def test_a_loop_that_turns_is_healthy(health, tmp_path):
    assert health("worker") == 1
    (tmp_path / "worker").touch()
    assert health("worker") == 0
    assert health("beat") == 1


def test_a_loop_that_stands_still_is_not(health, tmp_path):
    (tmp_path / "beat").touch()
    long_ago = time.time() - 60
    os.utime(tmp_path / "beat", (long_ago, long_ago))
    assert health("beat") == 1


@pytest.mark.parametrize(("status", "ends"), [(200, 0), (503, 1), (301, 1)])
def test_one_that_answers_well_is_healthy_and_is_asked_as_a_host_that_it_serves(
    health, monkeypatch, status, ends
):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    monkeypatch.setenv("ALLOWED_HOSTS", ".example.com, localhost")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("PORT", str(server.server_port))
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert health("web") == ends
        thread.join()
    assert asked == [("/health/", "example.com")]
    assert health("web") == 1  # nobody is there any more


def test_a_health_check_loads_next_to_nothing():
    """Eight containers ask every ten seconds, each time anew: what is loaded is paid for then."""
    code = "import runpy, sys; before = set(sys.modules); runpy.run_path(sys.argv[1]);"
    code += "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    done = subprocess.run(
        [sys.executable, "-c", code, HEALTHY], check=True, capture_output=True, text=True
    )
    assert not {"http", "email", "ssl", "django"} & set(done.stdout.split())
    assert "socket" in done.stdout.split()
