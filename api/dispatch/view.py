"""Which contract answers at the bare `/api/…`, where five frontends meet.

The rule: credentials decide before shapes do, and looking at a token here decides only the way;
the contract's own authentication still verifies it. `RULES` is the whole table of collisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from api import errors
from api.contracts import CONTRACTS
from api.dispatch.routes import Candidate, candidates, known_by
from api.queries.bookings.bookings import contract_of
from api.rest import renderers
from api.rest.exceptions import build_problem
from api.rest.parsers import drain_body
from api.services.accounts import tokens


@dataclass(frozen=True)
class Rule:
    """How the contracts that share a path are told apart when nothing in the credentials does.
    `keys`: body key -> contract, first match wins; `query`: parameter -> contract; `by_row`: the
    venue of the booking; `bearer`: who reads a token of no contract; `otherwise`: who answers in
    the end. Without a last slash it is whoever writes it so, unless a key or token says other."""

    paths: tuple[str, ...]
    otherwise: str
    keys: Mapping[str, str] | None = None
    query: Mapping[tuple[str, str], str] | None = None
    by_row: bool = False
    bearer: str = ""
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
        why="by username, or by e-mail address",
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
    Rule(
        ("bookings/{}",),
        "resources",
        by_row=True,
        bearer="paidrooms",
        why="the kind of the row; of a row that is not there, whether a bearer token is brought",
    ),
)


RULE_OF = {path: rule for rule in RULES for path in rule.paths}
NO_RULE = Rule((), "")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
DEVICE_TOKEN = 40  # characters at least


# what a request says of itself


def named(request: HttpRequest) -> str:
    """What the client says itself: a header, or a host of the settings."""
    name = request.META.get("HTTP_X_CONTRACT", "").lower()
    if name not in CONTRACTS and settings.CONTRACT_HOSTS:
        name = settings.CONTRACT_HOSTS.get(request.get_host().partition(":")[0], "")
    return name if name in CONTRACTS else ""


def credited(request: HttpRequest) -> str:
    """The contract whose credentials the request carries."""
    scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    scheme = scheme.lower()
    if scheme == "token":
        return "resources"
    if "HTTP_X_DEVICE_TOKEN" in request.META:
        return "circletime"
    if scheme != "bearer":
        return ""
    if "." not in value:  # no JWT: a device's token, or nonsense
        return "circletime" if len(value) >= DEVICE_TOKEN else ""
    return str(tokens.peek(value).get("contract", ""))


def _asked(request: HttpRequest, rule: Rule) -> str:
    """Whose answer the query asks for, which no credentials are needed to say."""
    wanted = (rule.query or {}).items()
    return next((c for (name, value), c in wanted if request.GET.get(name) == value), "")


def told(request: HttpRequest, rule: Rule) -> Iterator[str]:
    """Whom the body or the refresh token in it or in the cookie names."""
    if request.method in ("POST", "PUT", "PATCH"):
        body = body_of(request)
        yield from (contract for key, contract in (rule.keys or {}).items() if key in body)
        raw = body.get("refresh") or request.COOKIES.get(settings.REFRESH_COOKIE)
        yield str(tokens.peek(raw).get("contract", "")) if isinstance(raw, str) else ""


def body_of(request: HttpRequest) -> Mapping[str, Any]:
    """The JSON object or form sent, or nothing: whatever is wrong with it the contract will say."""
    try:
        if not request.body:
            return {}
        if request.content_type in FORMS:
            return request.POST.dict()
        body = orjson.loads(request.body)
    except (orjson.JSONDecodeError, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        return {}
    return body if isinstance(body, dict) else {}


def left(request: HttpRequest, rule: Rule, ids: Mapping[str, Any]) -> Iterator[str]:
    """Who answers when nobody is named, the likeliest first."""
    if rule.by_row:
        try:
            yield contract_of(next(iter(ids.values()), None))
        except DatabaseError:
            yield rule.otherwise  # and will say so in its words
    if request.META.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer ":
        yield rule.bearer
    yield rule.otherwise
    yield settings.DEFAULT_CONTRACT


# choosing


def choose(request: HttpRequest, found: tuple[Candidate, ...]) -> Candidate | None:
    """The candidate that answers; none where only contracts know the path that are not meant."""
    if name := named(request):
        return _first(found, name)
    if asked := _first(found, _asked(request, RULE_OF.get(found[0].route.shape, NO_RULE))):
        return asked
    able = [c for c in found if request.method in c.route.methods]
    mine = credited(request)
    if chosen := _first(able, mine) or _first(_alike(found, able), mine):
        return chosen
    if not able and mine in CONTRACTS:
        return None
    exact = [c for c in able or found if c.exact] or [c for c in found if c.exact]
    exact = exact or able or list(found)
    if len(able) < 2 and len(exact) == 1:
        return exact[0]
    rule = RULE_OF.get(exact[0].route.shape, NO_RULE)
    for name in told(request, rule):
        if chosen := _first(able, name):
            return chosen
    if len(exact) == 1:
        return exact[0]
    names = left(request, rule, exact[0].match.kwargs)
    return next((c for name in names if (c := _first(exact, name))), exact[0])


def _alike(found: tuple[Candidate, ...], able: list[Candidate]) -> list[Candidate]:
    """Those that know the very path and only lack the method, which they will say themselves; a
    word that is an id to one of them, and a path of its own to another, is the other's."""
    return [c for c in found if not able or c.route.shape in {other.route.shape for other in able}]


def _first(found: tuple[Candidate, ...] | list[Candidate], name: str) -> Candidate | None:
    return next((c for c in found if c.contract == name), None)


# answering


@csrf_exempt
def dispatch(request: HttpRequest, path: str) -> HttpResponseBase:
    """Hands the request to its contract; the answer says which in `X-Contract`."""
    found = candidates(path)
    chosen = choose(request, found) if found else None
    if chosen is None:
        asked = "" if path.startswith("v1/") else named(request) or credited(request)
        return unknown(request, path, asked)
    response = answered(request, chosen)
    patch_vary_headers(response, ("X-Contract", "Authorization"))
    return response


def answered(request: HttpRequest, chosen: Candidate) -> HttpResponseBase:
    request.resolver_match = match = chosen.match
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    response["X-Contract"] = chosen.contract
    return response


@csrf_exempt
def elsewhere(request: HttpRequest, contract: str, path: str) -> HttpResponseBase:
    """What a contract's own prefix does not know as it is written: but perhaps with, or without,
    its last slash."""
    if chosen := _first(candidates(path), contract):
        return answered(request, chosen)
    return unknown(request, path, contract, "/{contract}/api/{path}")


def unknown(
    request: HttpRequest, path: str, contract: str, address: str = "/api/{path}"
) -> HttpResponseBase:
    """404 that names who would know the path, in the words of the contract that was asked."""
    drain_body(request)
    known = known_by(path, address)
    nowhere = contract in CONTRACTS and getattr(urls_of(contract), "nowhere", None)
    if nowhere:
        response: HttpResponseBase = nowhere(request, known_by=known)
    else:
        body = build_problem(errors.NotFound("There is nothing at this address.")) | {
            "known_by": known
        }
        content = renderers.JSONRenderer().render(body)
        response = HttpResponse(content, status=404, content_type="application/problem+json")
    if contract in CONTRACTS:
        response["X-Contract"] = contract
    return response


def urls_of(contract: str) -> Any:
    return import_module(CONTRACTS[contract].urls)
