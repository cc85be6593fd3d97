import pytest

from .shapes import API


@pytest.fixture
def get(client_of, ana):
    def ask(path, user=ana, status=200):
        answer = client_of(user).get(f"{API}{path}")
        assert answer.status_code == status, answer.content
        return answer.json()

    return ask
