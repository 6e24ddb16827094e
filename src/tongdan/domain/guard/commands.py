"""What may be asked of a mark."""

from tongdan.domain.kernel.messages import Command


class CheckMark(Command, frozen=True, kw_only=True):
    """Which of `rules` hold of the buyer behind `mark` (`KIND/TOKEN`), for the question `no` of `order`."""

    mark: str
    order: str
    no: int
    rules: tuple[str, ...]


class ListMark(Command, frozen=True, kw_only=True):
    """Put the buyer behind it on the blacklist. `reason` names nobody."""

    mark: str
    reason: str


class UnlistMark(Command, frozen=True, kw_only=True):
    mark: str
    reason: str
