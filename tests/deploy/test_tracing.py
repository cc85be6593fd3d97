"""Traces: sent by OTLP over HTTP to whoever is named, and not even imported otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from backend import tracing

ROOT = Path(__file__).parents[2]
# redis looks by itself for OpenTelemetry's interface; what watches and what sends is ours
QUIET = """
import sys, backend.wsgi, backend.celery
ours = "opentelemetry.instrumentation", "opentelemetry.exporter"
print([name for name in sys.modules if name.startswith(ours)])
"""
# the processes as they are, short of their servers
WEB = """
from backend.wsgi import application
import io
def call(path, **headers):
    def begin(status, sent): print(status)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "HTTP_HOST": "localhost", "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http", **headers}
    b"".join(application(environ, begin))
call("/api/v1/venues/", HTTP_X_REQUEST_ID="edge-7")
call("/metrics", HTTP_HOST="10.0.3.7:8000")
call("/health/")
"""
LINK = "12.Zk3vAbcdefghijklmnopqr.x9QaSignature"
GUEST = (
    WEB.partition('call("/api')[0]
    + f"""
call("/guests/{LINK}/")
call("/api/v1/guests/{LINK}/")
"""
)
WORKER = """
import django; django.setup()
from celery.signals import worker_process_init, worker_process_shutdown
import backend.celery
from tasks.clock import expire_holds
worker_process_init.send(sender="worker")
expire_holds.apply()
worker_process_shutdown.send(sender="worker")
"""


@pytest.fixture
def sink():
    """An OTLP collector: what it was sent, and where it is."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield got, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(code: str, tmp_path: Path, told: str = "", **environment: str) -> str:
    """What a process of its own prints, that is told this; on the tests' database."""
    where = os.environ["DATABASE_URL"].rpartition("/")[0]
    name = connection.settings_dict["NAME"]
    env = os.environ | {
        "DATABASE_URL": f"{where}/{name}",
        "METRICS_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env,
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def spans(got) -> list[dict]:
    """The attributes of each span, with its name and its service's."""
    found = []
    for path, body in got:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            told = {a.key: a.value.string_value for a in resource.resource.attributes}
            for span in (s for scope in resource.scope_spans for s in scope.spans):
                attributes = {a.key: a.value.string_value for a in span.attributes}
                attributes |= {
                    "name": span.name,
                    "service": told["service.name"],
                    "id": span.span_id,
                    "parent": span.parent_span_id,
                    "trace": span.trace_id,
                }
                found.append(attributes)
    return found


@pytest.mark.django_db
def test_a_request_is_a_span_with_its_id_and_its_statements_are_spans_below_it(sink, tmp_path):
    got, where = sink
    said = run(WEB, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=where)
    assert said.splitlines() == ["200 OK"] * 3
    found = spans(got)
    [request] = [span for span in found if "holdfast.request_id" in span]
    assert request["name"] == "GET api/v1/venues/"
    assert (request["service"], request["holdfast.request_id"]) == ("holdfast-web", "edge-7")
    below = [span for span in found if span["parent"] == request["id"]]
    assert {span["name"] for span in below} == {"SELECT"}
    assert {span["db.system"] for span in below} == {"postgresql"}


@pytest.mark.django_db
def test_the_link_of_a_letter_is_on_no_span(sink, tmp_path):
    got, where = sink
    assert (
        run(GUEST, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=where).splitlines()
        == ["404 Not Found"] * 2
    )
    found = [span for span in spans(got) if "holdfast.request_id" in span]
    assert len(found) == 2
    assert LINK not in str(found)
    assert "/guests/[hidden]/" in str(found[0])


@pytest.mark.django_db(transaction=True)
def test_a_task_is_a_span(sink, tmp_path):
    got, where = sink
    run(WORKER, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=where, OTEL_SERVICE_NAME="clock")
    [task] = [span for span in spans(got) if span["name"] == "run/tasks.clock.expire_holds"]
    assert task["service"] == "clock"


def test_without_an_address_nothing_of_it_is_imported(tmp_path):
    assert run(QUIET, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="") == "[]\n"


def test_an_address_without_the_library_stops_the_start(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImproperlyConfigured, match="the extra `otel`"):
        tracing.start("web")
