"""Dashboard and alerts: they are about figures that Holdfast exports, by labels that these have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from api.management.commands.metrics import build_page
from backend.metrics_endpoint import list_metrics

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
BOARD = ROOT / "deploy/grafana/holdfast.json"
OF_HISTOGRAMS = ("_bucket", "_count", "_sum")
ALWAYS = {"instance", "job"}  # Prometheus adds them


def exported() -> dict[str, set[str]]:
    """Every name that a scrape holds, with its labels."""
    found: dict[str, set[str]] = {}
    for name, kind, labels, _ in list_metrics():
        if kind == "histogram":
            found |= {f"{name}{end}": {*labels, "le"} for end in OF_HISTOGRAMS}
        else:
            found[name] = set(labels)
    return found


def rules() -> list[dict]:
    return [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in json.loads(BOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for file in (ROOT / "deploy/k8s").rglob("*.yaml"):
        yield from re.findall(r"query: (.*holdfast_.*)", file.read_text())


def test_every_figure_of_dashboard_and_alerts_is_exported_with_these_labels():
    known = exported()
    used: set[str] = set()
    for expression in expressions():
        names = re.findall(r"\bholdfast_\w+", expression)
        used.update(names)
        assert set(names) <= set(known), expression
        labels = {label for name in names for label in known[name]} | ALWAYS
        grouped = re.findall(r"\bby \(([^)]*)\)", expression)
        matched = re.findall(r'(\w+)=~?"', expression)
        asked = {word.strip() for words in grouped for word in words.split(",")} | set(matched)
        assert asked <= labels, expression
    assert {"holdfast_http_request_duration_seconds_bucket", "holdfast_web_threads"} <= used


def test_no_figure_has_a_label_that_prometheus_gives_itself():
    """It would arrive as `exported_job`, and `by (job)` would take every job for one."""
    clashing = {name: labels & ALWAYS for name, labels in exported().items() if labels & ALWAYS}
    assert clashing == {}


def test_every_alert_says_how_bad_it_is_and_what_it_is_about():
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_the_dashboard_shows_the_four_golden_signals_and_its_panels_do_not_overlap():
    board = json.loads(BOARD.read_text())
    titles = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert {"Latency", "Traffic and errors", "Saturation"} <= set(titles)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_page_about_the_figures_is_printed_from_them(capsys):
    call_command("metrics")
    assert capsys.readouterr().out == build_page()
    assert (ROOT / "docs/metrics.md").read_text() == build_page()


@pytest.mark.django_db
def test_a_scrape_holds_what_the_catalogue_promises(client_of):
    """Names without labels always; those with labels as soon as there is something to tell."""
    client_of().get("/api/v1/venues/")
    text = client_of().get("/metrics", HTTP_HOST="10.0.3.7:8000").content.decode()
    described = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M))
    for name, kind, labels, _ in list_metrics():
        assert described[name] == kind
        assert labels or re.search(rf"^{name} ", text, re.M), name
