"""Every answer of our own API is held against its OpenAPI document."""

import pytest
from django.test.client import RequestFactory

from tests import documents


@pytest.fixture(autouse=True)
def _document_tells(monkeypatch):
    generic = documents.checked(RequestFactory.generic, sent_too=False)
    monkeypatch.setattr(RequestFactory, "generic", generic)
