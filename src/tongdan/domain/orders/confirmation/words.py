"""What systems are told of a refund; part of the interface with finance, customer service and ERPs."""

from typing import Final

REQUESTED: Final = "refund-requested"  # finance is asked for its mark
CONFIRMED: Final = "refund-confirmed"  # both have marked it
WITHDRAWN: Final = "refund-withdrawn"  # what was told before is undone
RECOVERY: Final = "refund-recovery"  # the money had left: the buyer owes it
RECOVERED: Final = "refund-recovered"
WRITTEN_OFF: Final = "refund-written-off"
