import pytest

from api.services.operations import invariants
from api.services.payments import payments

from .steps import succeeded


@pytest.fixture(autouse=True)
def _money_adds_up(line, worker):
    yield
    assert invariants.list_problems(allowed_lag=None) == []


@pytest.fixture
def paid(hold, ana, customer):
    def make(hours=0):
        booking = hold(ana, hours)
        payment = payments.start_payment(booking.pk)
        customer.pay(payment.intent_id)
        succeeded(customer, payment.intent_id)
        booking.refresh_from_db()
        return booking, payment

    return make
