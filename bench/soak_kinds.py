"""What the soak books, of every kind: resources, units of them, with buffers, in sets, services by
pools; and what staff do to them meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

Ask = Callable[[str, str, dict[str, Any]], Any]
HOUR = timedelta(hours=1)
UNITS = 6


class Rooms:
    """Plain resources, by their ids."""

    def __init__(self, rooms: list[int]) -> None:
        self.rooms = rooms

    def choose(self, dice: random.Random, start: datetime) -> dict[str, Any]:
        """The body of a booking."""
        return {"resource": dice.choice(self.rooms), **_choose_times(dice, start)}

    def work(self, ask: Ask, dice: random.Random, start: datetime) -> Iterator[None]:
        """What staff do meanwhile: nothing."""
        while True:
            yield


def _choose_times(dice: random.Random, start: datetime) -> dict[str, str]:
    end = start + dice.choice((1, 2)) * HOUR
    return {"starts_at": start.isoformat(), "ends_at": end.isoformat()}


class Offers(Rooms):
    """Everything else too, at the venue that is free of charge."""

    def __init__(self, create: Callable[[str, dict[str, Any]], int], rooms: list[int]) -> None:
        super().__init__(rooms)

        def add(**fields: Any) -> int:
            return create("resources", {"venue": "soak-free", "capacity": 4, **fields})

        self.bikes = add(name="Bikes", units=UNITS)
        self.studio = add(name="Studio", buffer_before="00:15:00", buffer_after="00:30:00")
        self.parts = [add(name=f"Part {n}", units=1 + n % 2) for n in range(5)]
        barbers = [add(name=f"Barber {n}") for n in range(4)]
        pools = [
            create("pools", {"venue": "soak-free", "name": name, "resources": ids})
            for name, ids in (("Barbers", barbers), ("Chairs", [add(name="Chairs", units=3)]))
        ]
        durations = [{"duration": f"0{n}:00:00", "price_minor": 0} for n in (1, 2)]
        needs = [{"pool": pk, "quantity": 1} for pk in pools]
        self.service = create(
            "services",
            {"venue": "soak-free", "name": "Cut", "durations": durations, "needs": needs},
        )
        self.blockable = [self.bikes, self.studio, self.parts[1], barbers[0]]

    def choose(self, dice: random.Random, start: datetime) -> dict[str, Any]:
        times = _choose_times(dice, start)
        kinds: list[dict[str, Any]] = [
            super().choose(dice, start),
            {"resource": self.bikes, "quantity": dice.choice((1, 1, 2, 3)), **times},
            {"resource": self.studio, **times},
            {"resources": dice.sample(self.parts, 3), **times},
            {
                "service": self.service,
                "starts_at": times["starts_at"],
                "duration": dice.choice(("01:00:00", "02:00:00")),
            },
        ]
        return dice.choice(kinds)

    def work(self, ask: Ask, dice: random.Random, start: datetime) -> Iterator[None]:
        """What staff do: block over bookings, lift a block, take units away and give them back."""
        blocks: list[tuple[int, int]] = []
        while True:
            begins = start + dice.randrange(40) * HOUR
            if dice.random() < 0.3 and blocks:
                resource, block = blocks.pop(dice.randrange(len(blocks)))
                ask("unblock", f"resources/{resource}/blocks/{block}/", {})
            elif dice.random() < 0.5:
                units = {"units": dice.choice((2, 4, UNITS))}
                ask("units", f"resources/{self.bikes}/", units)
            else:
                resource = dice.choice(self.blockable)
                times = {
                    "starts_at": begins.isoformat(),
                    "ends_at": (begins + dice.choice((2, 5)) * HOUR).isoformat(),
                }
                made = ask("block", f"resources/{resource}/blocks/", times | {"force": True})
                if made:
                    blocks.append((resource, made["id"]))
            yield
