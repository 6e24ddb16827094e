"""Promises of erasure: looking changes nothing; afterwards nobody can read the person, not from any byte of the files,
while the order and its chain stay whole; no crash, later message or restored copy brings them back.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.flow.parties import count, detail, pay, place, place_and_pay, say
from tests.flow.rig import NOON, Rig, as_after_a_crash, findings, later, shard_file, virtual

from tongdan.adapters.erasure_log import ErasureLogFile
from tongdan.adapters.tokens_sqlite import SqliteTokens
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Person, Refusal
from tongdan.domain.orders.commands import ChangeAddress, ErasePerson, PlaceOrder
from tongdan.flow.clues import clues, masks_of, phone_digits
from tongdan.flow.erasure import Asked, Erased, Erasure, Preview
from tongdan.flow.tokens import Tokens
from tongdan.ports import Clock, NotUnderstood, StoreFailure

LI = Person(
    name="李小龙", phone="13912345678", province="浙江", city="杭州", detail="灵隐路 7 号", buyer="o-li-77"
)
RAW = f'{{"name":"{LI.name}","phone":"{LI.phone}","at":"{LI.detail}"}}'.encode()
SECRETS = (LI.name.encode(), LI.phone.encode(), LI.detail.encode())


class ErasingRig(Rig):
    """The loop with the book of tokens and erasure beside it, as `profile.py` puts them together."""

    def __init__(self, data: Path, clock: Clock, **more: Any) -> None:
        super().__init__(data, clock, **more)
        self.book = SqliteTokens(data / "tokens.sqlite")
        self.log = ErasureLogFile(data / "erasures.jsonl")
        self.tokens = Tokens(self.bus, self.vault, self.book)
        self.erasure = Erasure(self.bus, self.tokens, self.log, self.vault)

    async def start(self) -> None:
        await self.erasure.resume()
        await super().start()
        self.tokens.start()

    async def stop(self) -> None:
        await super().stop()
        self.tokens.stop()
        self.book.close()

    async def previewed(self, **asked: Any) -> Preview:
        shown = await self.erasure.preview(Asked(**asked))
        assert isinstance(shown, Preview), shown
        return shown

    async def erased(self, *orders: str) -> Erased:
        done = await self.erasure.erase(orders, "ops")
        assert isinstance(done, Erased), done
        return done

    def salt(self, order: str) -> bytes | None:
        return self.readers[key_slot(order) % 4].salts([order]).get(order)


@asynccontextmanager
async def erasing(data: Path, clock: Clock, **more: Any) -> AsyncIterator[ErasingRig]:
    rig = ErasingRig(data, clock, **more)
    await rig.start()
    try:
        yield rig
    finally:
        await rig.stop()


def of_li(native: str) -> PlaceOrder:
    order = place(native, buyer="user-li")
    return PlaceOrder(**{name: getattr(order, name) for name in order.__struct_fields__} | {"person": LI})


async def ordered(rig: Rig, native: str) -> str:
    return (await rig.accepted(of_li(native), raw=RAW)).aggregate


def bytes_of(data: Path) -> bytes:
    """Every byte of every file as it lies on the disk, write-ahead logs and their indexes included."""
    return b"\0".join(path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file())


# ---- looking


@virtual
async def test_a_preview_says_what_would_be_lost_and_changes_nothing(clock: Clock, tmp_path: Path) -> None:
    async with erasing(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        first, second = await ordered(rig, "A-1"), await ordered(rig, "A-2")
        await place_and_pay(rig, "B-1")
        await rig.quiet()
        before = rig.rows()
        for phone in (LI.phone, "+86 139-1234-5678", "8613912345678"):
            shown = await rig.previewed(phone=phone)
            assert {each.order for each in shown.orders} == {first, second}
        (one,) = (each for each in shown.orders if each.order == first)
        assert (one.native, one.sealed, one.to_ship) == ("A-1", 2, 1)
        assert (shown.possible, shown.erased, shown.unknown) == ((), (), ())
        assert (await rig.previewed(phone="13912345679")).orders == ()
        assert [each.order for each in (await rig.previewed(subjects=(second,))).orders] == [second]
        assert rig.rows() == before
        assert rig.reads.person(first) == LI
        assert not (tmp_path / "data" / "erasures.jsonl").exists()


@virtual
async def test_who_is_known_by_a_masked_phone_only_is_shown_apart(clock: Clock, tmp_path: Path) -> None:
    shown_by_platform = Person(name="李**", phone="139****5678", sealed={"open_address_id": "oa-1"})
    told = detail("5001")
    hidden = type(told)(
        **{name: getattr(told, name) for name in told.__struct_fields__} | {"person": shown_by_platform}
    )
    async with erasing(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        order = (await rig.accepted(hidden)).aggregate
        by_phone = await rig.previewed(phone=LI.phone)
        assert (by_phone.orders, [each.order for each in by_phone.possible]) == ((), [order])
        assert (await rig.previewed(phone="13812345678")).possible == ()
        assert [each.order for each in (await rig.previewed(receiver="oa-1")).orders] == [order]


@virtual
async def test_nobody_named_and_unknown_orders_are_told_and_nothing_is_written(
    clock: Clock, tmp_path: Path
) -> None:
    async with erasing(tmp_path / "data", clock) as rig:
        order = await ordered(rig, "A-1")
        await rig.quiet()
        before = rig.rows()
        nobody = await rig.erasure.preview(Asked())
        assert isinstance(nobody, Refusal)
        assert nobody.name == "nobody-named"
        assert isinstance(await rig.erasure.erase((), "ops"), Refusal)
        strangers = ("MP20260127000001", f"{order}-S1", "stock/SHIRT", "x")
        assert (await rig.previewed(subjects=strangers)).unknown == tuple(sorted(strangers))
        assert await rig.erased(*strangers) == Erased(orders=(), unknown=tuple(sorted(strangers)))
        assert rig.rows() == before
        assert rig.log.entries() == []


# ---- erasing


@virtual
async def test_after_it_nobody_reads_the_person_and_everything_else_stays(
    clock: Clock, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with erasing(data, clock) as rig:
        await rig.accepted(count(10))
        order, other = await ordered(rig, "A-1"), await place_and_pay(rig, "B-1")
        await rig.quiet()
        salt, lines, before = rig.salt(order), rig.state(order).lines, rig.rows()
        tokens = rig.book.count()
        assert salt is not None
        assert len(salt) == 16
        assert salt in bytes_of(data)
        done = await rig.erased(order)
        assert done == Erased(orders=(order,))
        assert rig.rows() == before | {"journal": before["journal"] + 1, "inbox": before["inbox"] + 1}
        assert rig.salt(order) == b""
        assert rig.reads.person(order) is None
        assert [row.raw for row in rig.reads.timeline(order, with_raw=True) if row.raw] == []
        (told,) = [row for row in rig.reads.timeline(order) if row.fact == "PersonErased"]
        assert (told.operator, told.source, set(told.body)) == ("ops", "erasure", {"erased_at"})
        assert rig.state(order).lines == lines
        assert rig.state(order).erased_at is not None
        assert rig.book.count() == tokens - 5  # phone, last four, two pairs of characters, the buyer's id
        assert await rig.previewed(phone=LI.phone) == Preview(
            orders=(), possible=(), quarantined=(), erased=(), unknown=()
        )
        assert rig.reads.person(other) is not None
        found = bytes_of(data)
        assert [secret for secret in (salt, *SECRETS) if secret in found] == []
        assert [(entry.operator, entry.subjects) for entry in rig.log.entries()] == [("ops", (order,))]
    assert findings(data) == []
    assert salt not in bytes_of(data)


@virtual
async def test_no_salt_is_left_in_pages_that_were_split(clock: Clock, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with erasing(data, clock) as rig:
        replies = await rig.submit(
            *[rig.inbound(place(f"A-{n}", buyer=f"user-{n}"), raw=RAW) for n in range(1_500)]
        )
        orders = [reply.aggregate for reply in replies if not isinstance(reply, Refusal)]
        assert len(orders) == 1_500
        gone = orders[::15]
        salts = [salt for order in gone if (salt := rig.salt(order))]
        assert len(salts) == 100
        assert len((await rig.erased(*gone)).orders) == 100
        found = bytes_of(data)
        assert [salt for salt in salts if salt in found] == []
        assert rig.reads.person(orders[1]) is not None


@virtual
async def test_a_second_time_changes_nothing(clock: Clock, tmp_path: Path) -> None:
    async with erasing(tmp_path / "data", clock) as rig:
        order = await ordered(rig, "A-1")
        await rig.erased(order)
        await rig.quiet()
        before = rig.rows()
        assert await rig.erased(order) == Erased(orders=())
        assert (await rig.previewed(subjects=(order,))).erased == (order,)
        assert rig.rows() == before
        await rig.accepted(ErasePerson(order=order))
        assert rig.rows() == before | {"inbox": before["inbox"] + 1}
        assert len(rig.log.entries()) == 1


@virtual
async def test_what_comes_later_is_recorded_without_the_person(clock: Clock, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with erasing(data, clock) as rig:
        await rig.accepted(count(10))
        own = await ordered(rig, "A-1")
        pushed = (await rig.accepted(say("5001"), raw=RAW)).aggregate
        await rig.quiet()
        await rig.erased(own, pushed)
        await rig.accepted(detail("5001"), raw=RAW)  # brings a receiver
        refused = await rig.ask(ChangeAddress(order=own, region="浙江", person=LI), raw=RAW)
        await rig.accepted(pay(own), raw=RAW)
        assert isinstance(refused, Refusal)
        assert refused.name == "person-erased"
        await rig.quiet()
        assert "OrderDetailed" in rig.facts(pushed)
        assert "OrderPaid" in rig.facts(own)
        for order in (own, pushed):
            assert rig.salt(order) == b""
            assert rig.reads.person(order) is None
            assert [row.raw for row in rig.reads.timeline(order, with_raw=True) if row.raw] == []
        assert rig.book.count() == 0
        found = bytes_of(data)
        assert [secret for secret in SECRETS if secret in found] == []
    assert findings(data) == []


@virtual
async def test_a_batch_that_erases_and_brings_news_keeps_no_key(clock: Clock, tmp_path: Path) -> None:
    async with erasing(tmp_path / "data", clock) as rig:
        order = await ordered(rig, "A-1")
        await rig.submit(
            rig.inbound(pay(order, "T-1"), raw=RAW),
            rig.inbound(ErasePerson(order=order)),
            rig.inbound(pay(order, "T-2"), raw=RAW),
        )
        rows = rig.readers[key_slot(order) % 4].journal_of(order)
        told = {row.fact: row.raw is not None for row in rows if row.command != "NoteShortage"}
        assert told == {
            "OrderCreated": True, "OrderPaid": True, "PersonErased": False, "PaymentDuplicated": False,
            "RefundRequested": False,
        }  # fmt: skip
        assert rig.salt(order) == b""


@virtual
async def test_a_salt_that_came_back_is_named(clock: Clock, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with erasing(data, clock) as rig:
        order = await ordered(rig, "A-1")
        await rig.erased(order)
    db = apsw.Connection(str(shard_file(data, key_slot(order) % 4)))
    db.execute("UPDATE subjects SET salt = randomblob(16) WHERE subject = ?", (order,))
    db.close()
    assert [(each.where, each.what) for each in findings(data)] == [
        (f"salt of {order}", "its personal data was erased, yet can be read")
    ]


@virtual
async def test_a_reader_in_the_way_is_told_and_the_next_start_cuts_the_log(
    clock: Clock, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    rig = ErasingRig(data, clock)
    await rig.start()
    order = await ordered(rig, "A-1")
    salt = rig.salt(order)
    assert salt
    reader = rig.readers[key_slot(order) % 4]
    reader._run("BEGIN")
    assert reader.salts([order]) == {order: salt}
    assert not (await rig.erased(order)).scrubbed
    reader._run("COMMIT")
    crashed = as_after_a_crash(data, tmp_path / "crashed")
    await rig.stop()
    assert salt in bytes_of(crashed)
    async with erasing(crashed, clock):
        assert salt not in bytes_of(crashed)


@virtual
async def test_messages_nobody_understood_are_searched_and_deleted_too(clock: Clock, tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    async with erasing(data, clock) as rig:
        for n, raw in enumerate((RAW, b'{"phone":"13700000001"}', RAW + b" ", b"o-li-77")):
            await rig.submit(NotUnderstood(source=f"channel/{n}", reason="odd", raw=raw))
        order = await ordered(rig, "A-1")
        await rig.quiet()
        as_after_a_crash(data, backup)
        before = rig.rows()
        shown = await rig.previewed(phone=LI.phone, receiver="o-li-77")
        assert (len(shown.orders), len(shown.quarantined)) == (1, 3)
        assert (await rig.previewed(phone="13700000002")).quarantined == ()
        rows = [row for reader in rig.readers for row in reader.quarantined(10)]
        done = await rig.erased(order, *shown.quarantined)
        assert (done.orders, done.quarantined, done.scrubbed) == ((order,), shown.quarantined, True)
        assert rig.rows()["quarantine"] == before["quarantine"] - 3 == 1
        found = bytes_of(data)
        assert sum(row.salt in found for row in rows) == 1
        assert sum(row.raw in found for row in rows) == 1
        assert (await rig.previewed(phone=LI.phone)).quarantined == ()
    shutil.copy(data / "erasures.jsonl", backup)
    async with erasing(backup, clock) as restored:
        assert restored.rows()["quarantine"] == 1
        assert restored.reads.person(order) is None
    assert findings(backup) == []


# ---- crashes and copies


class Died(Exception):
    pass


@pytest.mark.parametrize("point", ["erasure-logged", "before-commit", "after-commit", "erasure-committed"])
def test_whatever_a_crash_cuts_off_the_next_start_does(tmp_path: Path, point: str) -> None:
    @virtual
    async def story(clock: Clock, data: Path, crashed: Path) -> None:
        armed: list[str] = []

        def probe(here: str) -> None:
            if [here] == armed:
                armed.clear()
                as_after_a_crash(data, crashed)

        async with erasing(data, clock, probe=probe) as rig:
            await rig.accepted(count(10))
            order, kept = await ordered(rig, "A-1"), await place_and_pay(rig, "B-1")
            salt = rig.salt(order)
            assert salt
            armed.append(point)
            await rig.erased(order)
        assert salt in bytes_of(crashed)
        async with erasing(crashed, clock) as again:
            assert again.reads.person(order) is None
            assert again.facts(order).count("PersonErased") == 1
            assert (await again.previewed(phone=LI.phone)).orders == ()
            assert again.reads.person(kept) is not None
            assert salt not in bytes_of(crashed)
        assert findings(crashed) == []

    story(data=tmp_path / "data", crashed=tmp_path / "crashed")


@virtual
async def test_the_log_erases_them_again_in_a_restored_copy(clock: Clock, tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    async with erasing(data, clock) as rig:
        order = await ordered(rig, "A-1")
        as_after_a_crash(data, backup)
        later_order = await ordered(rig, "A-2")
        salt = rig.salt(order)
        assert salt
        await rig.erased(order, later_order)
    shutil.copy(data / "erasures.jsonl", backup)
    async with erasing(backup, clock) as restored:
        assert restored.reads.person(order) is None
        assert restored.reads.order(later_order) is None
        assert [row.operator for row in restored.reads.timeline(order)] == ["system", "ops"]
        assert (await restored.previewed(phone=LI.phone)).orders == ()
        assert salt not in bytes_of(backup)
        before = restored.rows()
        assert await restored.erasure.resume() == 0
        assert restored.rows() == before
    assert findings(backup) == []


# ---- the book of tokens


@virtual
async def test_tokens_are_caught_up_with_after_a_crash_and_after_a_loss(clock: Clock, tmp_path: Path) -> None:
    data, crashed = tmp_path / "data", tmp_path / "crashed"
    async with erasing(data, clock) as rig:
        order = await ordered(rig, "A-1")
        assert rig.book.count() == 0  # a moment later than the commit
        as_after_a_crash(data, crashed)
        await rig.quiet()
        assert rig.book.count() == 5
    async with erasing(crashed, clock) as again:
        await again.quiet()
        assert again.book.count() == 5
    (crashed / "tokens.sqlite").write_bytes(b"damaged" * 1_000)
    async with erasing(crashed, clock) as again:
        await again.tokens.catch_up()
        assert again.book.count() == 5
        assert [each.order for each in (await again.previewed(phone=LI.phone)).orders] == [order]
        found = (crashed / "tokens.sqlite").read_bytes() + (crashed / "tokens.sqlite-wal").read_bytes()
        assert [secret for secret in (*SECRETS, b"5678", b"o-li-77") if secret in found] == []


@virtual
async def test_an_address_that_was_changed_still_leads_to_the_order(clock: Clock, tmp_path: Path) -> None:
    moved = Person(name="王五", phone="13700000001", province="浙江", city="杭州", detail="新路 1 号")
    async with erasing(tmp_path / "data", clock) as rig:
        order = await ordered(rig, "A-1")
        await rig.accepted(ChangeAddress(order=order, region="浙江", person=moved))
        for phone in (LI.phone, moved.phone):
            assert [each.order for each in (await rig.previewed(phone=phone)).orders] == [order]


@virtual
async def test_a_book_ahead_of_its_journal_is_begun_anew(clock: Clock, tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    async with erasing(data, clock) as rig:
        order = await ordered(rig, "A-1")
        as_after_a_crash(data, backup)
        await rig.accepted(place("A-2", buyer="user-li"))
        await rig.quiet()
    shutil.copy(data / "tokens.sqlite", backup)
    for leftover in backup.glob("tokens.sqlite-*"):
        leftover.unlink()
    async with erasing(backup, clock) as restored:
        await restored.quiet()
        assert restored.book.count() == 5
        assert [each.order for each in (await restored.previewed(phone=LI.phone)).orders] == [order]


@pytest.mark.parametrize(
    "written", ["139 1234 5678", "+8613912345678", "13912345678转8021", "13912345678,13700000001"]
)
def test_however_a_phone_is_written_it_is_found(written: str) -> None:
    assert ("phone", LI.phone) in clues(Person(phone=written))
    assert ("phone", phone_digits(LI.phone)) in clues(Person(phone=LI.phone))


def test_a_masked_phone_leads_to_those_it_fits_and_one_that_shows_next_to_nothing_to_nobody() -> None:
    assert clues(Person(phone="139****5678")) == {("masked", "139*5678"), ("last4", "5678")}
    assert ("masked", "139*5678") in masks_of(LI.phone)
    assert clues(Person(phone="1**********")) == set()


def test_a_torn_line_of_the_log_was_never_acted_upon_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    log = ErasureLogFile(tmp_path / "erasures.jsonl")
    log.append(["MP1"], NOON, "ops")
    with (tmp_path / "erasures.jsonl").open("ab") as file:
        file.write(b'{"at":"2026-')
    assert [entry.subjects for entry in log.entries()] == [("MP1",)]
    log.append(["MP2"], later(60), "ops")
    assert [entry.subjects for entry in log.entries()] == [("MP1",), ("MP2",)]
    assert (tmp_path / "erasures.jsonl").stat().st_mode & 0o077 == 0
    (tmp_path / "erasures.jsonl").write_bytes(b"nonsense\n")
    with pytest.raises(StoreFailure, match=r"erasures\.jsonl"):
        log.entries()
