"""Handing emails over: to a real SMTP server and to a stand-in of SendGrid, on good days and bad.

The outbox's rule under test: a failure is an outcome of its row, which is tried again, and at the
end stays visible; no row is lost, and none holds the others up.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db.models.functions import Now

from api.models import Delivery
from api.services.messages import mailer, outbox
from api.services.operations.lease_queue import WAITS
from backend.devserver.server import pick_port
from backend.mail import as_bytes
from backend.settings.emails import find_email_backend

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # the library says that SendGrid is not among what it tests itself
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),
]


def send() -> int:
    return outbox.deliver(["email"], mailer.send)


def due() -> None:
    Delivery.objects.update(due_at=Now() - timedelta(seconds=1))


def only_row() -> Delivery:
    return Delivery.objects.get()


# a stand-in of SendGrid


class SendGrid(ThreadingHTTPServer):
    """Answers what it was told to, 202 by default, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Posted)
        self.answers: list[int] = []
        self.taken: list[dict] = []
        self.asked = 0
        self.go_on = threading.Event()
        self.slow = False


class Posted(BaseHTTPRequestHandler):
    server: SendGrid

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        if self.server.slow:
            self.server.go_on.wait(30)
        status = self.server.answers.pop(0) if self.server.answers else 202
        if self.headers["Authorization"] != "Bearer SG.right" or self.path != "/v3/mail/send":
            status = 401
        if status == 202:
            self.server.taken.append(body)
        answer = b"" if status == 202 else json.dumps({"errors": [{"message": "no"}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def sendgrid(settings) -> Iterator[SendGrid]:
    with SendGrid() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.EMAIL_BACKEND = find_email_backend("sendgrid")
        settings.ANYMAIL = {
            "SENDGRID_API_KEY": "SG.right",
            "SENDGRID_API_URL": f"http://127.0.0.1:{server.server_port}/v3",
            "REQUESTS_TIMEOUT": (5, 10),
        }
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


def test_sendgrid_gets_both_forms_the_subject_and_the_id(sendgrid, booked, ana):
    booked(ana)
    assert send() == 1
    (taken,) = sendgrid.taken
    assert taken["personalizations"][0]["to"] == [{"email": "ana@example.com"}]
    assert taken["from"] == {"email": "noreply@holdfast.example", "name": "Holdfast"}
    assert taken["subject"] == "Reservation Confirmed"
    assert [part["type"] for part in taken["content"]] == ["text/plain", "text/html"]
    assert taken["headers"]["Message-ID"] == mailer.build_message_id(only_row().key)
    assert only_row().state == "sent"


@pytest.mark.parametrize("status", [400, 401, 413, 429, 500, 503])
def test_a_refusal_is_tried_again_and_then_succeeds(sendgrid, booked, ana, status):
    booked(ana)
    sendgrid.answers = [status]
    assert send() == 0
    row = only_row()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert f"SendGrid API response {status}" in row.last_error
    assert Delivery.objects.filter(due_at__gt=Now() + timedelta(seconds=5)).exists()
    assert send() == 0  # not before its time
    assert sendgrid.asked == 1
    due()
    assert send() == 1
    row = only_row()
    assert (row.state, row.attempts, len(sendgrid.taken)) == ("sent", 2, 1)


def test_what_is_refused_for_ever_is_parked_visibly_and_can_be_sent_again(sendgrid, booked, ana):
    booked(ana)
    tries = len(WAITS) + 1
    sendgrid.answers = [500] * tries
    for _ in range(tries):
        due()
        assert send() == 0
    row = only_row()
    assert (row.state, row.attempts, sendgrid.asked) == ("parked", tries, tries)
    assert row.finished_at is not None
    due()
    assert send() == 0
    assert sendgrid.asked == tries
    assert outbox.retry([row.pk]) == 1
    assert send() == 1
    assert only_row().state == "sent"


def test_a_provider_that_is_away_costs_an_attempt(sendgrid, booked, ana, settings):
    url = f"http://127.0.0.1:{pick_port()}/v3/"
    settings.ANYMAIL = {**settings.ANYMAIL, "SENDGRID_API_URL": url}
    booked(ana)
    assert send() == 0
    row = only_row()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "ConnectionError" in row.last_error or "Connection refused" in row.last_error


def test_a_provider_that_does_not_answer_is_given_up(sendgrid, booked, ana, settings):
    """It holds its answer back until the test is over. Without REQUESTS_TIMEOUT this hangs."""
    settings.ANYMAIL = {**settings.ANYMAIL, "REQUESTS_TIMEOUT": (0.2, 0.2)}
    sendgrid.slow = True
    booked(ana)
    assert send() == 0
    assert "timed out" in only_row().last_error.lower()


def test_one_message_that_fails_does_not_hold_up_the_others(sendgrid, booked, ana):
    for hours in range(3):
        booked(ana, hours=hours)
    sendgrid.answers = [202, 500, 202]
    assert send() == 2
    states = Delivery.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["sent", "waiting", "sent"]


def test_settings_without_a_key_are_the_outcome_of_the_message(sendgrid, booked, ana, settings):
    """With the backend made once before the loop the run itself failed: no row was settled, and
    none was ever parked."""
    settings.ANYMAIL = {}
    booked(ana)
    assert send() == 0
    row = only_row()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "SENDGRID_API_KEY" in row.last_error


# EMAIL_FALLBACK=console


def test_the_fallback_prints_once_and_the_message_still_goes_out(
    sendgrid, booked, ana, settings, capsys
):
    settings.EMAIL_FALLBACK = "console"
    booked(ana)
    sendgrid.answers = [401, 500]
    assert send() == 0
    printed = capsys.readouterr().out
    assert "Subject: Reservation Confirmed" in printed
    assert "To: ana@example.com" in printed
    due()
    assert send() == 0
    assert capsys.readouterr().out == ""
    due()
    assert send() == 1
    assert only_row().state == "sent"


def test_without_the_fallback_nothing_is_printed(sendgrid, booked, ana, settings, capsys):
    settings.EMAIL_FALLBACK = ""
    booked(ana)
    sendgrid.answers = [500]
    assert send() == 0
    assert capsys.readouterr().out == ""


# SMTP


class Inbox:
    """Keeps what arrives; answers with `replies` first, and refuses whom it is told to."""

    def __init__(self, extensions: Sequence[str]) -> None:
        self.extensions = extensions
        self.chunks = 0
        self.messages: list[bytes] = []
        self.replies: list[str] = []
        self.unknown: set[str] = set()
        self.sender = "250 OK"
        self.slow = False

    async def handle_EHLO(self, server, session, envelope, name, answers) -> list[str]:  # noqa: N802
        session.host_name = name
        return [*answers[:-1], *(f"250-{name}" for name in self.extensions), answers[-1]]

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:  # noqa: N802
        if self.sender.startswith("250"):
            envelope.mail_from = address
        return self.sender

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        if address in self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        if self.slow:
            await asyncio.sleep(60)  # ended with the server
        if self.replies:
            return self.replies.pop(0)
        self.messages.append(envelope.content)
        return "250 taken"


class Chunking(SMTP):
    """Takes a message whose length is said before it (RFC 3030), and reads it in any case."""

    async def smtp_BDAT(self, arg: str) -> None:  # noqa: N802
        size, last = arg.split()
        assert last == "LAST"
        content = await self._reader.readexactly(int(size))
        self.event_handler.chunks += 1
        if not self.envelope.rcpt_tos:
            await self.push("503 nobody to give it to")
            return
        self.envelope.content = self.envelope.original_content = content
        answer = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self._set_post_data_state()
        await self.push(answer)


class Desk(Controller):
    def factory(self) -> SMTP:
        return Chunking(self.handler, **self.SMTP_kwargs)


@pytest.fixture(
    params=[("PIPELINING", "CHUNKING"), ("PIPELINING",), ("CHUNKING",), ()],
    ids=["at once", "pipelining", "chunks one by one", "one by one"],
)
def smtp(request, settings) -> Iterator[Callable[[], Inbox]]:
    inbox, port = Inbox(request.param), pick_port()
    server = Desk(inbox, hostname="127.0.0.1", port=port)
    settings.EMAIL_BACKEND = find_email_backend("smtp")
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""

    def start() -> Inbox:
        server.start()
        return inbox

    yield start
    if server.loop is not None and server.loop.is_running():
        server.stop()


def test_smtp_gets_the_whole_message(smtp, booked, ana):
    inbox = smtp()
    booked(ana)
    assert send() == 1
    assert inbox.chunks == (inbox.extensions == ("PIPELINING", "CHUNKING"))
    message = message_from_bytes(inbox.messages[0])
    assert (message["To"], message["Subject"]) == ("ana@example.com", "Reservation Confirmed")
    assert message["Message-ID"] == mailer.build_message_id(only_row().key)
    assert [p.get_content_type() for p in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


@pytest.mark.parametrize("reply", ["451 try later", "552 too much", "554 no"])
def test_what_smtp_refuses_is_tried_again(smtp, booked, ana, reply):
    inbox = smtp()
    inbox.replies = [reply]
    booked(ana)
    booked(ana, hours=1)
    assert send() == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["sent", "waiting"]
    due()
    assert send() == 1
    assert len(inbox.messages) == 2


def test_an_address_that_is_refused_is_its_row_s_outcome_alone(smtp, booked, ana, ben):
    """Without an end to the refused one's envelope the next message has its recipient or none."""
    inbox = smtp()
    inbox.unknown = {"ana@example.com"}
    booked(ana)
    booked(ben, hours=1)
    assert send() == 1
    refused = Delivery.objects.get(to="ana@example.com")
    assert (refused.state, refused.attempts) == ("waiting", 1)
    assert refused.last_error == (
        "SMTPRecipientsRefused: {'ana@example.com': (550, b'no such user')}"
    )
    (message,) = inbox.messages
    assert message_from_bytes(message)["To"] == "ben@example.com"


@pytest.mark.parametrize("answer", ["550 not you", "421 slow down"])
def test_a_sender_that_is_refused_waits(smtp, booked, ana, answer):
    inbox = smtp()
    inbox.sender = answer
    booked(ana)
    assert send() == 0
    code, said = answer.split(" ", 1)
    assert only_row().last_error == (
        f"SMTPSenderRefused: ({code}, b'{said}', 'Holdfast <noreply@holdfast.example>')"
    )
    inbox.sender = "250 OK"
    due()
    assert send() == 1
    assert len(inbox.messages) == 1


def test_a_text_with_dots_and_letters_of_all_kinds_arrives_as_it_is(smtp, settings):
    inbox = smtp()
    text = ".\n..\n.hidden\nGrüße 🔔\n.\nRCPT TO:<eve@example.com>\n"
    message = a_message(text, "<p>\n.\n</p>")
    assert get_connection().send_messages([message]) == 1
    plain, html = message_from_bytes(inbox.messages[0]).get_payload()
    assert plain.get_payload(decode=True).decode().replace("\r\n", "\n") == text
    assert html.get_payload(decode=True) == b"<p>\r\n.\r\n</p>"


class Waits(StreamRequestHandler):
    """Refuses every recipient, and waits for the text of a message all the same: RFC 2920 allows
    it to."""

    def handle(self) -> None:
        self.wfile.write(b"220 hello\r\n")
        while line := self.rfile.readline().strip():
            self.server.said.append(line)
            self.wfile.write(
                {
                    b"ehlo": b"250-hello\r\n250 PIPELINING\r\n",
                    b"MAIL": b"250 OK\r\n",
                    b"RCPT": b"550 no\r\n",
                    b"DATA": b"354 go on\r\n",
                }.get(line[:4], b"")
            )


def test_a_server_that_waits_for_a_message_to_nobody_is_left(settings, booked, ana):
    """Saying QUIT to it, it would be the text, and the answer be waited for for ever."""
    with ThreadingTCPServer(("127.0.0.1", 0), Waits) as server:
        server.said = []
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        settings.EMAIL_BACKEND = find_email_backend("smtp")
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        booked(ana)
        assert send() == 0
        server.shutdown()
    assert only_row().last_error == "SMTPRecipientsRefused: {'ana@example.com': (550, b'no')}"
    assert server.said[-1] == b"DATA"


# what is sent is what Django's own classes make of it


def a_message(text="Hello,\n\nit is yours.\n", html="<p>Hello</p>\n", **more):
    headers = {"Message-ID": f"<{'7' * 32}@holdfast.example>", "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(
        **{
            "subject": "Reservation Confirmed",
            "body": text,
            "from_email": "Holdfast <noreply@holdfast.example>",
            "to": ["ana@example.com"],
            "headers": headers,
        }
        | more
    )
    message.attach_alternative(html, "text/html")
    return message


def without_boundary(content: bytes) -> bytes:
    (boundary,) = re.findall(rb'boundary="([^"]+)"', content)
    return content.replace(boundary, b"boundary")


def in_order(content: bytes) -> tuple[list[bytes], bytes]:
    """The headers, which may stand in any order, and what follows; without the moment."""
    head, _, body = content.partition(b"\r\n\r\n")
    head, moments = re.subn(rb"\r\nDate: [^\r]+ [-+]0000(?=\r\n)", b"", head)
    assert moments == 1
    return sorted(re.split(rb"\r\n(?! )", head)), body


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"subject": "🔔 New Reservation #7 - Action Required"},
        {"subject": "Your hold on a room with a very long name " + "and more " * 12},
        {"subject": "Your hold on Grüne Wiese has run out"},
        {"to": ["Ana Müller <ana@example.com>"]},
        {"to": ["ana@bücher.example"]},
        {"to": ["a" * 64 + "@" + "b" * 60 + ".example"]},
        {"from_email": "Grüne Wiese <noreply@holdfast.example>"},
        {"text": "Grüße,\r\nund noch\neine\rZeile"},
        {"text": "x" * 998 + "\n" + "y" * 998},
        {"text": "x" * 999},
        {"html": "<p>" + "ü" * 600 + "</p>"},
        {"text": "From here\n.\n..", "html": ""},
        {"text": ""},
        {"cc": ["ben@example.com"], "reply_to": ["desk@example.com"]},
    ],
)
def test_a_message_is_written_as_django_writes_it(changed):
    message = a_message(**changed)
    theirs = without_boundary(message.message().as_bytes(linesep="\r\n"))
    assert in_order(without_boundary(as_bytes(message))) == in_order(theirs)


def test_nobody_writes_a_part_of_a_message():
    """A title that ends a part and begins another would be a message of its writer's; it would have
    to know the boundary, and that is another one for each message."""
    messages = [as_bytes(a_message(headers={"Message-ID": f"<{n}@example.com>"})) for n in "ab"]
    first, second = (re.findall(rb'boundary="(\w{32})"', message) for message in messages)
    assert (len(first), len(second)) == (1, 1)
    assert first != second


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "Hello\nBcc: eve@example.com"},
        {"to": ["ana@example.com\r\nRCPT TO:<eve@example.com>"]},
        {"from_email": "a@example.com\nBcc: eve@example.com"},
    ],
)
def test_a_header_of_two_lines_is_not_sent(smtp, changed):
    inbox = smtp()
    with pytest.raises(ValueError, match=r"newline|Invalid address"):
        get_connection().send_messages([a_message(**changed)])
    assert inbox.messages == []


def test_an_smtp_server_that_does_not_answer_is_given_up(smtp, booked, ana, settings):
    settings.EMAIL_TIMEOUT = 0.2
    smtp().slow = True
    booked(ana)
    assert send() == 0
    row = only_row()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "timed out" in row.last_error


def test_mail_waits_for_a_server_that_is_away(smtp, booked, ana):
    booked(ana)
    assert send() == 0
    assert "Connection refused" in only_row().last_error
    inbox = smtp()
    due()
    assert send() == 1
    assert len(inbox.messages) == 1


# the console, and which backend a name stands for


def test_the_console_prints(settings, booked, ana, capsys):
    settings.EMAIL_BACKEND = find_email_backend("console")
    booked(ana)
    assert send() == 1
    assert "Subject: Reservation Confirmed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("console", "django.core.mail.backends.console.EmailBackend"),
        ("smtp", "backend.mail.SmtpBackend"),
        ("sendgrid", "anymail.backends.sendgrid.EmailBackend"),
        ("files", "backend.mail.EmlFileBackend"),
        ("mailgun", "anymail.backends.mailgun.EmailBackend"),
        ("my.own.Backend", "my.own.Backend"),
    ],
)
def test_a_name_stands_for_a_backend(name, backend):
    assert find_email_backend(name) == backend
