"""Who knows a path: the routes of the five contracts and of our own API, found by their words.

The rule: Django's patterns decide what matches; here they are found quickly, and what matches none
is looked for in other spellings.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.urls import ResolverMatch, URLPattern

from api.contracts import CONTRACTS

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OWN, OWN_URLS = "v1", "api.v1.urls"  # our own API: named, never dispatched


@dataclass(frozen=True)
class Route:
    """`shape` has `{}` for what varies and no slash at its end: `users/<int:pk>/` is `users/{}`."""

    contract: str
    pattern: URLPattern
    shape: str
    methods: frozenset[str]

    @property
    def address(self) -> str:
        """The path below `/api/`, with or without a last slash as it is written."""
        return f"{self.shape}/" if str(self.pattern.pattern).endswith(("/", "/?$")) else self.shape


@dataclass(frozen=True)
class Candidate:
    """A route that answers a path; `exact` unless only the last slash is different."""

    route: Route
    match: ResolverMatch
    exact: bool

    @property
    def contract(self) -> str:
        return self.route.contract


@functools.cache
def routes(contract: str) -> tuple[Route, ...]:
    """Every route of a contract, in its order."""
    urls = OWN_URLS if contract == OWN else CONTRACTS[contract].urls
    found: list[URLPattern] = import_module(urls).urlpatterns
    return tuple(Route(contract, one, shape_of(one), methods_of(one.callback)) for one in found)


def shape_of(pattern: URLPattern) -> str:
    text = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)|<[^>]+>", "{}", str(pattern.pattern))
    return re.sub(r"\\Z|[\^$\\?]", "", text).rstrip("/")


def methods_of(view: Any) -> frozenset[str]:
    if (actions := getattr(view, "actions", None)) is not None:
        found = {name.upper() for name in actions}
    else:
        cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
        found = {name for name in METHODS if cls is None or hasattr(cls, name.lower())}
    return frozenset(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set()))


# what matches


@functools.cache
def _by_first_word() -> Mapping[str, tuple[Route, ...]]:
    found: dict[str, list[Route]] = {}
    for name in CONTRACTS:
        for route in routes(name):
            found.setdefault(route.shape.partition("/")[0], []).append(route)
    return {word: tuple(several) for word, several in found.items()}


@functools.lru_cache(maxsize=2048)
def candidates(path: str) -> tuple[Candidate, ...]:
    """One of each contract that knows the path below `/api/`, and after them those that know it
    with, or without, its last slash: a redirect would break POST and DELETE."""
    exact = dict(_matches(path, True))
    other = path[:-1] if path.endswith("/") else f"{path}/"
    meant = () if path.endswith("//") else _matches(other, False)
    near = {name: c for name, c in meant if name not in exact}
    return (*exact.values(), *near.values())


def _matches(path: str, exact: bool) -> Iterator[tuple[str, Candidate]]:
    seen = set()
    for route in _by_first_word().get(path.partition("/")[0], ()):
        if route.contract not in seen and (match := route.pattern.resolve(path)):
            seen.add(route.contract)
            match.route = f"{route.contract}/api/{match.route}"  # as at the prefix
            yield route.contract, Candidate(route, match, exact)


# what does not


BEFORE = re.compile(rf"(?:(?:api|v\d+|{'|'.join(CONTRACTS)})/+)*", re.IGNORECASE)


def known_by(path: str, address: str = "/api/{path}") -> dict[str, str]:
    """Who would know what this path seems to mean, and at which address: another slash, another
    spelling, without what stands before it, or the end of a longer path.

    `address` has `{path}` for a path of the contract `{contract}`."""
    words = [word for word in BEFORE.sub("", path, count=1).split("/") if word]
    if not words:
        return {}
    ids = [word for word in words if _varies(word)]
    whole, ends = _by_meaning()
    meant = _meaning(words)
    found = {route.contract: route for route in reversed(whole.get(meant, ()))}
    if path.startswith(f"{OWN}/") and OWN in found:
        found = {OWN: found[OWN]}
    elif not found.keys() - {OWN}:
        found |= {route.contract: route for route in reversed(ends.get(meant, ()))}
    return {
        name: _filled(route.address, ids, "/api/v1/{path}" if name == OWN else address, name)
        for name, route in sorted(found.items())
    }


def _varies(word: str) -> bool:
    return any(letter.isdigit() for letter in word) or word == "{}"


def _meaning(words: list[str]) -> str:
    """Alike for `Bookings//7/check-in` and `bookings/{}/checkin/`."""
    plain = ("{}" if _varies(word) else re.sub(r"[^a-z]", "", word.lower()) for word in words)
    return "".join(plain)


@functools.cache
def _by_meaning() -> tuple[dict[str, list[Route]], dict[str, list[Route]]]:
    """Routes by what their whole path means, and by what a later part of it means."""
    whole: dict[str, list[Route]] = {}
    ends: dict[str, list[Route]] = {}
    for name in (*CONTRACTS, OWN):
        for route in routes(name):
            words = route.shape.split("/")
            whole.setdefault(_meaning(words), []).append(route)
            for first in range(1, len(words)):
                if words[first] != "{}" and name != OWN:
                    ends.setdefault(_meaning(words[first:]), []).append(route)
    return whole, ends


def _filled(path: str, ids: list[str], address: str, contract: str) -> str:
    """The address with the ids that were asked for, where there are as many as it has places."""
    values = ids if path.count("{}") == len(ids) else ["{id}"] * path.count("{}")
    return address.format(contract=contract, path=path.format(*values))
