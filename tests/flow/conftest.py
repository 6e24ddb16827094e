"""The test commands are routed in every test of the loop, and nowhere else; its files lie in memory where they can."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flow.rig import scratch
from tests.flow.toys import ROUTES

from tongdan.flow.routes import COMMANDS


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for command, route in ROUTES.items():
        monkeypatch.setitem(COMMANDS, command, route)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """These tests commit thousands of times, and no power fails here. Those that kill processes keep the disk."""
    if request.path.parent != Path(__file__).parent:
        yield tmp_path
    else:
        with scratch() as folder:
            yield Path(folder)
