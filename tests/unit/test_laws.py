"""Laws of the house that no linter can say."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def imports_of(path: Path) -> Iterator[str]:
    """Every module and name that a file imports, dotted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def test_model_signals_are_connected_in_the_wiring_list_and_nowhere_else():
    users = {
        str(path.relative_to(ROOT))
        for path in sources("api", "backend", "tasks")
        if any(name.startswith("django.db.models.signals") for name in imports_of(path))
    }
    assert users == {"api/apps.py"}


def test_the_wiring_list_uses_one_model_signal():
    names = [n for n in imports_of(ROOT / "api/apps.py") if "models.signals" in n]
    assert names == ["django.db.models.signals.post_save"]


def test_stripe_is_imported_in_one_module_at_most():
    users = {
        str(path.relative_to(ROOT))
        for path in sources("api", "backend", "tasks")
        if any(name == "stripe" or name.startswith("stripe.") for name in imports_of(path))
    }
    assert users <= {"api/services/payments/stripe_gateway.py"}
