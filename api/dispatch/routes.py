"""The routes of the five contracts and of our own API, found by path or by a path that resembles.

Django's patterns decide what matches; an index by the first segment only makes that quick.
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
    """`template` has `{}` for what varies and no slash at its end: `users/{}`."""

    contract: str
    pattern: URLPattern
    template: str
    methods: frozenset[str]

    @property
    def address(self) -> str:
        """The path below `/api/`, with or without a last slash as it is written."""
        return (
            f"{self.template}/"
            if str(self.pattern.pattern).endswith(("/", "/?$"))
            else self.template
        )


@dataclass(frozen=True)
class Candidate:
    """A route that matches a path; `exact` unless only the last slash differs."""

    route: Route
    match: ResolverMatch
    exact: bool

    @property
    def contract(self) -> str:
        return self.route.contract


@functools.cache
def list_routes(contract: str) -> tuple[Route, ...]:
    """Return the routes of a contract in its order."""
    urls = OWN_URLS if contract == OWN else CONTRACTS[contract].urls
    found: list[URLPattern] = import_module(urls).urlpatterns
    return tuple(
        Route(contract, one, get_template(one), list_methods(one.callback)) for one in found
    )


def get_template(pattern: URLPattern) -> str:
    text = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)|<[^>]+>", "{}", str(pattern.pattern))
    return re.sub(r"\\Z|[\^$\\?]", "", text).rstrip("/")


def list_methods(view: Any) -> frozenset[str]:
    if (actions := getattr(view, "actions", None)) is not None:
        found = {name.upper() for name in actions}
    else:
        cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
        found = {name for name in METHODS if cls is None or hasattr(cls, name.lower())}
    return frozenset(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set()))


@functools.cache
def _index_by_first_segment() -> Mapping[str, tuple[Route, ...]]:
    found: dict[str, list[Route]] = {}
    for name in CONTRACTS:
        for route in list_routes(name):
            found.setdefault(route.template.partition("/")[0], []).append(route)
    return {segment: tuple(several) for segment, several in found.items()}


@functools.lru_cache(maxsize=2048)
def find_candidates(path: str) -> tuple[Candidate, ...]:
    """Return one route of each contract that matches the path below `/api/`, then those that match
    only with or without its last slash: a redirect would break POST and DELETE."""
    exact = dict(_find_matches(path, True))
    other = path[:-1] if path.endswith("/") else f"{path}/"
    meant = () if path.endswith("//") else _find_matches(other, False)
    near = {name: c for name, c in meant if name not in exact}
    return (*exact.values(), *near.values())


def _find_matches(path: str, exact: bool) -> Iterator[tuple[str, Candidate]]:
    seen = set()
    for route in _index_by_first_segment().get(path.partition("/")[0], ()):
        if route.contract not in seen and (match := route.pattern.resolve(path)):
            seen.add(route.contract)
            match.route = f"{route.contract}/api/{match.route}"  # as at the prefix
            yield route.contract, Candidate(route, match, exact)


BEFORE = re.compile(rf"(?:(?:api|v\d+|{'|'.join(CONTRACTS)})/+)*", re.IGNORECASE)


def suggest_addresses(path: str, address: str = "/api/{path}") -> dict[str, str]:
    """Return contract -> address for a path that matches none but resembles a route: with another
    slash or spelling, a prefix too many, or as the end of a longer path.

    `address` has `{path}` for a path of the contract `{contract}`.
    """
    segments = [segment for segment in BEFORE.sub("", path, count=1).split("/") if segment]
    if not segments:
        return {}
    ids = [segment for segment in segments if _is_variable(segment)]
    whole, ends = _index_by_meaning()
    meant = _normalize(segments)
    found = {route.contract: route for route in reversed(whole.get(meant, ()))}
    if path.startswith(f"{OWN}/") and OWN in found:
        found = {OWN: found[OWN]}
    elif not found.keys() - {OWN}:
        found |= {route.contract: route for route in reversed(ends.get(meant, ()))}
    return {
        name: _fill_address(route.address, ids, "/api/v1/{path}" if name == OWN else address, name)
        for name, route in sorted(found.items())
    }


def _is_variable(segment: str) -> bool:
    return any(letter.isdigit() for letter in segment) or segment == "{}"


def _normalize(segments: list[str]) -> str:
    """Return the same text for `Bookings//7/check-in` and `bookings/{}/checkin/`."""
    plain = (
        "{}" if _is_variable(segment) else re.sub(r"[^a-z]", "", segment.lower())
        for segment in segments
    )
    return "".join(plain)


@functools.cache
def _index_by_meaning() -> tuple[dict[str, list[Route]], dict[str, list[Route]]]:
    """Index the routes by their normalized path, and by each later part of it."""
    whole: dict[str, list[Route]] = {}
    ends: dict[str, list[Route]] = {}
    for name in (*CONTRACTS, OWN):
        for route in list_routes(name):
            segments = route.template.split("/")
            whole.setdefault(_normalize(segments), []).append(route)
            for first in range(1, len(segments)):
                if segments[first] != "{}" and name != OWN:
                    ends.setdefault(_normalize(segments[first:]), []).append(route)
    return whole, ends


def _fill_address(path: str, ids: list[str], address: str, contract: str) -> str:
    """Put the ids of the request into the address, if it takes as many."""
    values = ids if path.count("{}") == len(ids) else ["{id}"] * path.count("{}")
    return address.format(contract=contract, path=path.format(*values))
