"""The book of tokens: what is kept beside the loop and can be made anew from it."""

from collections.abc import Sequence
from typing import Protocol


class TokenBook(Protocol):
    """Tokens and the subjects they stand for: a view, complete up to a journal position of each shard."""

    def open_under(self, key_check: bytes) -> dict[int, int]:
        """Shard → position reached. A book that was made under another key is emptied first."""

    def clear(self) -> dict[int, int]:
        """Begin anew: no tokens, no positions."""

    def put(self, tokens: Sequence[tuple[bytes, str]], shard: int, pos: int) -> None: ...

    def positions(self) -> dict[int, int]: ...

    def holders(self, token: bytes, limit: int) -> list[str]: ...

    def among(self, token: bytes, subjects: Sequence[str]) -> list[str]:
        """Those of `subjects` that the token stands for, too."""

    def drop(self, subjects: Sequence[str]) -> None: ...

    def scrub(self) -> bool:
        """As `ShardStore.scrub`."""

    def close(self) -> None: ...
