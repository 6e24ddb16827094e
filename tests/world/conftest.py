"""`stage` runs a test body on virtual time beside a world whose centre is only its doors (see `stage.py`)."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.world.stage import CONF, START, Stage, Staged

from tongdan.adapters.clock import SeededEntropy, run_virtual
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.labs.world.provision import provision
from tongdan.ports import Clock


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Conf, Path]:
    """The configuration of the repository and credentials for it; keys take a second to make, so once."""
    conf, data = load_conf(CONF), tmp_path_factory.mktemp("data")
    provision(data, conf.policy, conf.partners, SeededEntropy("credentials"))
    return conf, data


@pytest.fixture
def stage(provisioned: tuple[Conf, Path]) -> Staged:
    conf, data = provisioned

    def run(
        body: Callable[[Stage], Awaitable[None]], *, orders: int = 0, faults: float = 0.0, seed: int = 1
    ) -> None:
        async def main(clock: Clock) -> None:
            staged = Stage(clock, conf, data, seed, orders, faults)
            try:
                await body(staged)
            finally:
                await staged.world.close()

        run_virtual(main, START)

    return run
