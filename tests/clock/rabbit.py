"""RabbitMQ for a test, where its program is installed: another broker than Redis.

The rule: a node of its own in a directory of its own, on ports of its own; nothing is left of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import amqp

from backend.devserver.processes import spawn
from backend.devserver.server import Server, pick_port

# Debian's own in PATH is a wrapper that insists on one user and one directory
PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")


def program() -> str | None:
    """Where RabbitMQ is: as RABBITMQ_SERVER says, or where it is usually installed."""
    named = os.environ.get("RABBITMQ_SERVER")
    return named or next((found for place in PLACES if (found := shutil.which(place))), None)


class Rabbit(Server):
    """One node that knows of no other, with its own port mapper."""

    name = "rabbitmq"
    process_name = "beam.smp"
    stop_signal = signal.SIGTERM
    mapper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @property
    def environment(self) -> dict[str, str]:
        home = str(self.directory)
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": home,
            "ERL_EPMD_PORT": str(self.mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"{self.tag}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": home,
            "RABBITMQ_LOG_BASE": home,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILES": f"{home}/none.conf",
        }

    def prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.directory / "plugins").write_text("[].\n")
        (self.directory / "none.conf").touch()

    def launch(self) -> subprocess.Popen[bytes]:
        if self.mapper is None:
            self.mapper_port, self.dist_port = pick_port(), pick_port()
            mapper = shutil.which("epmd")
            assert mapper
            self.mapper = self.begin([mapper, "-port", str(self.mapper_port)], signal.SIGKILL)
        found = program()
        assert found
        return self.begin([found], self.stop_signal)

    def begin(self, command: list[str], death_signal: signal.Signals) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return spawn(
                command,
                death_signal=death_signal,
                env={name: value for name, value in self.environment.items() if value},
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def get_problem(self) -> str | None:
        try:
            with amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=2, read_timeout=2):
                return None
        except (OSError, amqp.AMQPError) as error:
            return str(error) or repr(error)

    def kill(self) -> None:
        """The script that started it, and what that started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        super().kill()

    def remove(self) -> None:
        self.stop()
        if self.mapper is not None:
            self.mapper.kill()
            self.mapper.wait()
            self.mapper = None


def in_directory(place: Path) -> Rabbit:
    return Rabbit(place, "guest")
