"""Real processes for every test here."""

from tests.clock.fixtures import *  # noqa: F403 - all of them
