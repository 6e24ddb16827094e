"""Which stage of an order's way a line of code belongs to: one table, read from the innermost frame outwards.

A stage is named after what the CPU is spent on, whatever called it: time in SQLite is `sql` whether a state
is loaded for an order or for a reaction. Who it was spent for is told apart by the batch's items (see
`sampler.py`).
"""

import re
from types import CodeType
from typing import Final

# (part of the file's path, functions or "" for all, stage); the innermost frame that matches counts.
RULES: Final = (
    ("tongdan/surfaces/connection.py", r"answer|flush|_whole|_head|__call__", "reply"),
    ("tongdan/surfaces/connection.py", r"", "http"),
    ("tongdan/surfaces/intake.py", r"", "http"),
    ("tongdan/surfaces/front_door.py", r"committed|_acknowledge|_say", "reply"),
    ("tongdan/surfaces/front_door.py", r"", "http"),
    ("tongdan/adapters/partners/authentic.py", r"", "authenticate"),
    ("tongdan/adapters/partners/", r"event_sign|authenticate", "authenticate"),
    ("tongdan/adapters/transport.py", r"", "calls: HTTP"),
    ("tongdan/adapters/partners/exchange.py", r"", "calls: HTTP"),
    ("_api.py", r"sign|check_signature|read_private_key|authorization", "calls: signatures"),
    ("_api.py", r"", "calls: make and read"),
    ("tongdan/adapters/partners/", r"check_signature|unseal", "authenticate"),
    ("tongdan/adapters/partners/", r"answer|refuse", "reply"),
    ("tongdan/adapters/partners/", r"", "parse"),
    ("tongdan/adapters/credentials_file.py", r"", "authenticate"),
    ("tongdan/adapters/vault.py", r"", "encrypt"),
    ("tongdan/adapters/clock.py", r"SystemEntropy.*|token", "encrypt"),
    ("tongdan/adapters/overview_sqlite.py", r"", "views"),
    ("tongdan/adapters/search_sqlite.py", r"", "views"),
    ("tongdan/adapters/store_sqlite.py", r"_run", ""),  # begin, commit or rollback: its caller tells
    ("tongdan/adapters/store_sqlite.py", r"commit", "commit"),
    ("tongdan/adapters/store_sqlite.py", r"replies|named|states|salts|effect|_each|_all", "load"),
    ("tongdan/adapters/store_sqlite.py", r"", "sql"),
    ("tongdan/flow/journal.py", r"row_hash|effect_digest", "hash"),
    ("tongdan/flow/journal.py", r"read_fact|upcast|read_effect", "load"),
    ("tongdan/flow/batch.py", r"fetch|_fetch\w*|_revive", "load"),
    ("tongdan/flow/staging.py", r"", "record"),
    ("tongdan/flow/batch.py", r"", "decide"),
    ("tongdan/flow/heads.py", r"", "load"),
    ("tongdan/flow/relay.py", r"", "relay"),
    ("tongdan/flow/routes.py", r"", "route"),
    ("tongdan/flow/routing.py", r"", "route"),
    ("tongdan/flow/effects.py", r"", "effects"),
    ("tongdan/flow/outstanding.py", r"", "effects"),
    ("tongdan/flow/wakeups.py", r"", "wake-ups"),
    ("tongdan/flow/views.py", r"", "views"),
    ("tongdan/flow/bus.py", r"submit|_item|_overload|_inbox_key|put", "route"),
    ("tongdan/flow/bus.py", r"", "bus"),
    ("tongdan/flow/shard.py", r"", "bus"),
    ("tongdan/flow/peers.py", r"", "forward"),
    ("tongdan/adapters/wires_unix.py", r"", "forward"),
    ("tongdan/domain/kernel/slots.py", r"", "route"),
    ("tongdan/domain/", r"", "decide"),
    ("tongdan/ports/", r"", "bus"),
    ("tongdan/", r"", "other"),
    ("asyncio/", r"", "kernel and event loop"),
    ("concurrent/futures/thread.py", r"", "kernel and event loop"),
)
REST: Final = "rest"
_COMPILED: Final = tuple((place, re.compile(names), names, stage) for place, names, stage in RULES)
_known: Final[dict[CodeType, str]] = {}


def stage_of(code: CodeType) -> str:
    """The stage of one function, "" when the table does not know it (its caller decides)."""
    found = _known.get(code)
    if found is None:
        found = _known[code] = _look_up(code.co_filename, code.co_name)
    return found


def _look_up(path: str, name: str) -> str:
    for place, pattern, names, stage in _COMPILED:
        if place in path and (not names or pattern.fullmatch(name)):
            return stage
    return ""
