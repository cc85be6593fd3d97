"""Writes the OpenAPI documents, each in a file of its name; any warning on the way fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from api.contracts import CONTRACTS
from api.contracts.kit.schema import ContractSchemaGenerator
from api.v1.schema import SchemaGenerator


def build_documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and document of our own API and of every contract."""
    yield "v1", SchemaGenerator().get_schema(public=True)
    for name, contract in CONTRACTS.items():
        yield name, ContractSchemaGenerator(contract).get_schema(public=True)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, folder: Path, **_: Any) -> None:
        for name, document in build_documents():
            if GENERATOR_STATS:
                GENERATOR_STATS.emit_summary()
                raise CommandError(f"The document of {name} was not made without a warning.")
            validate_schema(document)
            (folder / f"{name}.yaml").write_bytes(OpenApiYamlRenderer().render(document, None, {}))
