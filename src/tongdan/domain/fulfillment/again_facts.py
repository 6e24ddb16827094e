"""What has happened to shipments that a warehouse saw otherwise."""

from tongdan.domain.kernel.messages import Fact


class WmsToldAgain(Fact, frozen=True, kw_only=True):
    """The warehouse was told again; `what`: handed-over, recalled."""

    what: str
