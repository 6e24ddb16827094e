"""A centre with its two ports: pushes on one, the API and the pages on the other; started and stopped in order.

Several processes of one centre share both ports: the kernel gives each new connection to one of them.

Both listen before anything is taken, and stopping goes the other way round: no new push, answers to those taken, then
the centre, then the API, so that whoever waits for an answer gets it.
"""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import APIRouter

from tongdan.cli.places import SERVING, note_serving, url_of
from tongdan.flow.repacking import Repacking
from tongdan.flow.verify import Report
from tongdan.ports import Entropy
from tongdan.profile import API_KEYS, MEMBERS, Centre, verify_data
from tongdan.surfaces.front_door import FrontDoor
from tongdan.surfaces.http import (
    after_sales,
    archives,
    audit,
    catalog,
    gifts,
    health,
    holds,
    imports,
    pulse,
    quarantine,
    quotas,
    reconcile,
    settlements,
    shipments,
    slots,
    stock_compare,
    waybills,
)
from tongdan.surfaces.http.app import create_app
from tongdan.surfaces.http.erasures import router_of
from tongdan.surfaces.http.keys import ApiKeys
from tongdan.surfaces.http.members import Members
from tongdan.surfaces.http.parts import Parts
from tongdan.surfaces.http.sessions import Sessions
from tongdan.surfaces.intake import PushPort
from tongdan.surfaces.waits import WAITS

GRACE_S: Final = 10


COLLECT_AFTER: Final = (50_000, 20, 50)


class Service:
    """`start()`, then `push_url` and `api_url` tell where; `stop()` ends it whole. Raises OSError on a taken port."""

    def __init__(
        self, centre: Centre, entropy: Entropy, *, host: str, push_port: int | socket.socket, api_port: int
    ) -> None:
        self.centre: Final = centre
        self._entropy: Final = entropy
        self._host: Final = host
        self._push_port: Final = push_port
        self._front: Final = FrontDoor(centre.doors, centre.bus, centre.clock, centre.meters, WAITS)
        self._push: Final = PushPort(self._front, centre.clock)
        self._shared: Final = centre.place.wires is not None
        self._socket: Final = socket.create_server((host, api_port), reuse_port=self._shared)
        self._api: _Api | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = False

    @property
    def push_url(self) -> str:
        return url_of(*self._push.address)

    @property
    def api_url(self) -> str:
        return url_of(*self._socket.getsockname()[:2])

    async def start(self) -> None:
        centre = self.centre
        await centre.start()
        await self._push.start(self._host, self._push_port, reuse_port=self._shared)
        keys, members = ApiKeys(centre.data / API_KEYS), Members(centre.data / MEMBERS)
        parts = Parts(
            reads=centre.reads, bus=centre.bus, meters=centre.meters, policy=centre.policy, keys=keys,
            clock=centre.clock, entropy=self._entropy, samples=lambda: list(self._front.samples),
            ready=lambda: self._ready, all_meters=centre.all_meters,
            members=members, sessions=Sessions(members, keys, centre.vault.tokens, centre.clock),
            provider=centre.provider,
        )  # fmt: skip
        app = create_app(parts, push_url=self.push_url, routers=routers_of(centre))
        self._api = _Api(
            uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=GRACE_S, lifespan="off")
        )
        self._task = asyncio.create_task(self._api.serve([self._socket]))
        self._ready = True
        _calm_collector()
        if not self._shared:
            note_serving(centre.data, self.push_url, self.api_url)

    async def stop(self, others_rest: Callable[[], Awaitable[None]] | None = None) -> None:
        """`others_rest`: as `Centre.stop` has it."""
        self._ready = False
        if not self._shared:
            (self.centre.data / SERVING).unlink(missing_ok=True)
        await self._push.stop(GRACE_S)
        if self._api is not None and self._task is not None:
            self._api.should_exit = True
            await self._task
        await self.centre.stop(others_rest)
        gc.unfreeze()  # so that what holds files and libraries is let go before the interpreter ends


def routers_of(centre: Centre) -> list[APIRouter]:
    """What is served beside the API's own routers: all that needs a part of the centre."""
    repacking = Repacking(centre.reads, centre.policy, centre.clock)
    return [
        router_of(centre.erasure), shipments.router_of(repacking), archives.router_of(centre.archiver),
        quarantine.router_of(centre.quarantine), slots.router_of(centre.mover), catalog.router, holds.router,
        after_sales.router, gifts.router, quotas.router,
        audit.router_of(partial(_verify, centre.data), centre.clock),
        imports.router_of(centre.import_map, centre.import_names), waybills.router_of(centre.labels),
        stock_compare.router_of(centre.stock), health.router_of(centre.health),
        reconcile.router_of(centre.books), pulse.router_of(centre.heartbeat),
        settlements.router_of(centre.conf),
    ]  # fmt: skip


def _verify(data: Path, progress: Callable[[int, int], None]) -> Report:
    return verify_data(data, workers=1, progress=progress)  # the other cores are for orders


class _Api(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are heard in one place, for both ports."""
        yield


def _calm_collector() -> None:
    """What start-up made stays for good, and what messages are made of has no cycles: look seldom, at little."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
