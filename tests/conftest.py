"""What all tests share: files in memory, and Hypothesis without a stop-watch, as the machines are noisy."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.scratch import scratch

settings.register_profile("tongdan", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("tongdan")


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if "crash" in request.path.parts:
        yield tmp_path
    else:
        with scratch() as folder:
            yield Path(folder)
