"""What every simulated party is given: seed, time, the way to the centre, faults, what is under way."""

from typing import NamedTuple

from tongdan.domain.kernel import ids
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import Faults
from tongdan.ports import Clock, Transport


class Names:
    """Which order a Tongdan id means to its channel, as far as any partner has heard both names."""

    def __init__(self) -> None:
        self._natives: dict[str, str] = {}

    def learn(self, code: str, native: str) -> None:
        """`code` may be an order's id or that of a shipment or payment of it."""
        if (parsed := ids.parse(code)) is not None:
            self._natives.setdefault(parsed.order, native)

    def native_of(self, code: str) -> str:
        """The channel's or client's number, "" while nobody has said it."""
        parsed = ids.parse(code)
        return "" if parsed is None else self._natives.get(parsed.order, "")


class Setting(NamedTuple):
    """`clock` runs at the world's pace; `centre_url` is the base URL of the centre's push port."""

    seed: int
    clock: Clock
    centre: Transport
    centre_url: str
    faults: Faults
    bustle: Bustle
    names: Names

    def stream(self, *name: object) -> Stream:
        return Stream(self.seed, *name)
