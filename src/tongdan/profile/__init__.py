"""The only wiring: which adapter stands behind which port.

`embedded()` is the default profile: no server, one directory of data, one process or several that share the shards. It
is built the same way for the service, for a replay on virtual time and for a test; only clock, chance, transport,
committer and wires differ.

`centre` puts it together, `directory` knows the files, `offline` works on them without serving.
"""

from tongdan.profile.centre import ALONE, Centre, Place, embedded
from tongdan.profile.directory import (
    API_KEYS,
    CREDENTIALS,
    ERASURES,
    MASTER_KEY,
    MEMBERS,
    SEALED,
    SHARDS,
    DataInUse,
    NoData,
    lock,
)
from tongdan.profile.offline import (
    apply_erasures,
    back_up,
    due_for_archive,
    fetch_bill,
    placement_of,
    read_checks,
    reading,
    reconcile,
    restore,
    retire_master,
    rotate_master,
    seal_credentials,
    verify_data,
)

__all__ = [
    "ALONE",
    "API_KEYS",
    "CREDENTIALS",
    "ERASURES",
    "MASTER_KEY",
    "MEMBERS",
    "SEALED",
    "SHARDS",
    "Centre",
    "DataInUse",
    "NoData",
    "Place",
    "apply_erasures",
    "back_up",
    "due_for_archive",
    "embedded",
    "fetch_bill",
    "lock",
    "placement_of",
    "read_checks",
    "reading",
    "reconcile",
    "restore",
    "retire_master",
    "rotate_master",
    "seal_credentials",
    "verify_data",
]
