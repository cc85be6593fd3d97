"""What the core announces. Every signal is sent inside the transaction of its cause, and received
as listed in `api/apps.py`.

| signal | sent when | arguments |
|---|---|---|
| `booking_inserting` | a booking is about to be inserted; a receiver returns the insert that \
joins the statement and is written only if the slot was free, or None | `rows`, `actor`, `details` |
| `booking_created` | the booking has its slot | `rows`, `actor`, `details` |
| `transition_writing` | rows are about to change status; a receiver returns the insert that joins \
the statement and selects from the rows that moved, or None | `table`, `transition`, `actor`, \
`details` |
| `transitioned` | rows changed status; after a sweep they hold only `Table.swept_columns` | \
`table`, `transition`, `rows`, `actor`, `details` |
| `booking_changed` | bookings were edited and kept their status; after a trade \
`details["traded_with"]` is the id of the former owner; of several what has changed of each is in \
`changes`, by id | `rows`, `actor`, `details`, `changes` or none |
| `slots_freed` | time was freed that somebody may wait for; with a venue because its rules were \
changed | `venue_id` or none |
| `trade_offered` | a trade was offered | `rows`, `actor` |
| `reviews_opened` | rules were changed under bookings ahead | `bookings` (ids) |
| `resource_changed` | what a resource shows was edited, or it was retired | `resources` (ids) |
| `stripe_event_received` | a webhook with a valid signature was stored | `event` |
"""

from django.dispatch import Signal

booking_inserting = Signal()
booking_created = Signal()
transition_writing = Signal()
transitioned = Signal()
booking_changed = Signal()
slots_freed = Signal()
trade_offered = Signal()
reviews_opened = Signal()
resource_changed = Signal()
stripe_event_received = Signal()
