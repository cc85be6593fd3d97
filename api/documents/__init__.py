"""The OpenAPI document of a frontend contract, made from what its views say of themselves.

What they read they say by `takes` and `asks`, what they reply by the type that they return, how
they refuse by the `refusals` of their door.
"""

from .says import Refusals, Told, asks, takes
from .schema import Schema

__all__ = ["Refusals", "Schema", "Told", "asks", "takes"]
