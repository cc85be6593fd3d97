"""The five frontend contracts: each its venue, its routes, and how its clients are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Contract:
    """`name` is also the slug of its venue and its URL prefix: `/<name>/api/…`."""

    name: str
    what: str

    @property
    def urls(self) -> str:
        return f"api.contracts.{self.name}.urls"


CONTRACTS: Final[Mapping[str, Contract]] = {
    contract.name: contract
    for contract in (
        Contract("primetime", "one calendar, approval in primetime, trades"),
        Contract("barbershop", "chairs, answered by staff, completed by the clock"),
        Contract("circletime", "meeting rooms, check-in, door panels, analytics"),
        Contract("resources", "things to borrow, tokens by djoser, a 30-minute rule"),
        Contract("paidrooms", "priced slots, held until they are paid"),
    )
}
