"""What has happened to a dispute: systems that disagree on a field of an order, and what is done about it."""

from datetime import datetime

from tongdan.domain.kernel.messages import Command, Fact


class NoteDifference(Command, frozen=True, kw_only=True):
    """The heartbeat has found that `partner` sees a field of `order` as `theirs`, and not as `ours`, beyond its grace.

    `status`: the one at stake, where the field is the status. `taught`: the partner's answer says how to come to its
    view. `retold`: it can be told ours again.
    """

    order: str
    field: str
    partner: str
    ours: str
    theirs: str
    status: str = ""
    impossible: bool = False
    own: bool = False
    taught: bool = False
    retold: bool = False


class NoteAgreement(Command, frozen=True, kw_only=True):
    """A later heartbeat has proven that `partner` sees the field as we do."""

    order: str
    field: str
    partner: str
    seen_at: datetime


class ChooseRepair(Command, frozen=True, kw_only=True):
    """A person decides: `read` theirs, `tell` ours again, or `leave` it as it is. `partner` "": every side."""

    subject: str
    kind: str
    choice: str
    partner: str = ""
    reason: str


class DifferenceFound(Fact, frozen=True, kw_only=True):
    """`partner` differs, for the first time or in another way than before. `record`: the kind of system whose word
    counts; `repair` follows from it. `owner`: the role that mends what is left for a person. `found_at`: when both were
    compared; None: told before that was kept."""

    subject: str
    kind: str
    field: str
    partner: str
    ours: str
    theirs: str
    status: str
    impossible: bool
    record: str
    repair: str
    owner: str
    raised_at: datetime
    repair_by: datetime
    found_at: datetime | None = None


class RepairTried(Fact, frozen=True, kw_only=True):
    """The `no`th attempt; the next one is not made before `again_at`."""

    partner: str
    field: str
    repair: str
    no: int
    again_at: datetime


class RepairGivenUp(Fact, frozen=True, kw_only=True):
    """All attempts were made and it still differs: a person has it."""

    partner: str
    owner: str


class RepairChosen(Fact, frozen=True, kw_only=True):
    partner: str
    choice: str
    reason: str


class SideAgrees(Fact, frozen=True, kw_only=True):
    partner: str
    seen_at: datetime
