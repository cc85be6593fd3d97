"""Every answer of our own API is held against its OpenAPI document."""

import pytest
from django.test.client import RequestFactory

from tests.support import openapi


@pytest.fixture(autouse=True)
def _document_tells(monkeypatch):
    generic = openapi.checked(RequestFactory.generic, sent_too=False)
    monkeypatch.setattr(RequestFactory, "generic", generic)
