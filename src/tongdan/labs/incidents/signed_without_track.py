"""`signed-without-track`: a carrier freezes a key that nobody called for a week; parcels are signed that never moved.

A wave of parcels is told to the carrier from two o'clock on, with the frozen key. Both sides meet the same instants and
the same carrier. Tongdan's column is its second line: no call keeps the key warm and nobody heeds the warnings, so the
standby has to take over; and the old job still says "signed", in an ERP. Two more runs stand below it: a key that is
kept warm, and one without a standby.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import yaml

from tongdan.adapters.clock import run_virtual
from tongdan.adapters.health_probes import NoProbes
from tongdan.adapters.partners import warmers_of
from tongdan.adapters.partners.exchange import Warm
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.incidents.carrier_pusher import SIGNED as STATUS_SIGNED
from tongdan.labs.incidents.carrier_pusher import OldParcel, OldPusher
from tongdan.labs.incidents.frozen_key import (
    IDLE_AFTER,
    LIVE,
    NAME,
    SPARE_KEY,
    TESTED,
    How,
    Side,
    live,
    seal,
    wave,
)
from tongdan.labs.incidents.outcome import Figure, Incident, Outcome, Row
from tongdan.labs.incidents.quiet_conf import with_rare_listings
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.idle_keys import IdleKeys
from tongdan.labs.world.in_process import together
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.sf import SfExpress
from tongdan.ports import Clock, Transport

SECOND_LINE: Final = How(standby=True, warmed=False, lied=True)
FIRST_LINE: Final = How(standby=True, warmed=True, lied=False, parcels=10)
NO_STANDBY: Final = How(standby=False, warmed=False, lied=False)
SPARE_BASKETS: Final = 2  # days have baskets that are too large
ALARM_WITHIN: Final = timedelta(seconds=60)
FOUND_WITHIN_MINUTES: Final = 10
OLD_KEY: Final = {
    "partner_id": "SF_2026_Q1",
    "check_word": "the-check-word-of-the-old-key",
    "push_secret": "none",
}


def replay(seed: int, conf: Path, data: Path) -> Outcome:
    numbered = _with_numbers(with_rare_listings(conf, data / "conf"))
    second = _ours(seed, numbered, data / "second-line", SECOND_LINE)
    first = _ours(seed, numbered, data / "first-line", FIRST_LINE)
    alone = _ours(seed, numbered, data / "no-standby", NO_STANDBY)
    old = before(seed, numbered)
    offenders = tuple(_offenders(second, first, alone))
    return Outcome(
        incident=NAME, seed=seed, rows=tuple(_rows(old, second, first, alone)), holds=not offenders,
        offenders=offenders,
    )  # fmt: skip


def before(seed: int, conf: Path) -> Side:
    """The old process alone."""
    return run_virtual(lambda clock: _as_before(clock, seed, load_conf(conf)), LIVE - timedelta(hours=1))


def _ours(seed: int, conf: Path, data: Path, how: How) -> Side:
    async def main(clock: Clock) -> Side:
        async with together(
            data, conf, clock=clock, seed=seed, orders=SPARE_BASKETS * len(wave(seed)), faults=0.0, outages=0,
            most_lines=2, retail=SeededRetail(seed), shares={}, prepare=lambda place: seal(place, how),
            probes=_warming if how.warmed else None,
        ) as pair:  # fmt: skip
            return await live(pair, how)

    return run_virtual(main, TESTED)


class _Warming(NoProbes):
    """Looks at nothing, and keeps keys warm."""

    def __init__(self, warmers: dict[str, Warm]) -> None:
        self._warmers: Final = warmers

    async def warm(self, task: str, fields: dict[str, str]) -> bool | None:  # type: ignore[override]
        warmer = self._warmers.get(task)
        return None if warmer is None else await warmer(fields)


def _warming(conf: Conf, transport: Transport, clock: Clock) -> NoProbes:
    return _Warming(warmers_of(conf, transport, clock))


def _with_numbers(conf: Path) -> Path:
    """Every warehouse has its numbers from SF through the seller; nobody is asked how they see orders."""
    path = conf / "warehouses.yml"
    warehouses = yaml.safe_load(path.read_text())
    said = [each | {"waybill": "seller", "carrier": "SF"} for each in warehouses]
    path.write_text(yaml.safe_dump(said, allow_unicode=True))
    (conf / "pulse.yml").unlink(missing_ok=True)
    return conf


# ---- as it was before


async def _as_before(clock: Clock, seed: int, conf: Conf) -> Side:
    settings, ear = conf.partners.sf, InProcessTransport({}, clock)
    faults = Faults(seed, clock, 0.0)
    setting = Setting(seed, clock, clock, ear, "http://old.example.com", faults, Bustle(clock), Names())
    carrier = Carrier(setting)
    sf = SfExpress(setting, carrier, OLD_KEY, ZoneInfo(conf.policy.carriers["SF"].zone))
    idle = sf.idle = IdleKeys(clock, {OLD_KEY["partner_id"]: TESTED}, IDLE_AFTER)
    sf.spares[SPARE_KEY["partner_id"]] = SPARE_KEY["check_word"]
    keys = [(each["partner_id"], each["check_word"]) for each in (OLD_KEY, SPARE_KEY)]
    job = OldPusher(clock, sf.handle, settings.base_url, (keys[0], keys[1]), Stream(seed, NAME, "person"))
    watch = asyncio.ensure_future(job.watch(LIVE + timedelta(hours=3)))
    tasks = []
    for no, at in enumerate(wave(seed)):
        await clock.sleep((at - clock.now()).total_seconds())
        tasks.append(asyncio.ensure_future(job.handle(f"W{no:04d}")))
    await asyncio.gather(*tasks)
    signed = [
        row for row in job.table.values() if row.status == STATUS_SIGNED
    ]  # of none has the carrier seen anything
    await watch
    return _judged(job, idle, carrier, signed)


def _judged(job: OldPusher, idle: IdleKeys, carrier: Carrier, signed: list[OldParcel]) -> Side:
    rows = list(job.table.values())
    at = [row.signed_at for row in signed if row.signed_at is not None]
    told = [row.told_at - row.pushed_at for row in rows if row.told_at is not None]
    found = None if job.alarm_at is None else (job.alarm_at - min(at)) / timedelta(minutes=1)
    return Side(
        parcels=len(rows),
        test_key=len(idle.frozen),
        warned_at=None,
        frozen_at=next(iter(idle.frozen.values()), None),
        refused_at=min(idle.refused, default=None),
        alarm_at=job.alarm_at,
        mended_at=job.mended_at,
        done_at=job.done_at,
        missed=sum(row.told_at is None or row.told_at > row.pushed_at for row in rows),
        untold=sum(row.told_at is None for row in rows),
        doubled=len(carrier.numbers.live()) - len({number.key for number in carrier.numbers.live()}),
        false=len(signed),
        first_false=min(at, default=None),
        last_false=max(at, default=None),
        said=len(signed),
        found=len(signed) if job.alarm_at is not None else 0,
        found_minutes=found,
        alarms=int(job.alarm_at is not None),
        unresolved=sum(row.status == STATUS_SIGNED for row in rows),
        waited_minutes=max([each / timedelta(minutes=1) for each in told], default=0.0),
        reported=0,
        left=0,
    )


# ---- both


def _offenders(second: Side, first: Side, alone: Side) -> Iterator[str]:
    """Where Tongdan's column is not as it has to be."""
    if first.missed or first.frozen_at is not None:
        yield "the key is frozen although it is kept warm"
    for name, side in (("standby", second), ("no standby", alone)):
        alarm_at, refused_at = side.alarm_at, side.refused_at
        if side.warned_at is None or side.frozen_at is None or side.warned_at >= side.frozen_at:
            yield f"{name}: nobody was warned"
        if refused_at is None or alarm_at is None or alarm_at - refused_at > ALARM_WITHIN:
            yield f"{name}: no alarm within {ALARM_WITHIN}"
        if side.test_key or side.false or side.untold or side.doubled:
            yield f"{name}: {side.false} falsely signed, {side.untold} untold, {side.doubled} told twice"
    if second.mended_at is None or second.mended_at - (second.refused_at or LIVE) > ALARM_WITHIN:
        yield "the standby did not take over by itself"
    if not second.said == second.found == second.parcels or second.unresolved or second.alarms != 1:
        yield f"{second.found} of {second.said} found, {second.alarms} alarms, {second.unresolved} unresolved"
    if second.found_minutes is None or second.found_minutes > FOUND_WITHIN_MINUTES:
        yield f"found after {second.found_minutes} minutes"
    if not alone.missed or not alone.reported or alone.left:
        yield f"no standby: {alone.missed} held up, {alone.reported} reported, {alone.left} of them left"


def _rows(old: Side, new: Side, warm: Side, alone: Side) -> Iterator[Row]:
    yield Row("parcels", "parcels of the wave", "本批包裹", old.parcels, new.parcels)
    yield Row(
        "test_key", "test keys taken for the production task", "被误绑到生产任务的测试密钥", old.test_key, new.test_key
    )  # fmt: skip
    yield Row("warned_at", "warned of the freeze", "预警即将冻结", _at(old.warned_at), _at(new.warned_at))
    yield Row("frozen_at", "key frozen", "密钥被冻结", _at(old.frozen_at), _at(new.frozen_at))
    yield Row(
        "warm_frozen", "frozen, where calls keep it warm", "保活有效时被冻结", None, int(bool(warm.frozen_at))
    )
    yield Row("refused_at", "first HTTP refusal", "首次被拒", _at(old.refused_at), _at(new.refused_at))
    yield Row("alarm_at", "alarm", "报警", _at(old.alarm_at), _at(new.alarm_at))
    yield Row("mended_at", "spare key in use", "备用密钥启用", _at(old.mended_at), _at(new.mended_at))
    yield Row("missed", "pushes missed", "漏推送的包裹", old.missed, new.missed)
    yield Row("done_at", "all of them made up for", "补偿完成", _at(old.done_at), _at(new.done_at))
    yield Row(
        "waited_minutes", "longest a parcel waited, minutes", "包裹最长等待分钟数",
        round(old.waited_minutes, _DIGITS), round(new.waited_minutes, _DIGITS),
    )  # fmt: skip
    yield Row("untold", "never told to the carrier", "始终未告知承运商", old.untold, new.untold)
    yield Row("doubled", "told twice in effect", "重复下单", old.doubled, new.doubled)
    yield Row("false", "orders falsely signed", "被误标为已签收的订单", old.false, new.false)
    yield Row("first_false", "the first of them", "其中最早", _at(old.first_false), _at(new.first_false))
    yield Row("last_false", "the last of them", "其中最晚", _at(old.last_false), _at(new.last_false))
    yield Row("said", "called signed by some system", "被某系统称为已签收", old.said, new.said)
    yield Row("found", "of these found without a track", "其中发现无轨迹", old.found, new.found)
    yield Row(
        "found_minutes", "minutes until found, at most", "最长发现分钟数", _round(old.found_minutes),
        _round(new.found_minutes),
    )  # fmt: skip
    yield Row("alarms", "alarms raised for them", "为此发出的汇总报警", old.alarms, new.alarms)
    yield Row(
        "alone_missed", "without a standby: pushes held up", "无备用密钥时：受阻的推送", None, alone.missed
    )
    yield Row(
        "alone_reported",
        "sent again, by the report of the outage",
        "故障报告中的补偿数",
        None,
        alone.reported,
    )
    yield Row("alone_done_at", "made up for, each once", "全部补偿且各一次", None, _at(alone.done_at))
    yield Row("alone_false", "falsely signed then", "此时被误标签收", None, alone.false)


_DIGITS: Final = 1


def _round(minutes: float | None) -> Figure:
    return None if minutes is None else round(minutes, _DIGITS)


def _at(at: datetime | None) -> Figure:
    return None if at is None else f"{at.astimezone(SHANGHAI):%m-%d %H:%M:%S}"


INCIDENT: Final = Incident(
    NAME,
    ("Signed, and no parcel has a track", "已签收，却没有任何物流轨迹"),
    (
        "a test key serves the production task; a refused push is forgotten, and no node at all counts as signed",
        "测试密钥被用于生产任务；推送被拒后不再理会，没有轨迹也被当作已签收",
    ),
    (
        (
            "warned before the freeze, a standby within a minute, every push made up for once, nothing falsely signed; "
            "what another system calls signed without a track is found within ten minutes"
        ),
        "冻结前预警，一分钟内切换备用密钥，漏推送各补偿一次，无误标签收；其他系统误称签收的，十分钟内发现",
    ),
    replay,
)
