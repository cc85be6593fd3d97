"""Prints which contract serves which path at the bare /api/, and how collisions are decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from api.contracts import CONTRACTS
from api.dispatch.routes import METHODS, list_routes
from api.dispatch.view import RULES


def build_table() -> dict[str, dict[str, set[str]]]:
    """Path -> method -> contracts."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in CONTRACTS:
        for route in list_routes(name):
            for method in route.methods.intersection(METHODS):
                found[route.template][method].add(name)
    return found


def build_page() -> str:
    """The whole of docs/contracts.md."""
    return "\n".join(_iter_lines()) + "\n"


def _iter_lines() -> Iterator[str]:
    yield "# Contracts at one root"
    yield ""
    yield "Printed from `api/contracts/` and `api/dispatch/` by `manage.py contracts`; a test"
    yield "keeps the two equal. Every path below is answered at `/<contract>/api/…`, and at the"
    yield "bare `/api/…` by the contract that the request belongs to: by an `X-Contract` header or"
    yield "host, by its credentials, by being the only one with that path and method, else by the"
    yield "rule of the path. The answer names it in `X-Contract`."
    yield ""
    yield "Without its last slash a path belongs to whoever writes it so, unless a token, a scheme"
    yield "or a key of the body is another's, or nobody writes it so. What nobody knows is a 404"
    yield "whose `known_by` names the contracts that would know it, and where: with another"
    yield "spelling, or below other words."
    yield ""
    yield "Bodies are JSON, or forms (`application/x-www-form-urlencoded`, `multipart/form-data`)."
    yield ""
    yield "| contract | what |"
    yield "|---|---|"
    for contract in CONTRACTS.values():
        yield f"| [{contract.name}](contracts/{contract.name}.md) | {contract.what} |"
    yield ""
    yield "## Collisions"
    yield ""
    yield "| path | methods shared | told apart by | otherwise |"
    yield "|---|---|---|---|"
    paths = build_table()
    for rule in RULES:
        for path in rule.paths:
            shared = [m for m in METHODS if len(paths[path][m]) > 1]
            rules = ", ".join(f"`{key}`: {name}" for key, name in (rule.keys or {}).items())
            yield (
                f"| `/api/{path}` | {', '.join(shared)} |"
                f" {rule.why}{f' ({rules})' if rules else ''} | {rule.otherwise} |"
            )
    yield ""
    yield "## Every path"
    yield ""
    yield "| path | method | contracts |"
    yield "|---|---|---|"
    for path in sorted(paths):
        for method in METHODS:
            if names := paths[path][method]:
                yield f"| `/api/{path}` | {method} | {', '.join(sorted(names))} |"


class Command(BaseCommand):
    help = "Prints docs/contracts.md: which contract answers which method and path, and why."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(build_page(), ending="")
