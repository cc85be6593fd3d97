"""The error table of the contract kit: which row is taken, and what it says in the documents."""

from datetime import time

import pytest

from api import errors
from api.contracts import kit
from api.lifecycle import Status

pytestmark = pytest.mark.prefix_only

TABLE = kit.ErrorTable(
    {
        errors.Refusal: kit.detail(),
        409: kit.error(status=400),
        errors.Forbidden: kit.empty(),
        errors.NotAllowedNow: kit.at("status", "Not from {current}."),
        errors.OutsideHours: kit.error("Open from {opens_at:%H:%M}, so no {method}."),
    }
)


@pytest.mark.parametrize(
    ("refusal", "status", "body"),
    [
        (errors.HoldOver(current="expired"), 400, {"status": ["Not from expired."]}),
        (kit.NotOwner(), 403, None),
        (errors.Conflict("Twice."), 400, {"error": "Twice."}),
        (errors.TooManyAttempts(), 429, {"detail": errors.TooManyAttempts.detail}),
    ],
    ids=["a base class", "a base class with an empty body", "the status", "any refusal"],
)
def test_the_nearest_row_answers(refusal, status, body):
    answer = TABLE.response(refusal, "POST")
    assert (answer.status_code, answer.data) == (status, body)


def test_a_message_names_what_the_refusal_carries():
    answer = TABLE.response(errors.OutsideHours(opens_at=time(9)), "POST")
    assert answer.data == {"error": "Open from 09:00, so no POST."}


def test_a_sentence_names_a_status_by_the_contracts_label():
    table = kit.ErrorTable({errors.Refusal: kit.detail(kit.in_words({"no_show": "missed"}))})
    for current, sentence in (("no_show", "missed"), ("held", "held, awaiting payment")):
        ours = Status(current).label.lower()
        refusal = errors.NotAllowedNow(f"A booking that is {ours} cannot do that.", current=current)
        assert table.response(refusal, "POST").data == {
            "detail": f"A booking that is {sentence} cannot do that."
        }


def test_rows_of_one_operation_leave_the_table_as_it_is():
    own = TABLE.extended({errors.NotFound: kit.error("Gone.")})
    assert own.response(errors.NotFound(), "GET").data == {"error": "Gone."}
    assert TABLE.response(errors.NotFound(), "GET").data == {"detail": errors.NotFound.detail}
    assert own.base is TABLE


def test_documents_know_every_status_and_form_of_body():
    assert 409 not in TABLE.bodies
    assert TABLE.bodies[403][0] is None
    assert set(TABLE.bodies) >= {400, 401, 403, 404, 405, 406, 413, 415, 429, 503}
    assert kit.ErrorSerializer in TABLE.bodies[400]
    assert kit.FIELD_MESSAGES in TABLE.bodies[400]
