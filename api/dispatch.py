"""Which contract answers at the bare `/api/…`, where five frontends meet.

The rule: credentials decide before shapes do, and looking at a token here decides only the way;
the contract's own authentication still verifies it. `RULES` is the whole table of collisions.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RegexPattern
from django.views.decorators.csrf import csrf_exempt

from api import errors
from api.contracts import CONTRACTS
from api.http import problem, read_away
from api.queries.bookings import contract_of
from api.services import tokens


@dataclass(frozen=True)
class Rule:
    """How the contracts that share a path are told apart when nothing in the credentials does.
    `keys`: body key -> contract, first match wins; `query`: parameter -> contract; `by_row`: the
    venue of the booking; `otherwise`: who answers in the end."""

    paths: tuple[str, ...]
    otherwise: str
    keys: Mapping[str, str] | None = None
    query: Mapping[tuple[str, str], str] | None = None
    by_row: bool = False
    why: str = ""


RULES: tuple[Rule, ...] = (
    Rule(
        ("reservations",),
        "primetime",
        keys={"date": "primetime", "start_time": "barbershop", "end_time": "barbershop"},
        why="a reservation by date and wall times, or by two instants",
    ),
    Rule(("reservations/{}",), "primetime", by_row=True, why="the kind of the row"),
    Rule(
        ("users",),
        "primetime",
        query={("view", "list"): "barbershop"},
        why="the aggregate, unless the list is asked for",
    ),
    Rule(("users/{}",), "barbershop", why="its rules: oneself, or an admin"),
    Rule(
        ("auth/login",),
        "barbershop",
        keys={"username": "barbershop", "email": "circletime"},
        why="by username, or by e-mail address; without the last slash it is circletime's",
    ),
    Rule(
        ("auth/refresh",),
        "barbershop",
        why="the claim of the token in the body; without the last slash it is circletime's",
    ),
    Rule(
        ("auth/me",),
        "barbershop",
        why="the claim of the token; without the last slash it is circletime's",
    ),
    Rule(("rooms",), "paidrooms", why="anonymous visitors look at paid rooms"),
    Rule(
        ("bookings",),
        "resources",
        keys={"roomId": "circletime", "room_id": "paidrooms", "resource": "resources"},
        why="how the body names the place",
    ),
    Rule(("bookings/{}",), "resources", by_row=True, why="the kind of the row"),
)


# who knows a path


@dataclass(frozen=True)
class Candidate:
    contract: str
    match: ResolverMatch

    def allows(self, method: str) -> bool:
        """Whether its view answers this method."""
        view = self.match.func
        if (actions := getattr(view, "actions", None)) is not None:
            return method.lower() in actions or (method == "HEAD" and "get" in actions)
        cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
        return cls is None or hasattr(cls, "get" if method == "HEAD" else method.lower())


@functools.cache
def resolver(contract: str) -> URLResolver:
    return URLResolver(RegexPattern(r"^"), CONTRACTS[contract].urls)


@functools.cache
def by_first_word() -> dict[str, tuple[str, ...]]:
    """First word of a path -> contracts that have paths below it: spares most look-ups."""
    found: dict[str, list[str]] = {}
    for name in CONTRACTS:
        for route, _ in routes(name):
            names = found.setdefault(route.partition("/")[0], [])
            if name not in names:
                names.append(name)
    return {word: tuple(names) for word, names in found.items()}


def routes(contract: str) -> Iterator[tuple[str, URLPattern]]:
    """Every route of a contract, converters as `{}` and without a slash at the end."""

    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in patterns:
            here = before + plain(str(pattern.pattern))
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, here)
            else:
                yield here.rstrip("/"), pattern

    yield from walk(resolver(contract).url_patterns, "")


def plain(route: str) -> str:
    """A route or pattern with `{}` for what varies: `users/<int:pk>/` is `users/{}/`."""
    route = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "{}", route)
    route = re.sub(r"<[^>]+>", "{}", route)
    return re.sub(r"\\Z|[\^$\\?]", "", route)


def candidates(path: str) -> list[Candidate]:
    found = []
    for name in by_first_word().get(path.partition("/")[0], ()):
        try:
            found.append(Candidate(name, resolver(name).resolve(path)))
        except Resolver404:
            continue
    return found


# choosing

DEVICE_TOKEN = 40  # characters at least


def named(request: HttpRequest) -> str:
    """What the client says itself: a header, or a host of the settings."""
    host = request.get_host().partition(":")[0] if settings.CONTRACT_HOSTS else ""
    return request.headers.get("X-Contract", "").lower() or settings.CONTRACT_HOSTS.get(host, "")


def credited(request: HttpRequest) -> str:
    """The contract whose credentials the request carries."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "token":
        return "resources"
    if request.headers.get("X-Device-Token"):
        return "circletime"
    if scheme.lower() == "bearer":
        if "." not in value:  # no JWT: a device's token, or nonsense
            return "circletime" if len(value) >= DEVICE_TOKEN else ""
        return str(tokens.peek(value).get("contract", ""))
    return ""


def refreshed(request: HttpRequest, body: Mapping[str, Any]) -> str:
    """The contract of the refresh token in the body or, failing that, in the cookie."""
    raw = body.get("refresh") or request.COOKIES.get(settings.REFRESH_COOKIE)
    return str(tokens.peek(raw).get("contract", "")) if isinstance(raw, str) else ""


def body_of(request: HttpRequest) -> Mapping[str, Any]:
    """The JSON object sent, or nothing: whatever is wrong with it the contract will say."""
    try:
        body = orjson.loads(request.body or b"{}")
    except (orjson.JSONDecodeError, RequestDataTooBig, UnreadablePostError):
        return {}
    return body if isinstance(body, dict) else {}


def rule_for(match: ResolverMatch) -> Rule | None:
    route = plain(match.route).rstrip("/")
    return next((rule for rule in RULES if route in rule.paths), None)


def by_rule(request: HttpRequest, rule: Rule, match: ResolverMatch) -> Iterator[str]:
    """Whom the table names, the likeliest first."""
    for (name, value), contract in (rule.query or {}).items():
        if request.GET.get(name) == value:
            yield contract
    if request.method in ("POST", "PUT", "PATCH"):
        body = body_of(request)
        for key, contract in (rule.keys or {}).items():
            if key in body:
                yield contract
        yield refreshed(request, body)
    if rule.by_row:
        yield contract_of(next(iter(match.kwargs.values()), None))
    yield rule.otherwise


def choose(request: HttpRequest, found: list[Candidate]) -> Candidate:
    """The candidate that answers."""
    able = [c for c in found if c.allows(request.method or "GET")] or found
    by_name = {c.contract: c for c in able}
    for ask in (named, credited):
        if (name := ask(request)) in by_name:
            return by_name[name]
    if len(able) == 1:
        return able[0]
    if rule := rule_for(able[0].match):
        for name in by_rule(request, rule, able[0].match):
            if name in by_name:
                return by_name[name]
    return by_name.get(settings.DEFAULT_CONTRACT, able[0])


def foreign(request: HttpRequest, found: list[Candidate]) -> bool:
    """Whether only other contracts know the path, and none of them with this method."""
    mine = named(request) or credited(request)
    able = any(c.allows(request.method or "GET") for c in found)
    return mine in CONTRACTS and not able and mine not in {c.contract for c in found}


# answering


@csrf_exempt
def dispatch(request: HttpRequest, path: str) -> HttpResponseBase:
    """Hands the request to its contract; the answer says which in `X-Contract`."""
    found = [] if path.startswith("v1/") else candidates(path)
    if not found or foreign(request, found):
        read_away(request)
        return unknown(path)
    chosen = choose(request, found)
    request.resolver_match = match = chosen.match
    try:
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except Http404:
        response = unknown(path)
    response["X-Contract"] = chosen.contract
    return response


def unknown(path: str) -> JsonResponse:
    """404 that names who would know the path with, or without, its last slash."""
    other = path[:-1] if path.endswith("/") else f"{path}/"
    known_by = [] if path.startswith("v1/") else [c.contract for c in candidates(other)]
    body = problem(errors.NotFound("There is nothing at this address."))
    body["known_by"] = dict.fromkeys(known_by, f"/api/{other}")
    return JsonResponse(body, status=404, content_type="application/problem+json")
