"""Every Protocol that the flow needs from outside, and the plain values that cross them.

`inbound` doors · `outbound` actors · `loop` bus and reads · `store` · `views` · `people` · `peers` · `environment`.
Everything is imported from here: `from tongdan.ports import Door`.
"""

from tongdan.ports.environment import Clock, Credentials, Entropy
from tongdan.ports.inbound import (
    Accepted,
    Door,
    Inbound,
    Mistake,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Reply,
    Unauthentic,
)
from tongdan.ports.loop import CommandBus, DeadLetter, JournalRow, OrderRow, Reads, TicketRow
from tongdan.ports.outbound import (
    Actor,
    Done,
    Errand,
    Failed,
    HttpRequest,
    HttpResponse,
    NoAnswer,
    Repeat,
    Transport,
    Undo,
    Unreachable,
    Verb,
)
from tongdan.ports.peers import End, Wire, Wires
from tongdan.ports.people import ErasureEntry, ErasureLog, Vault
from tongdan.ports.store import (
    EffectColumns,
    JournalColumns,
    LostToken,
    ParkedColumns,
    RunColumns,
    ShardAudit,
    ShardStore,
    SlotRow,
    StateColumns,
    StoreFailure,
    WriteSet,
)
from tongdan.ports.views import Overview, TokenBook

__all__ = [
    "Accepted",
    "Actor",
    "Clock",
    "CommandBus",
    "Credentials",
    "DeadLetter",
    "Done",
    "Door",
    "EffectColumns",
    "End",
    "Entropy",
    "ErasureEntry",
    "ErasureLog",
    "Errand",
    "Failed",
    "HttpRequest",
    "HttpResponse",
    "Inbound",
    "JournalColumns",
    "JournalRow",
    "LostToken",
    "Mistake",
    "NoAnswer",
    "NotUnderstood",
    "OrderRow",
    "Overview",
    "ParkedColumns",
    "PushAnswer",
    "PushRequest",
    "Reads",
    "Repeat",
    "Reply",
    "RunColumns",
    "ShardAudit",
    "ShardStore",
    "SlotRow",
    "StateColumns",
    "StoreFailure",
    "TicketRow",
    "TokenBook",
    "Transport",
    "Unauthentic",
    "Undo",
    "Unreachable",
    "Vault",
    "Verb",
    "Wire",
    "Wires",
    "WriteSet",
]
