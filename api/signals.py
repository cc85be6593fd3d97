"""What the core announces. Sent inside the transaction; received as listed in `api/apps.py`.

`booked`: a new row took its slot. Arguments: `rows`, `actor`.
`transitioned`: rows moved along their table. Arguments: `table`, `transition`, `rows`, `actor`,
`details`; the rows carry their new values, `details["from"]` maps id to the status left.
`received`: a webhook was believed and kept. Arguments: `event`.
`changed`: rows kept their status but were edited. Arguments: `rows`, `actor`, `details`.
"""

from django.dispatch import Signal

booked = Signal()
transitioned = Signal()
changed = Signal()
received = Signal()
