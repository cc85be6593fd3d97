"""What the tests of contracts read their emails with: a fixture for their `conftest.py`."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMultiAlternatives

from api.services.messages import mailer, outbox
from api.services.operations.lease_queue import Withheld


@pytest.fixture
def mailbox(db: None) -> Callable[[], list[EmailMultiAlternatives]]:
    """Everything that the outbox would hand over now, composed and settled."""

    def read() -> list[EmailMultiAlternatives]:
        messages: list[EmailMultiAlternatives] = []

        def send(rows):
            bookings = mailer.load_bookings(rows)
            for row in rows:
                try:
                    booking = bookings.get(row.booking_id or 0) or mailer.load_removed(row)
                    messages.append(mailer.compose(row, booking))
                except Withheld as reason:
                    yield row, reason
                else:
                    yield row, None

        outbox.deliver(["email"], send)
        return messages

    return read
