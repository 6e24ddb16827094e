"""How much anybody may ask who needs no key: so many answers a second of one process, whoever asks."""

from collections import deque
from typing import Final

MOST_A_SECOND: Final = 200


class Pace:
    """How many answers were given within the last second."""

    def __init__(self, most_a_second: int = MOST_A_SECOND) -> None:
        self._most: Final = most_a_second
        self._given: Final[deque[float]] = deque(maxlen=most_a_second)

    def admits(self, now_s: float) -> bool:
        if len(self._given) == self._most and now_s - self._given[0] < 1:
            return False
        self._given.append(now_s)
        return True
