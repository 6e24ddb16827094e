"""What is kept beside the loop and can be made anew from it: the lists, and the book of tokens."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tongdan.ports.loop import OrderRow, TicketRow


class Overview(Protocol):
    """The lists that views keep: orders and tickets, a moment behind the truth."""

    def put(
        self, orders: Sequence[OrderRow], tickets: Sequence[TicketRow], positions: Mapping[int, int]
    ) -> None:
        """Replace these rows; `positions` (shard → journal position) tells how far the lists are complete."""

    def positions(self) -> dict[int, int]: ...

    def orders(self, *, shop: str, status: int | None, before: str, limit: int) -> list[OrderRow]: ...

    def tickets(self, *, open_only: bool, limit: int) -> list[TicketRow]: ...

    def counts(self) -> dict[str, int]:
        """`orders`, `orders_status_CODE` for each status code that occurs, `tickets_open`."""

    def close(self) -> None: ...


class TokenBook(Protocol):
    """Tokens and the subjects they stand for: a view, complete up to a journal position of each shard."""

    def open_under(self, key_check: bytes) -> dict[int, int]:
        """Shard → position reached. A book that was made under another key is emptied first."""

    def clear(self) -> dict[int, int]:
        """Begin anew: no tokens, no positions."""

    def put(self, tokens: Sequence[tuple[bytes, str]], shard: int, pos: int) -> None: ...

    def holders(self, token: bytes, limit: int) -> list[str]: ...

    def drop(self, subjects: Sequence[str]) -> None: ...

    def scrub(self) -> bool:
        """As `ShardStore.scrub`."""

    def close(self) -> None: ...
