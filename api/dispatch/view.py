"""Chooses the contract that serves a request at the bare `/api/…`, where five frontends meet.

Credentials decide before the body does. A token is only peeked at here; the contract that serves it
verifies it. `RULES` lists every path that contracts share.
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
from api.dispatch.routes import Candidate, find_candidates, suggest_addresses
from api.queries.bookings.bookings import get_contract_of
from api.rest import renderers
from api.rest.authorization import read_credentials
from api.rest.exceptions import build_problem
from api.services.accounts import tokens


@dataclass(frozen=True)
class Rule:
    """How the contracts that share a path are told apart where the credentials do not say.

    `keys`: body key -> contract, the first match wins; `query`: parameter -> contract; `by_row`: by
    the venue of the booking; `bearer`: for a token without a contract; `otherwise`: the default.
    Without a last slash it is the contract that writes it so, unless a key or token says other.
    """

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


RULE_BY_PATH = {path: rule for rule in RULES for path in rule.paths}
NO_RULE = Rule((), "")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
DEVICE_TOKEN_LENGTH = 40  # characters at least


def get_explicit_contract(request: HttpRequest) -> str:
    """Return the contract of the X-Contract header or the host, or an empty string."""
    name = request.META.get("HTTP_X_CONTRACT", "").lower()
    if name not in CONTRACTS and settings.CONTRACT_HOSTS:
        name = settings.CONTRACT_HOSTS.get(request.get_host().partition(":")[0], "")
    return name if name in CONTRACTS else ""


def get_credentials_contract(request: HttpRequest) -> str:
    """Return the contract that issued the credentials, or an empty string."""
    scheme, value = read_credentials(request.META.get("HTTP_AUTHORIZATION", ""))
    if scheme == "token":
        return "resources"
    if "HTTP_X_DEVICE_TOKEN" in request.META:
        return "circletime"
    if scheme != "bearer":
        return ""
    if "." not in value:  # no JWT: a device's token or nothing valid
        return "circletime" if len(value) >= DEVICE_TOKEN_LENGTH else ""
    return str(tokens.peek(value).get("contract", ""))


def _get_query_contract(request: HttpRequest, rule: Rule) -> str:
    """Return the contract that a query parameter of the rule stands for, or an empty string."""
    wanted = (rule.query or {}).items()
    return next((c for (name, value), c in wanted if request.GET.get(name) == value), "")


def find_body_contracts(request: HttpRequest, rule: Rule) -> Iterator[str]:
    """Yield the contracts of the body's keys, then of a refresh token in it or in a cookie."""
    if request.method in ("POST", "PUT", "PATCH"):
        body = read_body(request)
        yield from (contract for key, contract in (rule.keys or {}).items() if key in body)
        raw = body.get("refresh") or request.COOKIES.get(settings.REFRESH_COOKIE)
        yield str(tokens.peek(raw).get("contract", "")) if isinstance(raw, str) else ""


def read_body(request: HttpRequest) -> Mapping[str, Any]:
    """Return the JSON object or form sent, or nothing: the contract will refuse what is invalid."""
    try:
        if not request.body:
            return {}
        if request.content_type in FORMS:
            return request.POST.dict()
        body = orjson.loads(request.body)
    except (orjson.JSONDecodeError, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        return {}
    return body if isinstance(body, dict) else {}


def list_fallbacks(request: HttpRequest, rule: Rule, ids: Mapping[str, Any]) -> Iterator[str]:
    """Yield the contracts to fall back on, the likeliest first."""
    if rule.by_row:
        try:
            yield get_contract_of(next(iter(ids.values()), None))
        except DatabaseError:
            yield rule.otherwise  # and answers with its own error
    if read_credentials(request.META.get("HTTP_AUTHORIZATION", "")).scheme == "bearer":
        yield rule.bearer
    yield rule.otherwise
    yield settings.DEFAULT_CONTRACT


def choose_candidate(request: HttpRequest, found: tuple[Candidate, ...]) -> Candidate | None:
    """Return the candidate to call, or None where only other contracts know the path."""
    if name := get_explicit_contract(request):
        return _first(found, name)
    rule = RULE_BY_PATH.get(found[0].route.template, NO_RULE)
    if chosen := _first(found, _get_query_contract(request, rule)):
        return chosen
    able = _prefer_literal([c for c in found if request.method in c.route.methods])
    mine = get_credentials_contract(request)
    if chosen := _first(able, mine) or _first(_list_same_path(found, able), mine):
        return chosen
    if not able and mine in CONTRACTS:
        return None
    exact = [c for c in able or found if c.exact] or [c for c in found if c.exact]
    exact = exact or able or list(found)
    if len(able) < 2 and len(exact) == 1:
        return exact[0]
    rule = RULE_BY_PATH.get(exact[0].route.template, NO_RULE)
    for name in find_body_contracts(request, rule):
        if chosen := _first(able, name):
            return chosen
    if len(exact) == 1:
        return exact[0]
    names = list_fallbacks(request, rule, exact[0].match.kwargs)
    return next((c for name in names if (c := _first(exact, name))), exact[0])


def _prefer_literal(able: list[Candidate]) -> list[Candidate]:
    """Return those to whom no word is an id that is a path of its own to another."""
    shapes = {c.route.template for c in able}
    return [c for c in able if not any(_is_more_literal(each, c.route.template) for each in shapes)]


def _is_more_literal(shape: str, other: str) -> bool:
    words = zip(shape.split("/"), other.split("/"), strict=True)
    return shape != other and all(word in (mine, "{}") for mine, word in words)


def _list_same_path(found: tuple[Candidate, ...], able: list[Candidate]) -> list[Candidate]:
    """Return those with the same path, which will answer 405 where they lack the method."""
    return [
        c for c in found if not able or c.route.template in {other.route.template for other in able}
    ]


def _first(found: tuple[Candidate, ...] | list[Candidate], name: str) -> Candidate | None:
    return next((c for c in found if c.contract == name), None)


@csrf_exempt
def dispatch(request: HttpRequest, path: str) -> HttpResponseBase:
    """Call the contract's view; the response names the contract in `X-Contract`."""
    found = find_candidates(path)
    chosen = choose_candidate(request, found) if found else None
    if chosen is None:
        contract = get_explicit_contract(request) or get_credentials_contract(request)
        return respond_not_found(request, path, "" if path.startswith("v1/") else contract)
    response = call_candidate(request, chosen)
    patch_vary_headers(response, ("X-Contract", "Authorization"))
    return response


def call_candidate(request: HttpRequest, chosen: Candidate) -> HttpResponseBase:
    request.resolver_match = match = chosen.match
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    response["X-Contract"] = chosen.contract
    return response


@csrf_exempt
def dispatch_prefixed(request: HttpRequest, contract: str, path: str) -> HttpResponseBase:
    """Answer a path below a contract's prefix that matches only with or without its last slash."""
    if chosen := _first(find_candidates(path), contract):
        return call_candidate(request, chosen)
    return respond_not_found(request, path, contract, "/{contract}/api/{path}")


def respond_not_found(
    request: HttpRequest, path: str, contract: str, address: str = "/api/{path}"
) -> HttpResponseBase:
    """Answer 404 in the contract's format, naming the contracts that would know the path."""
    known = suggest_addresses(path, address)
    nowhere = contract in CONTRACTS and getattr(import_urls(contract), "nowhere", None)
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


def import_urls(contract: str) -> Any:
    return import_module(CONTRACTS[contract].urls)
