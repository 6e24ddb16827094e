"""`stage` runs a test body on virtual time beside a world whose centre is only its doors (see `stage.py`)."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.world.stage import CONF, START, Stage, Staged

from tongdan.adapters.clock import SeededEntropy, run_virtual
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.labs.world.provision import CREDENTIALS, WORLD_KEYS, provision
from tongdan.ports import Clock

HERE = Path(__file__).parent
QUICK = {
    "test_outbox.py",
    "test_parts.py",
    "test_partners.py",
    "test_transport.py",
    "test_troubles.py",
    "test_virtual_time.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole days take seconds each, so `make check` goes without them."""
    for item in items:
        if item.path.parent == HERE and item.path.name not in QUICK:
            item.add_marker(pytest.mark.world)


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Conf, Path]:
    """The configuration of the repository and credentials for it; keys take a second to make, so once."""
    conf, data = load_conf(CONF), tmp_path_factory.mktemp("data")
    provision(data, conf.policy, conf.partners, SeededEntropy("credentials"))
    return conf, data


@pytest.fixture
def data(provisioned: tuple[Conf, Path]) -> Iterator[Path]:
    """A data directory with credentials, in memory where that is to be had: virtual days need no disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        for name in (CREDENTIALS, WORLD_KEYS):
            shutil.copy2(provisioned[1] / name, place)
        yield Path(place)


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
