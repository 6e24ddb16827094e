"""What follows when a repair of a difference is tried: the partner is told again, if that is the repair.

A repair that reads the partner's view needs no reaction: the heartbeat that found the difference has it at hand.
"""

from tongdan.domain.fulfillment.commands import HandOverAgain
from tongdan.domain.kernel.pulse import head
from tongdan.domain.orders.commands import TellAgain
from tongdan.domain.orders.remark_facts import ToldAgain
from tongdan.domain.sync.dispute import TELL
from tongdan.domain.sync.dispute_facts import RepairTried
from tongdan.flow.routing import Commands, Recorded


def tell_again(fact: RepairTried, at: Recorded) -> Commands:
    if fact.repair == TELL:
        _, order, _ = at.aggregate.split("/", 2)
        yield TellAgain(order=order, partner=fact.partner)


def hand_over_again(fact: ToldAgain, at: Recorded) -> Commands:
    if head(fact.partner) == "wms":
        for shipment in fact.what:
            yield HandOverAgain(shipment=shipment, partner=fact.partner)
