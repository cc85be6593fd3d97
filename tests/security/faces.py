"""What the permission matrix asks: every route of every door, with a body that would do something
and with rows that are there. The rule: what is asked comes from the URL table, never from here.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from api.contracts import CONTRACTS

from .contract_faces import barbershop, circletime, paidrooms, primetime, resources
from .own_face import own
from .world import Face, World

FACES: dict[str, Callable[[World], Face]] = {
    "v1": own,
    "primetime": primetime,
    "barbershop": barbershop,
    "circletime": circletime,
    "resources": resources,
    "paidrooms": paidrooms,
}
assert set(FACES) == {"v1", *CONTRACTS}
COOKIE = settings.REFRESH_COOKIE
