import pytest

from .ways import Ways


@pytest.fixture
def ways(kind, soon, sam):
    return Ways(kind, soon, sam)
