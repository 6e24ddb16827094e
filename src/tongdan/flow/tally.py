"""What has come of a beat of the heartbeat so far, and whether it goes on."""

from collections.abc import Sequence
from typing import Final

from tongdan.ports import Check, Checked, Failed

ERROR_LIMIT: Final = 300
DEAF: Final = 3  # calls in a row that nobody answers end a beat
UNREAD: Final = 50  # orders of a beat that it may get no answer for


class Tally:
    """Calls, and orders. Those without an answer are `unread`, and not asked about again in this beat."""

    def __init__(self) -> None:
        self.asked = self.checked = self.differing = 0
        self.error = ""
        self.unread: Final = set[str]()
        self.singly = 0  # so many are asked about alone, for one of them is what the partner stumbled over
        self._deaf = 0
        self._told_to_wait = False

    @property
    def is_heard(self) -> bool:
        """It has answered, and answers still."""
        return self.checked > 0 and not self._deaf

    @property
    def is_over(self) -> bool:
        return self._told_to_wait or self._deaf >= DEAF or len(self.unread) >= UNREAD

    def note(self, part: Sequence[Check], found: Sequence[Checked] | Failed) -> None:
        asked = {each.order for each in part}
        self.singly = max(0, self.singly - 1)
        if not isinstance(found, Failed):
            self._deaf = 0
            self.checked += len(found)
            self.differing += sum(bool(each.odd) for each in found)
            self.unread.update(asked - {each.order for each in found})
            return
        self.error = found.error[:ERROR_LIMIT]
        self._told_to_wait |= found.retry_after_s > 0
        self._deaf = self._deaf + 1 if found.partner_wide else 0
        if len(part) > 1 and not self._deaf:
            self.singly = len(part)
        else:
            self.unread.update(asked)
