"""The test commands are routed in every test of the loop, and nowhere else."""

import pytest
from tests.flow.toys import ROUTES

from tongdan.flow.routes import COMMANDS


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for command, route in ROUTES.items():
        monkeypatch.setitem(COMMANDS, command, route)
