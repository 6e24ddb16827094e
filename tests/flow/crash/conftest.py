"""The seed of the crash tests, drawn anew each time or given as TONGDAN_SEED, and what they have to say at the end."""

import os
import random
from collections.abc import Callable
from typing import Final

import pytest

_SAID: Final = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Add a line to the summary of the run."""
    return pytestconfig.stash.setdefault(_SAID, []).append


@pytest.fixture(scope="session")
def seed(say: Callable[[str], None]) -> int:
    seed = int(os.environ.get("TONGDAN_SEED") or random.randrange(10**6))
    say(f"seed {seed} (TONGDAN_SEED={seed} draws the same kills again)")
    return seed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if said := config.stash.get(_SAID, []):
        terminalreporter.section("crash tests")
        for line in said:
            terminalreporter.line(line)
