"""What the server does with connections, heads and bodies before a thread hears of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from backend import http_protocol, wsgi_threads
from backend.http_protocol import BoundedProtocol
from backend.web import make_config
from backend.wsgi_threads import WSGIThreads

PATIENCE = 10.0
DEADLINE = 0.3  # seconds of the server
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
MAX_BODY = 100_000


class Echo:
    """Answers with what it saw; `/large` with ten million bytes in parts."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.closed = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Echo:
        body = environ["wsgi.input"].read()
        self.seen.append(environ)
        self.parts = [b"x" * 100_000] * 100
        if environ["PATH_INFO"] != "/large":
            length = environ.get("CONTENT_LENGTH")
            path = environ["PATH_INFO"]
            self.parts = [json.dumps({"path": path, "size": len(body), "length": length}).encode()]
        size = str(sum(map(len, self.parts)))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", size)])
        return self

    def __iter__(self) -> Any:
        return iter(self.parts)

    def close(self) -> None:
        self.closed += 1


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        [length] = [n for n in head.lower().split(b"\r\n") if n.startswith(b"content-length:")]
        body = await self.reader.readexactly(int(length.split(b":")[1]))
        return int(head.split()[1]), body

    async def dropped(self) -> bytes:
        """What came before the end."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE)
        except ConnectionResetError:
            return b""

    async def drip(self, data: bytes, every: float = DEADLINE / 6) -> None:
        """A byte at a time, until the other side has gone."""
        with contextlib.suppress(OSError):
            for byte in data:
                self.send(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(every)


class Server:
    def __init__(self, port: int, state: ServerState) -> None:
        self.port, self.state = port, state
        self.open: list[Client] = []

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.open.append(client)
        return client

    async def forgets(self) -> None:
        """Waits until no connection is left."""
        await eventually(lambda: not self.state.connections)

    async def reads_a_body(self) -> None:
        await eventually(lambda: self.state.tasks)


async def eventually(happens: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not happens():  # noqa: ASYNC110 - what happens is the server's, and tells nobody
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(application: Any) -> AsyncIterator[Server]:
    config = make_config(application)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: BoundedProtocol(config, state, {}), "127.0.0.1", 0)
    server = Server(listener.sockets[0].getsockname()[1], state)
    try:
        yield server
    finally:
        listener.close()
        for client in server.open:
            client.writer.close()
        await server.forgets()


@pytest.fixture(autouse=True)
def short_deadlines(settings):
    settings.REQUEST_READ_TIMEOUT = DEADLINE


def echoing(echo: Echo) -> WSGIThreads:
    return WSGIThreads(echo, threads=2, timeout=DEADLINE, max_body=MAX_BODY)


def play(story: Callable[[Server, Echo], Awaitable[None]]) -> None:
    async def played() -> None:
        echo = Echo()
        async with serving(echoing(echo)) as server:
            await story(server, echo)

    asyncio.run(played())


# connections and heads


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nX: " + b"x" * 50, b"\r\n" * 25], ids=["none", "head", "lines"]
)
def test_a_client_that_does_not_finish_a_head_is_dropped(said):
    """Fails without the timer of the head: it waits for the end in vain."""

    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        dripping = asyncio.create_task(client.drip(said))
        assert await client.dropped() == b""
        await dripping
        assert echo.seen == []

    play(story)


def test_a_kept_connection_may_be_idle_but_not_slow():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        for _ in range(2):
            client.send(GET)
            assert (await client.answer())[0] == 200
            await asyncio.sleep(2 * DEADLINE)
        client.send(GET[:-2])
        assert await client.dropped() == b""
        assert len(echo.seen) == 2

    play(story)


def test_pipelined_requests_are_answered_in_order():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.send(b"".join(GET.replace(b"/ ", b"/%d " % n, 1) for n in range(5)))
        answers = [json.loads((await client.answer())[1])["path"] for _ in range(5)]
        assert answers == ["/0", "/1", "/2", "/3", "/4"]

    play(story)


def test_a_head_without_end_is_refused():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.send(b"GET / HTTP/1.1\r\nX: " + b"x" * http_protocol.HEAD_BYTES)
        assert (await client.dropped()).startswith(b"HTTP/1.1 431 ")
        assert echo.seen == []

    play(story)


def test_trailers_without_end_are_refused():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await server.reads_a_body()
        client.send(b"0\r\nX: " + b"x" * http_protocol.HEAD_BYTES)
        assert b" 431 " in await client.dropped()
        assert echo.seen == []

    play(story)


def test_of_those_that_wait_the_oldest_gives_way(monkeypatch, settings):
    settings.REQUEST_READ_TIMEOUT = PATIENCE
    monkeypatch.setattr(http_protocol, "MAX_WAITING", 2)

    async def story(server: Server, echo: Echo) -> None:
        oldest, second = await server.connect(), await server.connect()
        second.send(GET)
        await second.answer()  # so it waits again, behind the other
        newest = await server.connect()
        assert await oldest.dropped() == b""
        for client in (second, newest):
            client.send(GET)
            assert (await client.answer())[0] == 200

    play(story)


def test_an_answer_that_nobody_takes_is_given_up(monkeypatch):
    monkeypatch.setattr(http_protocol, "SEND_TIMEOUT", DEADLINE)

    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.writer.transport.pause_reading()
        client.send(GET.replace(b"/ ", b"/large ", 1))
        await server.forgets()
        await eventually(lambda: echo.closed)

    play(story)


def test_the_rest_of_a_body_that_was_answered_already_keeps_nobody():
    async def early(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def story() -> None:
        async with serving(early) as server:
            client = await server.connect()
            client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            assert (await client.answer())[0] == 200
            dripping = asyncio.create_task(client.drip(b"x" * 50))
            assert await client.dropped() == b""
            await dripping

    asyncio.run(story())


# bodies


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST / HTTP/1.1", "Host: x", *lines, "", ""]).encode()


CHUNKED = head("Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("request_", "size", "length"),
    [
        (GET, 0, None),
        (head("Content-Length: 0"), 0, "0"),
        (head("Content-Length: 5") + b"hello", 5, "5"),
        (CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 5, "5"),
        (head(f"Content-Length: {MAX_BODY}") + b"x" * MAX_BODY, MAX_BODY, str(MAX_BODY)),
        # too large: the application is told how long it was, and refuses it in its own words
        (head("Content-Length: 900000") + b"x" * 900_000, 0, "900000"),
        (CHUNKED + b"30d40\r\n" + b"x" * 200_000 + b"\r\n0\r\n\r\n", 0, "200000"),
    ],
)
def test_the_application_gets_the_whole_body_and_its_length(request_, size, length, settings):
    """What is too large is read as well: a client that is still sending when the connection is
    closed never sees the answer."""
    settings.REQUEST_READ_TIMEOUT = PATIENCE

    async def story() -> None:
        threads = WSGIThreads(Echo(), threads=2, timeout=PATIENCE, max_body=MAX_BODY)
        async with serving(threads) as server:
            client = await server.connect()
            for _ in range(2):  # the connection stays good
                client.send(request_)
                status, body = await client.answer()
                assert (status, json.loads(body)) == (
                    200,
                    {"path": "/", "size": size, "length": length},
                )

    asyncio.run(story())


def test_a_body_that_comes_too_slowly_is_refused_and_takes_no_thread():
    """However it comes: the deadline is one for the whole body. Fails without the timeout in
    `WSGIThreads`: no answer comes."""

    async def story(server: Server, echo: Echo) -> None:
        silent, slow = await server.connect(), await server.connect()
        for client in (silent, slow):
            client.send(head("Content-Length: 500"))
        dripping = asyncio.create_task(slow.drip(b"x" * 50))
        status, body = await silent.answer()
        assert (status, json.loads(body)["code"]) == (408, "request_timeout")
        for client in (silent, slow):
            await client.dropped()
        await dripping
        assert echo.seen == []

    play(story)


def test_few_large_bodies_are_held_at_once_and_small_ones_pass(monkeypatch):
    monkeypatch.setattr(wsgi_threads, "LARGE_BODIES", 1)

    async def story() -> None:
        threads = WSGIThreads(Echo(), threads=2, timeout=PATIENCE, max_body=MAX_BODY)
        async with serving(threads) as server:
            slow, large, small = [await server.connect() for _ in range(3)]
            slow.send(head("Content-Length: 90000") + b"x")
            await eventually(threads.large.locked)
            large.send(CHUNKED)
            status, body = await large.answer()
            assert (status, json.loads(body)["code"]) == (503, "unavailable")
            small.send(head("Content-Length: 5") + b"hello")
            assert (await small.answer())[0] == 200
            slow.send(b"x" * 89_999)
            assert (await slow.answer())[0] == 200

    asyncio.run(story())


def test_a_client_that_goes_before_its_body_is_whole_takes_no_thread():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.send(head("Content-Length: 500") + b"x")
        await client.writer.drain()
        client.writer.close()
        await server.forgets()
        assert echo.seen == []

    play(story)


def test_an_answer_comes_in_parts_and_is_closed_once():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.send(GET.replace(b"/ ", b"/large ", 1))
        status, body = await client.answer()
        assert (status, len(body)) == (200, 10_000_000)
        assert echo.closed == 1

    play(story)


# what the application is told


def test_nobody_can_say_by_an_underscore_what_only_a_proxy_may_say():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.send(head("X_Forwarded_For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2", "A: 1", "a: 2"))
        await client.answer()
        [environ] = echo.seen
        assert environ["HTTP_X_FORWARDED_FOR"] == "2.2.2.2"
        assert environ["HTTP_A"] == "1,2"
        assert environ["REMOTE_ADDR"] == "127.0.0.1"

    play(story)


def test_a_path_is_the_bytes_that_were_sent():
    async def story(server: Server, echo: Echo) -> None:
        client = await server.connect()
        client.send(GET.replace(b"/ ", b"/caf%C3%A9%FF?q=%26 ", 1))
        await client.answer()
        [environ] = echo.seen
        assert environ["PATH_INFO"].encode("latin-1") == "/café".encode() + b"\xff"
        assert environ["QUERY_STRING"] == "q=%26"

    play(story)


def test_no_answer_names_the_software():
    async def story(server: Server, echo: Echo) -> None:
        for said in (b"nonsense\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
            client = await server.connect()
            client.send(said)
            assert b"\r\nserver:" not in (await client.dropped()).lower()

    play(story)
