"""The data format of a shard's file: its tables, and why each is laid out as it is.

Big rows lie in arrival order under an integer position that is local to the file and never referred to; random keys
live in small tables without a rowid. A file of an older format is brought to this one by the scripts it lacks.
"""

from typing import Final

from tongdan.adapters import archived_sqlite

FORMAT: Final = 2
TABLES: Final = (
    "journal", "states", "inbox", "names", "subjects", "effects", "runs", "wakeups", "heads", "counters",
    "watermarks", "cursors", "quarantine", "parked", "slots", "archives", "cuts",
)  # fmt: skip

SCHEMA: Final = """
CREATE TABLE journal (
    pos INTEGER PRIMARY KEY,               -- order of arrival in this file; never referred to from outside
    slot INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    agg TEXT NOT NULL, ver INTEGER NOT NULL,
    fact TEXT NOT NULL, fact_ver INTEGER NOT NULL, body BLOB NOT NULL,
    command TEXT NOT NULL, command_key BLOB NOT NULL, cause TEXT NOT NULL, revision INTEGER NOT NULL,
    shop TEXT NOT NULL, owned INTEGER NOT NULL,
    status_before INTEGER NOT NULL, status_after INTEGER NOT NULL,
    happened_us INTEGER NOT NULL, recorded_us INTEGER NOT NULL,
    operator TEXT NOT NULL, source TEXT NOT NULL,
    person BLOB, raw BLOB,                 -- ciphertext; the hash covers it as it lies here, so erasure leaves it whole
    effects BLOB NOT NULL,                 -- a 16-byte digest for each effect emitted with this row
    closes TEXT NOT NULL,                  -- ids of effects that end with this row, separated by spaces
    wake_us INTEGER,                       -- the aggregate's earliest deadline after this row
    hash BLOB NOT NULL
);
CREATE INDEX journal_of_aggregate ON journal (agg);
CREATE TABLE states (
    agg TEXT PRIMARY KEY, ver INTEGER NOT NULL, schema INTEGER NOT NULL, status INTEGER NOT NULL,
    body BLOB NOT NULL, person BLOB
) WITHOUT ROWID;
CREATE TABLE inbox (key BLOB PRIMARY KEY, at_us INTEGER NOT NULL, reply BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE names (digest BLOB PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE subjects (subject TEXT PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID;  -- an empty salt: erased
CREATE TABLE effects (
    id TEXT PRIMARY KEY, agg TEXT NOT NULL, partner TEXT NOT NULL, verb TEXT NOT NULL, body BLOB NOT NULL,
    created_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs (
    id TEXT PRIMARY KEY, tries INTEGER NOT NULL, first_us INTEGER NOT NULL, due_us INTEGER NOT NULL,
    lease_us INTEGER NOT NULL, dead INTEGER NOT NULL, error TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE wakeups (due_us INTEGER, agg TEXT, PRIMARY KEY (due_us, agg)) WITHOUT ROWID;
CREATE TABLE heads (slot INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE counters (
    slot INTEGER, channel TEXT, day TEXT, next INTEGER NOT NULL, PRIMARY KEY (slot, channel, day)
) WITHOUT ROWID;
CREATE TABLE watermarks (
    source_slot INTEGER, reaction TEXT, target_slot INTEGER,
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    PRIMARY KEY (source_slot, reaction, target_slot)
) WITHOUT ROWID;
CREATE TABLE cursors (
    subscriber TEXT, slot INTEGER, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, pos INTEGER NOT NULL,
    PRIMARY KEY (subscriber, slot)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, shop TEXT NOT NULL, reason TEXT NOT NULL, at_us INTEGER NOT NULL,
    salt BLOB NOT NULL, raw BLOB NOT NULL
);
CREATE TABLE parked (
    agg TEXT, slot INTEGER, epoch INTEGER, seq INTEGER, reaction TEXT, error TEXT NOT NULL,
    PRIMARY KEY (agg, slot, epoch, seq, reaction)
) WITHOUT ROWID;
"""
# Who may write here, and which slots lie elsewhere than their number says.
PLACES: Final = """
CREATE TABLE owner (
    generation INTEGER NOT NULL,           -- one row; every process that takes the shard adds one to it
    pos INTEGER NOT NULL                   -- positions up to here were given out, whatever was deleted since
);
INSERT INTO owner VALUES (0, 0);
CREATE TABLE slots (
    slot INTEGER PRIMARY KEY,
    state TEXT NOT NULL,                   -- as `flow/placement.py` names them; no row: the slot lies at home
    peer INTEGER NOT NULL,                 -- the shard it comes from or goes to
    move TEXT NOT NULL                     -- which move that is
);
"""

# What is kept of archived rows, what a door needs to read a message again, and counts nobody wants to scan for.
GROWTH: Final = f"""
{archived_sqlite.SCHEMA}
ALTER TABLE quarantine ADD COLUMN about TEXT NOT NULL DEFAULT '';
CREATE INDEX dead_runs ON runs (id) WHERE dead;
CREATE TABLE tallies (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""
# Format → what is to be run on a file that has it to bring it to the next.
STEPS: Final = (SCHEMA, PLACES + GROWTH)
