"""Prints what `/metrics` exports as Markdown."""

from typing import Any

from django.core.management.base import BaseCommand

from backend.metrics_endpoint import list_metrics


def build_page() -> str:
    """The whole of docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "What `/metrics` exports, printed from the code by `manage.py metrics`; a test keeps the",
        "two equal. What to make of it is in [operations](operations.md).",
        "",
        "| name | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for name, kind, labels, text in list_metrics():
        names = ", ".join(f"`{label}`" for label in labels)
        lines.append(f"| `{name}` | {kind} | {names} | {text} |")
    return "\n".join(lines) + "\n"


class Command(BaseCommand):
    help = "Prints docs/metrics.md: every figure that /metrics exports."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(build_page(), ending="")
