"""The variables of the environment, read and checked in one place.

They are declared in `variables.py`. One that is set and empty counts as unset. A secret may come
as a file: `SECRET_KEY_FILE=/run/secrets/key` stands for `SECRET_KEY`.
"""

import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from .compose import Compose
from .kinds import FROM_FILE
from .variables import Environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent
GROUPS: list[type[BaseModel]] = [*Environment.__bases__, Compose]


def list_names(name: str, field: FieldInfo) -> list[str]:
    """The name of a variable and its other names; the first one that is set counts."""
    alias = field.validation_alias
    return [str(each) for each in alias.choices] if isinstance(alias, AliasChoices) else [name]


def normalize_environment(environment: MutableMapping[str, str]) -> None:
    """Drop the variables that are empty, and read the secrets that come as files, without the
    newline at their end. A value given outright wins; a file that is named must be there."""
    for name, field in _variables():
        if environment.get(name) == "":
            del environment[name]
        path = environment.get(f"{name}_FILE") if FROM_FILE in field.metadata else None
        if path and name not in environment:
            environment[name] = Path(path).read_text().rstrip("\r\n")


def read_environment() -> Environment:
    """Read the environment, then `.env`, and where neither names a database, the addresses of the
    embedded servers. Raises `ImproperlyConfigured` with a line for each variable that is wrong."""
    environ.Env.read_env(BASE_DIR / ".env")
    normalize_environment(os.environ)
    if not any(name in os.environ for name in ("DATABASE_URL", "DB_NAME", "DATABASE_NAME")):
        environ.Env.read_env(BASE_DIR / os.environ.get("DATA_DIR", ".data") / "run.env")
    try:
        return Environment.model_validate(dict(os.environ))
    except ValidationError as error:
        lines = [_describe(each) for each in error.errors()]
    raise ImproperlyConfigured("\n".join(lines))


def _variables() -> Iterator[tuple[str, FieldInfo]]:
    for group in GROUPS:
        for first, field in group.model_fields.items():
            for name in list_names(first, field):
                yield name, field


def _describe(error: Any) -> str:
    """One line that names the variable and not its value, which may be a secret."""
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return f"Set {name}: {Environment.model_fields[name].description}"
    if error["type"] == "value_error":
        return f"{name} {error['ctx']['error']}"
    return str(error["msg"]).replace("Input", name, 1)
