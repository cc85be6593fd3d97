"""When blocks by staff keep resources from being booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from api.models import Block, Resource


@dataclass(frozen=True)
class Blocked:
    """One time of a block, whole, whatever of it a booking still has."""

    block: Block
    starts_at: datetime
    ends_at: datetime

    @property
    def resource_id(self) -> int:
        return self.block.resource_id

    @property
    def reason(self) -> str:
        return self.block.reason


def list_blocked(
    resources: Sequence[Resource], starts_at: datetime, ends_at: datetime
) -> list[Blocked]:
    """Those that touch the interval, by start: one statement, none where the resources are known to
    have no block."""
    ids = [each.pk for each in resources if each.pk and getattr(each, "has_blocks", True)]
    if not ids:
        return []
    first = Q(starts_at__lt=ends_at, ends_at__gt=starts_at)
    found = Block.objects.filter(first | ~Q(repeats=[]), resource__in=ids)
    times = [
        Blocked(block, start, end)
        for block in found
        for start, end in _list_times(block)
        if start < ends_at and end > starts_at
    ]
    return sorted(times, key=lambda each: (each.starts_at, each.block.pk))


def _list_times(block: Block) -> list[tuple[datetime, datetime]]:
    again = [(span.lower, span.upper) for span in block.repeats]
    return [(block.starts_at, block.ends_at), *again]
