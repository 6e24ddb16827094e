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
    """`clock` runs at the world's pace, `common` at everybody's; `centre_url` is the centre's push port."""

    seed: int
    clock: Clock
    common: Clock
    centre: Transport
    centre_url: str
    faults: Faults
    bustle: Bustle
    names: Names

    async def wait(self, seconds: float, *, at_least_s: float) -> None:
        """Wait at the world's pace, but no less than `at_least_s` of everybody's time.

        For what waits for the centre: it does not become faster because the world is in a hurry.
        """
        began_s = self.common.monotonic()
        await self.clock.sleep(seconds)
        rest_s = at_least_s - (self.common.monotonic() - began_s)
        if rest_s > 0:
            await self.common.sleep(rest_s)

    def stream(self, *name: object) -> Stream:
        return Stream(self.seed, *name)
