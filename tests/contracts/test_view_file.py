"""A file that can be made anew is emptied where it is harmed, also under those who have it open; nobody else's is."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tongdan.adapters.view_file import ViewFormat, begin_anew, open_view, writing
from tongdan.ports import StoreFailure

FORMAT = ViewFormat(1, "CREATE TABLE seen (n INTEGER PRIMARY KEY, what BLOB)", {"synchronous": "off"})
ROWS = 500


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "view.sqlite"
    with closing(open_view(path, FORMAT)) as db, writing(db):
        db.executemany("INSERT INTO seen VALUES (?, zeroblob(100))", [(n,) for n in range(ROWS)])
    return path


def rows(db: apsw.Connection) -> int:
    counted: int = db.execute("SELECT count(*) FROM seen").get
    return counted


def torn(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * 8_192)


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(10_000)


def of_a_later_release(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("user_version", 2)


def no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 1_000)


@pytest.mark.parametrize("harm", [torn, cut_short, of_a_later_release, no_database])
def test_what_is_harmed_or_of_another_format_begins_anew(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    with closing(open_view(path, FORMAT)) as db:
        assert (rows(db), db.pragma("user_version"), db.pragma("journal_mode")) == (0, 1, "wal")
        with writing(db):
            db.execute("INSERT INTO seen VALUES (1, '')")
    with closing(open_view(path, FORMAT)) as db:
        assert rows(db) == 1


def test_what_is_sound_is_kept(path: Path) -> None:
    with closing(open_view(path, FORMAT)) as db:
        assert rows(db) == ROWS


@pytest.mark.parametrize("harm", [of_a_later_release, no_database])
def test_whoever_only_reads_is_told_and_changes_nothing(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    before = path.read_bytes()
    with pytest.raises(StoreFailure, match=r"^view.sqlite: "):
        open_view(path, FORMAT, readonly=True)
    assert path.read_bytes() == before


def test_others_who_have_it_open_go_on_in_the_empty_file(path: Path) -> None:
    with closing(open_view(path, FORMAT)) as other, closing(open_view(path, FORMAT)) as db:
        assert rows(other) == ROWS
        begin_anew(db, FORMAT)
        assert rows(other) == 0
        with writing(other):
            other.execute("INSERT INTO seen VALUES (1, '')")
        assert rows(db) == 1


def test_half_a_transaction_is_none(path: Path) -> None:
    with closing(open_view(path, FORMAT)) as db:
        with pytest.raises(StoreFailure, match="UNIQUE"), writing(db):
            db.execute("DELETE FROM seen WHERE n > 10")
            db.execute("INSERT INTO seen VALUES (1, '')")
        assert rows(db) == ROWS
