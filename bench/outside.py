"""Everybody outside the centre, for the whole life of orders: buyers, WeChat Pay, a warehouse, SF, finance.

One process, event by event: what a partner is asked (an effect that arrived here over HTTP) makes it push what
follows from it, so a life goes on exactly as fast as the centre carries it. Lives begin at a steady rate, whatever
the centre does, or a window of them is kept going. A refusal is obeyed (429, 503, stock pending: come again) and
counted; any other refusal ends the life and fails the run.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvloop

from bench.baskets import Basket, read_baskets
from bench.line import Answer, Desk, Lines, Make, response
from bench.partners import Partners, shipment_in
from bench.tally import Seconds, quantile_ms

STEPS: Final = ("order", "payment", "paid", "confirmed", "signed", "settled")  # what is pushed, in its order
TICK_S: Final = 0.005
PAUSE_S: Final = 0.05  # before a partner acts on what it was asked: outside nobody is faster than a person
STOCK_AGAIN_S: Final = 0.2
CONNECTIONS: Final = 128
DEPTH: Final = 64
MOST_TRIES: Final = 50  # of one push
_ORDER_ID: Final = re.compile(rb'"order_id":"([^"]+)"')
_ERROR: Final = re.compile(rb'"error":"([^"]+)"')


class Plan(NamedTuple):
    """One run. `per_s` 0: keep `window` lives going. `direct`: the server calls no partner, so nobody waits for it."""

    port: int
    run: str
    per_s: float
    window: int
    seconds: float
    warm_s: float
    last_s: float
    direct: bool
    acknowledged: str


class Life:
    """`began_s` is when it was due, on the monotonic clock."""

    __slots__ = ("acted", "amount_fen", "at", "began_s", "number", "order", "shipment", "tries")

    def __init__(self, number: int, began_s: float, amount_fen: int) -> None:
        self.number, self.began_s, self.amount_fen = number, began_s, amount_fen
        self.order = self.shipment = ""
        self.at = 0  # the step that is pushed or waited for
        self.acted = 0  # the last step that a partner acted on: asked again, it does not act again
        self.tries = 0

    @property
    def waybill(self) -> str:
        return f"SF{self.number:013d}"


class Outside:
    """The partners' desk, which stands for good, and one run of lives after another."""

    def __init__(self, partners: Partners, baskets: list[Basket]) -> None:
        self._partners = partners
        self._baskets = baskets
        self._begin(Plan(0, "", 0, 0, 0, 0, 0, False, ""))

    def _begin(self, plan: Plan) -> None:
        self._plan = plan
        self._started_s = time.monotonic()
        self._lives: dict[str, Life] = {}
        self._begun = 0
        self._ended: list[int] = []
        self._known = bytearray()  # a life: 1 its order was acknowledged, 2 its settlement too
        self._pushed: list[float] = []
        self._refused: Counter[str] = Counter()
        self._fatal: list[str] = []
        self._calls: Counter[str] = Counter()
        self.seconds = Seconds()

    # ---- a run

    async def run(self, plan: Plan) -> dict[str, Any]:
        """Raises line.Broken when the server closes a connection."""
        self._begin(plan)
        self._lines = Lines("127.0.0.1", plan.port, CONNECTIONS, DEPTH)
        await self._lines.connect()
        cpu_s, self._started_s = time.process_time(), time.monotonic()
        ticking = asyncio.create_task(self._tick())
        await asyncio.wait({ticking, self._lines.broken}, return_when=asyncio.FIRST_COMPLETED)
        if ticking.done():
            ticking.result()  # its mistake, if it made one
        ticking.cancel()
        took_s = time.monotonic() - self._started_s
        self._lines.close()
        if self._lines.broken.done():
            self._lines.broken.result()
        return self._report(took_s, time.process_time() - cpu_s)

    async def _tick(self) -> None:
        """Begin lives until the time is up, then let the last ones end; a line of progress each second."""
        plan, told = self._plan, 0
        while True:
            since_s = time.monotonic() - self._started_s
            if since_s < plan.seconds:
                self._begin_lives(since_s)
            elif len(self._ended) + len(self._fatal) >= self._begun or since_s > plan.seconds + plan.last_s:
                return
            if int(since_s) > told:
                told = int(since_s)
                print("second", json.dumps(self._progress(told)), flush=True)
            await asyncio.sleep(TICK_S)

    def _begin_lives(self, since_s: float) -> None:
        if self._plan.per_s:
            while self._begun < since_s * self._plan.per_s:
                self._be_born(self._started_s + self._begun / self._plan.per_s)
        else:
            while self._begun - len(self._ended) - len(self._fatal) < self._plan.window:
                self._be_born(time.monotonic())

    def _progress(self, second: int) -> dict[str, int]:
        going = self._begun - len(self._ended) - len(self._fatal)
        return {"second": second, "begun": self._begun, "ended": len(self._ended), "going": going}

    # ---- a life

    def _be_born(self, due_s: float) -> None:
        number = self._begun
        self._begun += 1
        self._known.append(0)
        self.seconds.count(due_s - self._started_s, "begun")
        basket = self._baskets[number % len(self._baskets)]
        life = Life(number, due_s, basket.amount_fen)
        self._push(life, lambda: self._partners.order(f"{self._plan.run}-{number:07d}", basket, number))

    def _push(self, life: Life, make: Make) -> None:
        """Send what `make` makes (made anew, so freshly signed, each time) until it is taken."""
        sent_s = time.monotonic()

        def done(answer: Answer) -> None:
            self._pushed.append(time.monotonic() - sent_s)
            if 200 <= answer.status < 300:
                life.tries = 0
                self._taken(life, answer)
            else:
                self._not_taken(life, answer, make)

        self._lines.ask(make, done)

    def _not_taken(self, life: Life, answer: Answer, make: Make) -> None:
        error = _ERROR.search(answer.body)
        name = f"{answer.status} {error[1].decode() if error else ''}"
        self._refused[f"{STEPS[life.at]}: {name}"] += 1
        life.tries += 1
        if answer.status in (429, 503):
            wait_s = answer.retry_after_s or 1.0
        elif answer.status == 409 and error and error[1] == b"stock-pending":
            wait_s = STOCK_AGAIN_S
        else:
            wait_s = 0.0
        if not wait_s or life.tries > MOST_TRIES:
            self._fatal.append(f"{STEPS[life.at]}: {name} {answer.body[:300].decode('utf-8', 'replace')}")
            return
        asyncio.get_running_loop().call_later(wait_s, self._push, life, make)

    def _taken(self, life: Life, answer: Answer) -> None:
        """A push was acknowledged. What comes next waits for a partner to be asked, or follows directly."""
        step = STEPS[life.at]
        life.at += 1
        if step == "order":
            self._known[life.number] = 1
            found = _ORDER_ID.search(answer.body)
            life.order = found[1].decode() if found else f"MP20260101{life.number:06d}"
            life.shipment = f"{life.order}-S1"
            self._lives[life.order] = life
            self._push(life, lambda: self._partners.payment(life.order, life.tries))
        elif step == "confirmed":
            self._later(lambda: self._sign(life))
        elif step == "settled":
            self._end(life)
        elif self._plan.direct:
            self._next(life, b"")

    def _end(self, life: Life) -> None:
        now_s = time.monotonic()
        self._known[life.number] = 2
        self._ended.append(life.number)
        del self._lives[life.order]
        self.seconds.observe(now_s - self._started_s, "ended", now_s - life.began_s)

    def _next(self, life: Life, asked: bytes) -> None:
        """What the partner pushes that this life is waiting for."""
        partners = self._partners
        match STEPS[life.at]:
            case "paid":
                self._push(life, lambda: partners.paid(life.order, life.amount_fen))
            case "confirmed":
                self._push(life, lambda: partners.confirmed(asked or self._asked(life), life.waybill))
            case "settled":
                self._push(life, lambda: partners.settled(life.order, life.amount_fen))

    def _sign(self, life: Life) -> None:
        """Every other parcel is known to its carrier by the waybill alone."""
        shipment = life.shipment if life.number % 2 else ""
        self._push(life, lambda: self._partners.signed_for(shipment, life.waybill))

    def _asked(self, life: Life) -> bytes:
        """A delivery order as the centre would have asked for it, for servers that ask for none."""
        lines = self._baskets[life.number % len(self._baskets)].lines
        items = "".join(f"<itemCode>{x.sku}</itemCode><planQty>{x.units}</planQty>" for x in lines)
        return f"<deliveryOrderCode>{life.shipment}</deliveryOrderCode><warehouseCode>W</warehouseCode>{items}".encode()

    def _later(self, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(0.0 if self._plan.direct else PAUSE_S, act)

    # ---- what the centre asks of partners

    def answer(self, head: bytes, body: bytes) -> bytes:
        """One call, told apart by its target. A repeat gets the same answer and changes nothing."""
        target = head[: head.find(b"\r")].split(b" ")[1]
        if target.startswith(b"/v3/pay/transactions/jsapi"):
            self._heard("prepay", json.loads(body)["out_trade_no"].partition("-")[0], "paid", b"")
            return self._partners.prepaid()
        if b"deliveryorder.create" in target:
            shipment = shipment_in(body)
            self._heard("create", shipment.partition("-")[0], "confirmed", body)
            return self._partners.accepted(shipment)
        if target == b"/":
            said = json.loads(body)
            self._heard(said["type"], said["order_id"], "settled" if said["type"] == "signed" else "", b"")
            return response("200 OK", {"Content-Type": "application/json"}, b'{"ok":true}')
        self._calls["unknown"] += 1
        return response("404 Not Found", {}, b'{"code":"ORDER_NOT_EXIST"}')

    def _heard(self, call: str, order: str, then: str, asked: bytes) -> None:
        """`then` is the step that the life has been waiting for since; its push before may still be under way."""
        self._calls[call] += 1
        life = self._lives.get(order)
        if life is None or not then or life.acted >= STEPS.index(then):
            return
        life.acted = STEPS.index(then)

        def act() -> None:
            if life.at == life.acted:
                self._next(life, asked)
            else:  # the acknowledgement of the push before is not here yet
                self._later(act)

        self._later(act)

    # ---- what came of it

    def _report(self, took_s: float, cpu_s: float) -> dict[str, Any]:
        plan = self._plan
        Path(plan.acknowledged).write_bytes(self._known)
        first, last = int(plan.warm_s), int(plan.seconds)
        ended = self.seconds.between("ended", first, last)
        lives_s = self.seconds.samples("ended", first, last)
        return {
            "offered": self._begun,
            "acknowledged": len(self._ended),
            "refused": len(self._fatal),
            "refusals": self._fatal[:5],
            "turned_away": dict(self._refused),
            "pushes": len(self._pushed),
            "calls": dict(self._calls),
            "per_s": ended / max(1, last - first),
            "p50_ms": quantile_ms(lives_s, 0.5),
            "p99_ms": quantile_ms(lives_s, 0.99),
            "p999_ms": quantile_ms(lives_s, 0.999),
            "push_p50_ms": quantile_ms(self._pushed, 0.5),
            "push_p99_ms": quantile_ms(self._pushed, 0.99),
            "took_s": took_s,
            "generator_cores": cpu_s / took_s,
            "generator_cpu_us": cpu_s / max(1, len(self._ended)) * 1e6,
            "by_second": self.seconds.table(("begun", "ended")),
        }


async def serve(data: Path, baskets: int) -> None:
    """`port N`, then a report for each plan (a JSON line) of the standard input."""
    outside = Outside(Partners(data), read_baskets(baskets).items)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Desk(outside.answer), "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        plan = Plan(**json.loads(line))
        print("report", json.dumps(await outside.run(plan)), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
