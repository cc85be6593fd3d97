"""Starts the composed stack under a name of its own, walks through it, ends a worker, walks again.

`smoke_compose.py` takes docker-compose.yml, `smoke_compose.py prod` what the public gets as well.
HOLDFAST_IMAGE names an image to take instead of building one. The rule: it is gone afterwards, with
its volumes, however this ends.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from make_env import filled

CHECKOUT = Path(__file__).resolve().parent.parent
ADMIN = "smoke-admin@example.com"
ENGINE = ("PATH", "HOME", "USER", "LANG", "SSL_CERT_FILE", "XDG_RUNTIME_DIR")
PATIENCE = 90.0  # seconds for a worker to come back


class Stack:
    def __init__(self, folder: Path, *, public: bool) -> None:
        self.folder, self.public = folder, public
        self.mail = folder / "mail"
        self.mail.mkdir()
        self.mail.chmod(0o777)  # the process in the container is somebody else
        names = ("PORT", "FLOWER_PORT", "HTTP_PORT", "HTTPS_PORT")
        self.values = dict(zip(names, map(str, free_ports(len(names))), strict=True)) | {
            "HOLDFAST_IMAGE": os.environ.get("HOLDFAST_IMAGE") or "holdfast-smoke",
            "DJANGO_SUPERUSER_EMAIL": ADMIN,
            "MAIL_DIR": str(self.mail),
            "SITE_ADDRESS": "localhost",
            "TLS": "internal",
            "FRONTEND_URL": "https://www.example.com",
        }
        lines = [f"{name}={value}" for name, value in self.values.items()]
        text = filled((CHECKOUT / ".env.example").read_text())
        self.env = folder / "env"
        self.env.write_text("\n".join([text, *lines, ""]))
        self.password = text.split("\nDJANGO_SUPERUSER_PASSWORD=")[1].split("\n")[0]

    def compose(self, *words: str, check: bool = True) -> bool:
        """Whether it succeeded. What is exported here is not for the stack, apart from how to reach
        the engine."""
        here = os.environ.items()
        kept = {name: value for name, value in here if name in ENGINE or name.startswith("DOCKER")}
        command = ["docker", "compose", "--project-name", "holdfast-smoke", "--progress", "quiet"]
        command += ["--env-file", str(self.env), "--file", "docker-compose.yml"]
        command += ["--file", "docker-compose.prod.yml"] * self.public
        command += ["--file", "deploy/smoke.compose.yml", *words]
        environment = kept | {"ENV_FILE": str(self.env)}
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, check=check)
        return done.returncode == 0

    def walk(self) -> None:
        environment = os.environ | {
            "BASE_URL": f"http://127.0.0.1:{self.values['PORT']}",
            "ADMIN_EMAIL": ADMIN,
            "ADMIN_PASSWORD": self.password,
            "MAIL_DIR": str(self.mail),
            "FLOWER_URL": f"http://127.0.0.1:{self.values['FLOWER_PORT']}",
        }
        if self.public:
            root = self.folder / "root.crt"
            self.compose("cp", "proxy:/data/caddy/pki/authorities/local/root.crt", str(root))
            environment["SSL_CERT_FILE"] = str(root)
            environment["BASE_URL"] = f"https://localhost:{self.values['HTTPS_PORT']}"
        command = [sys.executable, "deploy/smoke.py"]
        subprocess.run(command, cwd=CHECKOUT, env=environment, check=True)

    def up(self) -> None:
        build = "--no-build" if os.environ.get("HOLDFAST_IMAGE") else "--build"
        self.compose("up", build, "--wait", "--wait-timeout", "300")

    def end_a_worker(self) -> None:
        """As a crash would, from inside: the engine leaves alone what was stopped from outside.
        The new one is told from the old by its empty /tmp."""
        end = "import os, signal; open('/tmp/old', 'w').close(); os.kill(1, signal.SIGTERM)"
        self.compose("exec", "-T", "worker", "python", "-c", end)
        back = "test ! -e /tmp/old && python deploy/healthy.py worker"
        deadline = time.monotonic() + PATIENCE
        while not self.compose("exec", "-T", "worker", "sh", "-c", back, check=False):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker did not come back within {PATIENCE:.0f} s")
            time.sleep(1)

    def down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "20", check=False)
        shutil.rmtree(self.folder)


def free_ports(number: int) -> list[int]:
    """All taken at once, so that they differ."""
    with ExitStack() as taken:
        held = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in held]


def main(words: list[str]) -> int:
    stack = Stack(Path(tempfile.mkdtemp(prefix="holdfast-smoke-")), public="prod" in words)
    try:
        stack.up()
        stack.compose("ps", "--all")
        stack.walk()
        print("A worker ends …", flush=True)
        stack.end_a_worker()
        stack.walk()
    except (subprocess.CalledProcessError, TimeoutError) as error:
        stack.compose("ps", "--all", check=False)
        stack.compose("logs", "--tail", "40", check=False)
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    finally:
        stack.down()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
