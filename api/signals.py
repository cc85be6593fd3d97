"""What the core announces. Sent inside the transaction; received as listed in `api/apps.py`.

`taking`: a new row is about to take its slot. What its receivers insert becomes part of the
statement that takes it, and is written only if that gets the slot. Arguments: `rows`, `actor`,
`details`.
`booked`: it has taken it. Arguments as for `taking`.
`moving`: rows are about to move along their table. What its receivers add becomes part of the
statement that moves them, and selects from those that did. Arguments: `table`, `transition`,
`actor`, `details`.
`transitioned`: they have moved. Arguments: `table`, `transition`, `rows`, `actor`, `details`. The
rows are whole, or, after a sweep, what `Table.looked_at` names of them.
`changed`: rows kept their status but were edited. Arguments: `rows`, `actor`, `details`; after a
trade `details["traded_with"]` is the person whose booking it was.
`offered`: somebody offers a trade. Arguments: `rows`, `actor`.
`furnished`: what a resource shows of itself was changed, or it was retired. Arguments: `resources`,
their ids.
`received`: a webhook was believed and kept. Arguments: `event`.
"""

from django.dispatch import Signal

taking = Signal()
booked = Signal()
moving = Signal()
transitioned = Signal()
changed = Signal()
offered = Signal()
furnished = Signal()
received = Signal()
