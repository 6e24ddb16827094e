"""The heartbeat: every partner that can tell how it sees orders is asked about those that are due, beat after beat.

What is due stands in a book that commits keep up (`ports.Checks`), so an order that changes is asked about at the next
beat, one that rests ever more rarely, and nothing that fell due while the centre or the partner was down is left out.
A beat asks no faster than the partner's rate; what it does not reach stays due, first in line. A difference beyond its
grace becomes a dispute (`domain.sync.dispute`); where the partner's word counts, its news go in by the front door.
"""

import logging
from asyncio import gather
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from msgspec.structs import replace

from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.kernel.keys import key_slot, pulse_key, ticket_key
from tongdan.domain.kernel.messages import Command, Person, Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.pulse import Terms
from tongdan.domain.kernel.standing import Field, OurStanding, receiver_digest
from tongdan.domain.orders.model import Order
from tongdan.domain.sync.compare import Difference, compare, is_pending, settled_at
from tongdan.domain.sync.dispute import KIND, READ
from tongdan.domain.sync.dispute_facts import NoteAgreement, NoteDifference
from tongdan.domain.sync.pulse import Pulse
from tongdan.domain.sync.pulse_facts import NotePulse
from tongdan.domain.sync.suspicion import Colour, Rhythm, colour, heard, not_asked
from tongdan.domain.sync.ticket import Side, Ticket
from tongdan.flow.bus import Bus
from tongdan.flow.pace import Pace
from tongdan.flow.tally import Tally
from tongdan.flow.watching import handed_over, is_over, ours, subject, watched
from tongdan.ports import (
    Beat,
    Check,
    Checked,
    Checks,
    Failed,
    Inbound,
    Reads,
    Seen,
    StoreFailure,
    Watched,
    Witness,
)

_log: Final = logging.getLogger(__name__)

SOURCE: Final = "pulse"
TRIES: Final = 5  # at a command that a full queue does not take
EARLY: Final = 0.1  # of a beat: what falls due so soon is checked now, and not a beat late
TOGETHER: Final = 20  # questions under way at once to who answers, or what its rate has for two seconds


class Heartbeat:
    """Beats for the partners whose pulse lies in this process; `witnesses` are all of them."""

    def __init__(
        self,
        bus: Bus,
        policy: Policy,
        reads: Reads,
        checks: Checks,
        witnesses: Iterable[Witness],
        open_person: Callable[[str], Person | None],
    ) -> None:
        self._bus: Final = bus
        self._reads: Final = reads
        self.checks: Final = checks
        self._open_person: Final = open_person
        self._policy: Final = policy
        self._pulse: Final = policy.pulse
        self.witnesses: Final = {
            each.partner: each for each in witnesses if self._pulse.terms_of(each.partner) is not None
        }
        self._alarms: Final[dict[str, Callable[[], None]]] = {}
        self._paces: Final = {
            partner: Pace(bus.clock, self._terms(partner).calls_per_minute) for partner in self.witnesses
        }

    def watched(self, id: str, order: Order, changed_at: datetime) -> Watched:
        """Who is asked about an order that has changed."""
        return watched(id, order, changed_at, self.witnesses.keys(), self._policy)

    # -- when

    def start(self) -> None:
        for partner in self.witnesses:
            if self._bus.owns(key_slot(pulse_key(partner))):
                self._set_alarm(partner, self._bus.clock.now())

    def stop(self) -> None:
        for cancel in self._alarms.values():
            cancel()
        self._alarms.clear()

    def _set_alarm(self, partner: str, began_at: datetime) -> None:
        """Beats begin `every_s` apart; one that takes longer is followed at once."""
        passed_s = (self._bus.clock.now() - began_at).total_seconds()
        wait_s = max(0.0, self._terms(partner).every_s - passed_s)
        self._alarms[partner] = self._bus.clock.call_later(wait_s, lambda: self._ring(partner))

    def _ring(self, partner: str) -> None:
        if not self._bus.stopping:
            self._bus.spawn(self._beat_and_again(partner))

    async def _beat_and_again(self, partner: str) -> None:
        """Whatever becomes of this beat, the next one comes."""
        began_at = self._bus.clock.now()
        try:
            if self._is_due(partner, began_at):
                await self.beat(partner)
        except StoreFailure as failure:
            _log.error(
                "the heartbeat of %s could not be kept, and goes on at its next beat: %s", partner, failure
            )
        finally:
            if not self._bus.stopping:
                self._set_alarm(partner, began_at)

    def _is_due(self, partner: str, now: datetime) -> bool:
        """Something is to be asked, or the last beat has something to be made good."""
        if self.checks.due(partner, self._horizon(partner, now), 1):
            return True
        before = self.checks.beat(partner)
        return before is not None and bool(before.error)

    def _horizon(self, partner: str, now: datetime) -> datetime:
        return now + timedelta(seconds=self._terms(partner).every_s * EARLY)

    def _terms(self, partner: str) -> Terms:
        terms = self._pulse.terms_of(partner)
        assert terms is not None
        return terms

    # -- a beat

    async def beat(self, partner: str) -> Beat:
        """Ask about what is due until nothing is, the time of a beat is over, or nobody answers.

        Raises KeyError for a partner that is not asked, StoreFailure when the book cannot be written.
        """
        clock, before = self._bus.clock, self.checks.beat(partner)
        began_at, rhythm = clock.now(), _rhythm(before)
        if before is not None and not before.error:  # it answered a beat ago, or nobody has asked since
            rhythm = not_asked(rhythm, began_at - timedelta(seconds=self._terms(partner).every_s))
        tally = await self._ask_about_all(self.witnesses[partner], began_at)
        if tally.checked or not tally.error:
            rhythm = heard(rhythm, clock.now()) if tally.asked else not_asked(rhythm, clock.now())
        beat = Beat(
            partner=partner,
            began_at=began_at,
            ended_at=clock.now(),
            asked=tally.asked,
            checked=tally.checked,
            differing=tally.differing,
            error=tally.error,
            heard_at=None if rhythm is None else rhythm.last_at,
            mean_s=0.0 if rhythm is None else rhythm.mean_s,
        )
        self.checks.keep(beat)
        await self._note_pulse(beat)
        return beat

    async def _ask_about_all(self, witness: Witness, began_at: datetime) -> Tally:
        partner, clock, pace = witness.partner, self._bus.clock, self._paces[witness.partner]
        terms, horizon, calls = self._terms(partner), self._horizon(partner, began_at), pace.calls
        most, at_once = max(1, terms.calls_per_minute * terms.every_s // 60), self._at_once(witness)
        together, tally = max(1, min(TOGETHER, terms.calls_per_minute // 30)), Tally()
        for _ in range(most):
            room = min(together if tally.is_heard else 1, most - (pace.calls - calls))
            if room < 1 or tally.is_over or self._bus.stopping:
                break
            limit = 1 if tally.singly else at_once * room
            if not (due := self._next(partner, max(horizon, clock.now()), tally.unread, limit)):
                break
            asked_at, parts = clock.now(), [due[at : at + at_once] for at in range(0, len(due), at_once)]
            done: list[Checked] = []
            for part, found in zip(
                parts, await gather(*[self._check(witness, each) for each in parts]), strict=True
            ):
                tally.note(part, found)
                done += [] if isinstance(found, Failed) else found
            if done:
                self.checks.done(partner, done, asked_at)
            await clock.sleep(0)
        tally.asked = pace.calls - calls
        return tally

    def _at_once(self, witness: Witness) -> int:
        most = self._terms(witness.partner).orders_per_call
        return min(most, witness.at_once) if most else witness.at_once

    def _next(self, partner: str, until: datetime, unread: Set[str], at_once: int) -> list[Check]:
        """What is longest overdue. Who got no answer in this beat stays due, and holds up nobody behind it."""
        due = self.checks.due(partner, until, at_once + len(unread))
        return [each for each in due if each.order not in unread][:at_once]

    async def _check(self, witness: Witness, due: Sequence[Check]) -> list[Checked] | Failed:
        """What came of asking about these; without those that the partner left out. What is unknown or over by now is
        not asked about."""
        held = {check.order: self._held(check) for check in due}
        subjects = [
            subject(id, its.order, witness.partner, its.shipments, partial(self._open_person, id))
            for id, its in held.items()
            if its is not None
        ]
        answer = await witness.see(subjects, self._paces[witness.partner].turn) if subjects else []
        if isinstance(answer, Failed):
            return answer
        found, seen = [], {each.order: each for each in answer}
        for check in due:
            its = held[check.order]
            if its is None:
                found.append(Checked(check.order, None))
            elif its != self._held(check):  # the answer is not about what it is now
                found.append(Checked(check.order, self._later(witness.partner), check.odd))
            elif check.order in seen:
                found.append(await self._look(witness, check, its, seen[check.order]))
        return found

    def _held(self, check: Check) -> "_Held | None":
        """What is compared, as it stands; None: nothing is any more."""
        order = self._reads.order(check.order)
        if not isinstance(order, Order) or self._is_done(order, check):
            return None
        return _Held(order, handed_over(check.order, order, check.partner, self._reads.order))

    def _is_done(self, order: Order, check: Check) -> bool:
        return not check.odd and is_over(order, self._policy, self._bus.clock.now())

    async def _look(self, witness: Witness, check: Check, its: "_Held", seen: Seen) -> Checked:
        partner, now, order = witness.partner, self._bus.clock.now(), its.order
        mine = self._ours(its, check, seen)
        terms = self._terms(partner)
        differences = compare(mine, seen.standing, witness.tells)
        if {each.field for each in differences}.difference(check.odd):
            # The book may not have heard of the last change.
            mine = replace(mine, changed_at=self._changed_at(check))
            differences = compare(mine, seen.standing, witness.tells)
        pending = [each for each in differences if is_pending(each, terms, now)]
        standing = [each for each in differences if each not in pending]
        for difference in standing:
            await self._dispute(witness, check, difference, seen, own=order.own)
        formerly, differing = self._formerly_odd(check), {each.field for each in differences}
        for field in formerly - differing:
            note = NoteAgreement(order=check.order, field=field, partner=partner, seen_at=now)
            await self._tell(note, seen, (partner, check.order, field, now.isoformat()), order.shop)
        due = [settled_at(each, terms, now) for each in pending]
        due.append(self._later(partner) if standing else now + self._rest(check, now))
        odd = {each.field for each in standing} | formerly & differing  # a dispute goes on through a lag
        return Checked(check.order, min(due), tuple(sorted(odd)))

    def _changed_at(self, check: Check) -> datetime:
        rows = self._reads.timeline(check.order)
        return max([check.changed_at, *[row.recorded_at for row in rows[-1:]]])

    def _ours(self, its: "_Held", check: Check, seen: Seen) -> OurStanding:
        mine = ours(its.order, check.partner, its.shipments, check.changed_at)
        if seen.standing is None or seen.standing.receiver is None:
            return mine
        person = self._open_person(check.order)
        return mine if person is None else replace(mine, receiver=receiver_digest(person))

    def _formerly_odd(self, check: Check) -> set[str]:
        """Fields on which a dispute may be open. A book begun anew does not know, and the tickets are looked at."""
        if check.checked_at is not None:
            return set(check.odd)
        return {
            field
            for field in Field
            if (side := self._side(check.order, field, check.partner)) and not side.left
        }

    def _rest(self, check: Check, now: datetime) -> timedelta:
        rested_s = (now - check.changed_at).total_seconds()
        return timedelta(seconds=self._pulse.check_every_s(check.partner, rested_s))

    def _later(self, partner: str) -> datetime:
        return self._bus.clock.now() + timedelta(seconds=self._terms(partner).every_s)

    # -- what follows

    async def _dispute(
        self, witness: Witness, check: Check, difference: Difference, seen: Seen, *, own: bool
    ) -> None:
        """Note the difference; if the repair is to take over the partner's view, tell its news."""
        partner, field = witness.partner, difference.field
        note = NoteDifference(
            order=check.order,
            field=field,
            partner=partner,
            ours=difference.ours,
            theirs=difference.theirs,
            status=difference.status,
            impossible=difference.impossible,
            own=own,
            taught=bool(seen.news) and not difference.is_ahead,
            retold=(difference.is_ahead and difference.status in witness.hears) or field in witness.hears,
        )
        now = self._bus.clock.now().isoformat()
        await self._tell(note, seen, (partner, check.order, field, now))
        side = self._side(check.order, field, partner)
        if side is None or side.repair != READ or not side.tried or side.given_up:
            return
        for no, command in enumerate(seen.news):
            key = (partner, check.order, field, str(side.again_at), str(no))
            await self._tell(command, seen, key)

    def _side(self, order: str, field: str, partner: str) -> Side | None:
        ticket = self._reads.order(ticket_key(order, KIND + field))
        if not isinstance(ticket, Ticket) or not ticket.open or ticket.dispute is None:
            return None
        return ticket.dispute.sides.get(partner)

    async def _tell(self, command: Command, seen: Seen, key: tuple[str, ...], shop: str = "") -> None:
        inbound = Inbound(
            command=command,
            key=(SOURCE, type(command).__name__, *key),
            source=SOURCE,
            shop=shop,
            happened_at=self._bus.clock.now(),
            raw=seen.raw,
        )
        reply = await self._bus.ask(inbound)
        for _ in range(TRIES - 1):
            if not isinstance(reply, Refusal) or not reply.retry_after_s or self._bus.stopping:
                break
            await self._bus.clock.sleep(reply.retry_after_s)
            reply = await self._bus.ask(inbound)
        if isinstance(reply, Refusal):  # the next beat finds the difference again
            _log.warning("%s of the heartbeat was refused: %s", type(command).__name__, reply.name)

    async def _note_pulse(self, beat: Beat) -> None:
        now = self._bus.clock.now()
        behind_s = lag_s(self.checks.due(beat.partner, now, 1), now)
        note = NotePulse(partner=beat.partner, colour=colour_of(beat, now), lag_s=behind_s)
        pulse = self._reads.order(pulse_key(beat.partner))
        known = pulse if isinstance(pulse, Pulse) else Pulse(partner=beat.partner)
        if known.colour == note.colour and known.lags == (behind_s > self._pulse.lag_alert_s):
            return
        await self._tell(note, Seen(order="", standing=None), (beat.partner, now.isoformat()))


class _Held(NamedTuple):
    """An order, and its shipments where a warehouse is asked."""

    order: Order
    shipments: Mapping[str, Shipment]


def colour_of(beat: Beat | None, now: datetime) -> Colour:
    """Whether the partner is well, by its own rhythm: who has answered what was asked last is."""
    return colour(_rhythm(beat), now) if beat is not None and beat.error else Colour.GREEN


def lag_s(due: Sequence[Check], now: datetime) -> int:
    """By how much checks are behind; the longest overdue comes first."""
    return int((now - due[0].due).total_seconds()) if due else 0


def _rhythm(beat: Beat | None) -> Rhythm | None:
    if beat is None or beat.heard_at is None:
        return None
    return Rhythm(beat.heard_at, beat.mean_s)
