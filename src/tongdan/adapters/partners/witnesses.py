"""Partners as witnesses: what their own queries say of an order, read as a standing that can be compared.

They ask through the actors, whose readings of an answer are the ordinary commands; those are the news that a witness
brings. A carrier is asked for what it knows of parcels, WeChat Pay for payments and refunds, a channel for the order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.fulfillment.facts import QueryRoutes
from tongdan.domain.fulfillment.shipment import ParcelStatus
from tongdan.domain.kernel.messages import Command, Effect, Person
from tongdan.domain.kernel.policy import CarrierMap, ChannelMap
from tongdan.domain.kernel.standing import Standing, receiver_digest
from tongdan.domain.kernel.status import NAMES
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import RecordDetail, RecordPayment, RecordRefund
from tongdan.domain.orders.facts import FetchDetail, Prepay
from tongdan.domain.orders.money.refund_facts import QueryRefund
from tongdan.ports import Actor, Done, Errand, Failed, Seen, Subject, Turn

CREATED, PAID, SHIPPED, SIGNED = "created", "paid", "shipped", "signed"


class ChannelWitness:
    """A platform's shop, by its order detail. It can be told again what was shipped."""

    at_once = 1
    hears = frozenset({SHIPPED})

    def __init__(self, actor: Actor, how: ChannelMap) -> None:
        self.partner = actor.partner
        self.tells = frozenset(how.statuses.values()) & NAMES.keys()
        self._actor: Final = actor
        self._statuses: Final = how.statuses

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        seen = []
        for subject in subjects:
            effect = FetchDetail(
                partner=self.partner, channel=subject.channel, shop=subject.shop, native=subject.native
            )
            await turn()
            done = await self._actor.perform(_errand(subject, effect))
            if isinstance(done, Failed):
                return done
            assert isinstance(done.command, RecordDetail)
            seen.append(self._seen(subject, done.command, done.raw))
        return seen

    def _seen(self, subject: Subject, detail: RecordDetail, raw: bytes) -> Seen:
        status = self._statuses.get(detail.native_status, "")
        masked = "*" in detail.person.name + detail.person.phone or not detail.person.name
        standing = Standing(
            status=status if status in NAMES else "",
            native=detail.native_status,
            amount_fen=detail.amount_fen,
            units={line.native: line.units for line in detail.lines if line.native} or None,
            receiver=None if masked else receiver_digest(detail.person),
            said_at=detail.said_at,
        )
        return Seen(order=subject.id, standing=standing, news=(detail,), raw=raw)


class CarrierWitness:
    """A carrier, by the tracks of orders' parcels, `per_call` of them at once. What turned round on its way is not
    judged by its nodes.

    A call has room for one receiver's telephone, so many are asked about without it; those of which it says nothing
    then, by the order and with it, as a parcel that somebody else has sent asks for it.
    """

    tells = frozenset({SHIPPED, SIGNED})
    hears = frozenset[str]()

    def __init__(self, actor: Actor, how: CarrierMap, per_call: int) -> None:
        self.partner = actor.partner
        self.at_once = per_call
        self._actor: Final = actor
        self._how: Final = how
        self._per_call: Final = per_call

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        parcels = [waybill for subject in subjects for _, waybill in subject.parcels]
        tracks = await self._tracks(parcels, lambda: None, turn)
        if isinstance(tracks, Failed):
            return tracks
        for subject in subjects:
            silent = [waybill for _, waybill in subject.parcels if waybill not in tracks]
            more = await self._tracks(silent, subject.person, turn)
            if isinstance(more, Failed):
                return more
            tracks |= more
        return [self._seen(subject, _told(subject, tracks)) for subject in subjects]

    async def _tracks(
        self, waybills: Sequence[str], person: Callable[[], Person | None], turn: Turn
    ) -> dict[str, list[Track]] | Failed:
        """By waybill; without those of which nothing is known."""
        found: dict[str, list[Track]] = {}
        asked = list(dict.fromkeys(waybills))
        for at in range(0, len(asked), self._per_call):
            effect = QueryRoutes(
                partner=self.partner, shipment="", waybills=tuple(asked[at : at + self._per_call])
            )
            await turn()
            done = await self._actor.perform(Errand(f"pulse/{asked[at]}", "", effect, 1, person))
            if isinstance(done, Failed):
                return done
            assert isinstance(done.command, RecordTracks)
            for track in done.command.tracks:
                found.setdefault(track.waybill, []).append(track)
        return found

    def _seen(self, subject: Subject, told: Sequence[RecordTracks]) -> Seen:
        tracks = [track for command in told for track in command.tracks]
        words = {
            waybill: {self._how.statuses.get(track.code, "") for track in tracks if track.waybill == waybill}
            for _, waybill in subject.parcels
        }
        if any(ParcelStatus.RETURNED in said or not said for said in words.values()):
            status = ""
        else:
            status = SIGNED if all(ParcelStatus.SIGNED in said for said in words.values()) else SHIPPED
        said_at = max((track.at for track in tracks), default=None)
        news = tuple(command for command in told if command.tracks)
        return Seen(order=subject.id, standing=Standing(status=status, said_at=said_at), news=news)


class PaymentWitness:
    """WeChat Pay, by its queries of attempts and refunds."""

    at_once = 1
    tells = frozenset({CREATED, PAID})
    hears = frozenset[str]()

    def __init__(self, actor: Actor) -> None:
        self.partner = actor.partner
        self._actor: Final = actor

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        seen = []
        for subject in subjects:
            found = [await self._paid(subject, number, turn) for number in subject.payments]
            found += [await self._refunded(subject, number, turn) for number in subject.refunds]
            if failed := next((each for each in found if isinstance(each, Failed)), None):
                return failed
            seen.append(_paid_back(subject, [each for each in found if isinstance(each, Done)]))
        return seen

    async def _paid(self, subject: Subject, number: str, turn: Turn) -> Done | Failed | None:
        await turn()
        asked = Prepay(partner=self.partner, shop=subject.shop, out_trade_no=number, amount_fen=0)
        return await self._actor.look_up(_errand(subject, asked))

    async def _refunded(self, subject: Subject, number: str, turn: Turn) -> Done | Failed:
        await turn()
        asked = QueryRefund(partner=self.partner, shop=subject.shop, out_refund_no=number, accepted=False)
        return await self._actor.perform(_errand(subject, asked))


def _told(subject: Subject, tracks: Mapping[str, Sequence[Track]]) -> list[RecordTracks]:
    """What it said of each shipment's parcels."""
    shipments = dict.fromkeys(shipment for shipment, _ in subject.parcels)
    return [
        RecordTracks(
            shipment=each,
            tracks=tuple(
                [
                    track
                    for shipment, waybill in subject.parcels
                    if shipment == each
                    for track in tracks.get(waybill, ())
                ]
            ),
        )
        for each in shipments
    ]


def _paid_back(subject: Subject, found: Iterable[Done]) -> Seen:
    commands = [done.command for done in found if done.command is not None]
    payments = [each for each in commands if isinstance(each, RecordPayment)]
    refunds = [
        each for each in commands if isinstance(each, RecordRefund) and each.stage is RefundStage.SUCCEEDED
    ]
    news: list[Command] = [*payments, *refunds]
    standing = Standing(
        status=PAID if payments else CREATED,
        refunded_fen=sum(each.amount_fen for each in refunds),
        said_at=max((each.paid_at for each in payments), default=None),
    )
    return Seen(order=subject.id, standing=standing, news=tuple(news))


def _errand(subject: Subject, effect: Effect) -> Errand:
    """A read that stands in no lane."""
    return Errand(f"pulse/{subject.id}", subject.id, effect, 1, subject.person)
