"""A data directory with a little in it: an own shop's order with its receiver, a platform's announced order whose
detail call is a dead letter, and the tickets that follow. Made once, copied for every test that asks for it.
"""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tongdan.adapters.clock import SystemEntropy
from tongdan.adapters.policy_files import load_conf
from tongdan.cli.main import app
from tongdan.domain.kernel.messages import Command, Person, RecordEffectFailure
from tongdan.domain.orders.commands import NoteChannelEvent, PlaceOrder
from tongdan.domain.orders.lines import Line
from tongdan.labs.world.provision import provision
from tongdan.ports import Accepted, HttpRequest, HttpResponse, Inbound, Reply, Unreachable
from tongdan.profile import Centre, embedded

CONF = Path(__file__).parents[2] / "conf"
PLACED = datetime(2026, 1, 27, 7, tzinfo=UTC)
PERSON = Person(name="张三丰", phone="13812341234", province="浙江省", city="杭州市", detail="西湖路 1 号")
RAW = b'{"order_no":"M-1","receiver":{"name":"\xe5\xbc\xa0\xe4\xb8\x89\xe4\xb8\xb0","phone":"13812341234"}}'


class Nowhere:
    """A network on which nobody is."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise Unreachable("nobody is here")


async def _tell(centre: Centre, command: Command, shop: str, raw: bytes = b"") -> Accepted:
    reply = await centre.bus.ask(
        Inbound(
            command=command,
            key=("test", shop, type(command).__name__),
            source="channel/test",
            shop=shop,
            happened_at=PLACED,
            raw=raw,
        )
    )
    assert isinstance(reply, Accepted)
    return reply


async def _make(data: Path) -> None:
    read = load_conf(CONF)
    provision(data, read.policy, read.partners, SystemEntropy())
    centre = embedded(data, CONF, transport=Nowhere())
    line = Line(no=1, sku="SHIRT", units=2, amount_fen=19_800, title="Shirt")
    order = PlaceOrder(
        channel="MP",
        shop="mp-main",
        native="M-1",
        buyer="u-1",
        lines=(line,),
        amount_fen=19_800,
        placed_at=PLACED,
        region="浙江",
        person=PERSON,
    )
    await _tell(centre, order, "mp-main", RAW)
    news = NoteChannelEvent(
        channel="DY",
        shop="dy-main",
        native="69001",
        event="created",
        native_status="1",
        said_at=PLACED,
    )
    announced = await _tell(centre, news, "dy-main")
    await centre.relay.start()
    await centre.quiet()
    await _bury(centre, announced.aggregate)
    await centre.quiet()
    await centre.stop()


async def _bury(centre: Centre, order: str) -> None:
    """The order's first outstanding effect becomes a dead letter."""
    rows = [row for shard in centre.bus.shards for row, _ in shard.reader.outstanding() if row.agg == order]
    buried: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    error = "the platform says: no such order"
    failure = RecordEffectFailure(effect=rows[0].id, verb=rows[0].verb, partner=rows[0].partner, error=error)
    centre.bus.tend(failure, "system", lambda _, reply: buried.set_result(reply))
    assert isinstance(await buried, Accepted)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("cli") / "data"
    asyncio.run(_make(data))
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


def tongdan(*words: object) -> Result:
    """The command line in this process; stdout and stderr apart."""
    return CliRunner().invoke(app, [str(word) for word in words])
