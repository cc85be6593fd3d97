"""The kinds of values that variables of the environment have, beyond plain text and numbers."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field


def variable(default: Any, meaning: str, *names: str, **limits: Any) -> Any:
    """A field of the environment. `names` are its own name and others that stand for it; the first
    one that is set counts. A default of `...` must be set."""
    alias = AliasChoices(*names) if names else None
    return Field(default, description=meaning, validation_alias=alias, **limits)


def split_list(text: Any) -> Any:
    return [item.strip() for item in text.split(",") if item.strip()]


def split_pairs(text: Any) -> Any:
    return dict(item.partition("=")[::2] for item in split_list(text))


def check_rate(rate: str) -> str:
    if rate != "off" and not re.fullmatch(r"\d+/[smhd][a-z]*", rate):
        raise ValueError("is a rate such as 60/min, or off.")
    return rate


def check_same_site(name: str) -> str:
    if name.capitalize() not in ("Lax", "Strict", "None"):
        raise ValueError("is Lax, Strict or None.")
    return name.capitalize()


FROM_FILE = "may come as a file"
Secret = Annotated[str, FROM_FILE]
List = Annotated[list[str], BeforeValidator(split_list)]
Pairs = Annotated[dict[str, str], BeforeValidator(split_pairs)]
Rate = Annotated[str, AfterValidator(check_rate)]
SameSite = Annotated[str, AfterValidator(check_same_site)]
Level = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(str.upper)
]
