"""What may be asked of quotas, and of stock because of them."""

from tongdan.domain.fulfillment.quota_facts import Outlet
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.parts import Part


class WatchStock(Command, frozen=True, kw_only=True):
    """Tell the quotas of `watcher` what is available, now and whenever it changes."""

    sku: str
    watcher: str


class UnwatchStock(Command, frozen=True, kw_only=True):
    sku: str
    watcher: str


class ListOutlet(Command, frozen=True, kw_only=True):
    """The SKU is sold there."""

    sku: str
    outlet: Outlet


class UnlistOutlet(Command, frozen=True, kw_only=True):
    """It is no longer: what the platform offers there is another's to say."""

    sku: str
    outlet: Outlet


class PushQuotas(Command, frozen=True, kw_only=True):
    """A person has everything told again, under the rules as they are now."""

    sku: str


class NoteParts(Command, frozen=True, kw_only=True):
    sku: str
    parts: tuple[Part, ...]


class NoteAvailable(Command, frozen=True, kw_only=True):
    """`no` counts what `part` has told. Platforms of `channels` have counted down, or up, by themselves since."""

    sku: str
    part: str
    no: int
    levels: dict[str, int]
    waiting_units: int
    channels: tuple[str, ...] = ()


class RecordQuotaPublished(Command, frozen=True, kw_only=True):
    sku: str
    outlet: str
    units: int
    sequence: int


class SetLimit(Command, frozen=True, kw_only=True):
    """One buyer may have so many units; 0: any number."""

    sku: str
    limit_units: int
