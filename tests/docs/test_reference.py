"""The reference says what the code says."""

import pytest

from api.management.commands.reference import PAGES, page
from backend import variables
from backend.devserver import CHECKOUT

REFERENCE = CHECKOUT / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_printed_from_the_code(name):
    """If not: `manage.py reference` writes it."""
    assert (REFERENCE / f"{name}.md").read_text() == page(name)


def test_every_page_of_the_reference_is_one_that_is_printed():
    assert {path.stem for path in REFERENCE.glob("*.md")} == set(PAGES)


def test_every_variable_that_is_read_is_explained_once_and_no_other():
    """If not: a line in `backend/variables.py` is missing, or too many."""
    explained = [name for meanings in variables.MEANINGS.values() for name in meanings]
    read = variables.defaults() | variables.composed()
    assert sorted(explained) == sorted(read)


def test_a_variable_is_found_however_it_is_read():
    found = variables.defaults()
    assert found["EMAIL_PORT"] == "25"  # env.int
    assert found["BROKER_URL"] == found["CELERY_BROKER_URL"] == "REDIS_URL"  # first
    assert found["SECRET_KEY"] == ""  # secret
    assert found["WEB_THREADS"] == "4"  # os.environ.get(…) or
    assert found["FLOWER_PORT"] == "5555"  # a table of defaults
    assert variables.composed()["WEB_REPLICAS"] == "2"
