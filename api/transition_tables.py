"""What a table of transitions is: a status changes only along a row of one, and each row says who
makes it and when the clock does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from django.db.models import TextChoices


class ActorRole(TextChoices):
    """In which role somebody pushes a row."""

    OWNER = "owner", "Owner"
    GUEST = "guest", "Guest"
    STAFF = "staff", "Staff"
    MEMBER = "member", "Anyone signed in"
    PANEL = "panel", "Door panel"
    COUNTERPART = "counterpart", "The person asked"
    PAYMENT = "payment", "Payment provider"
    CLOCK = "clock", "Clock"


NOW: Final = "statement_timestamp()"  # a column stamped with the database's clock
# a guest's hold that was to be confirmed may have no price
FAILED_IF_PRICED: Final = "CASE WHEN t.price_minor > 0 THEN 'failed' ELSE t.payment_status END"
SQL_STAMPS: Final = (NOW, FAILED_IF_PRICED)


@dataclass(frozen=True)
class Transition:
    """One row of a table. `deadline` names the column whose passing lets the clock make it;
    `unless` names a column that must be empty for the clock to do so. `stamps`: what else is
    written, a word as it is unless it is one of `SQL_STAMPS`."""

    name: str
    sources: tuple[str, ...]
    target: str
    by: frozenset[ActorRole]
    deadline: str = ""
    unless: str = ""
    stamps: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    why: str = ""


@dataclass(frozen=True)
class Table:
    """A table of transitions over one model, and the statuses that block or are open.

    `swept_columns`: what receivers read of rows that a sweep moved; empty means whole rows."""

    model: str
    statuses: type[TextChoices]
    initial: tuple[str, ...]
    blocking: tuple[str, ...]
    transitions: tuple[Transition, ...]
    swept_columns: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Transition]:
        return iter(self.transitions)

    def __getattr__(self, name: str) -> Transition:
        transition: Transition
        for transition in object.__getattribute__(self, "transitions"):
            if transition.name == name:
                return transition
        raise AttributeError(name)

    def get_transition(self, name: str, target: str) -> Transition:
        """Of the transitions with that name the one that leads there."""
        return next(t for t in self.transitions if (t.name, t.target) == (name, target))

    @property
    def time_driven(self) -> tuple[Transition, ...]:
        """The transitions that the clock makes, in the order in which it tries them."""
        return tuple(t for t in self.transitions if t.deadline)
