"""A front that speaks TLS for a server that does not, as a provider's servers would."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.devserver.server import pick_port

# 127.0.0.2 is this machine too, under a name that is not in the certificate
EVERY_LOOPBACK = ("127.0.0.1", "127.0.0.2")
ASKS_FOR_TLS = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # how a client of PostgreSQL begins


class Certificate:
    """Of 127.0.0.1, vouched for by nobody but itself."""

    def __init__(self, place: Path) -> None:
        self.file = place / "certificate.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holdfast")])
        now = datetime.datetime.now(datetime.UTC)
        address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )

    def context(self) -> ssl.SSLContext:
        found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        found.load_cert_chain(self.file)
        return found


class Front:
    """Listens with TLS and passes on in the clear; `plain` counts those who came without."""

    def __init__(self, target: int, certificate: Certificate, *, postgres: bool) -> None:
        self.target, self.context, self.postgres = target, certificate.context(), postgres
        self.secure = self.plain = self.port = 0
        self.ends = asyncio.Event()

    async def serve(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        encrypted = None if self.postgres else self.context
        server = await asyncio.start_server(
            self.pass_on, EVERY_LOOPBACK, pick_port(), ssl=encrypted
        )
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self.ends.wait()
        server.close()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.postgres:
                if await reader.readexactly(8) != ASKS_FOR_TLS:
                    self.plain += 1
                    writer.close()
                    return
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(self.context)
            self.secure += 1
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def front(target: int, certificate: Certificate, *, postgres: bool = False) -> Iterator[Front]:
    found, ready = Front(target, certificate, postgres=postgres), threading.Event()

    # which also ends every connection that is still open
    thread = threading.Thread(target=lambda: asyncio.run(found.serve(ready)), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield found
    found.loop.call_soon_threadsafe(found.ends.set)
    thread.join(10)
