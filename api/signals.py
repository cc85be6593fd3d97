"""What the core announces. Sent inside the transaction; received as listed in `api/apps.py`.

`taking`: a new row is about to take its slot. What its receivers insert becomes part of the
statement that takes it, and is written only if that gets the slot. Arguments: `rows`, `actor`,
`details`.
`booked`: it has taken it. Arguments as for `taking`.
`transitioned`: rows moved along their table. Arguments: `table`, `transition`, `rows`, `actor`,
`details`; the rows carry their new values, `details["from"]` maps id to the status left.
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
transitioned = Signal()
changed = Signal()
offered = Signal()
furnished = Signal()
received = Signal()
