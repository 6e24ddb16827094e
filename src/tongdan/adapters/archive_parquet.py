"""Archive files: journal rows as Parquet (zstd), written and read by DuckDB.

A file is written under a name that says it is unfinished, brought to the disk, and only gets its own name when it has
been read back. DuckDB takes rows from a file of JSON lines far faster than one by one; ciphertext stays ciphertext in
both. Everybody can read these files with tools of their own.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

import msgspec

from tongdan.ports import JournalColumns, StoreFailure

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FOLDER: Final = "archive"  # in the data directory
UNFINISHED: Final = ".new"
READ_ROWS: Final = 1_000  # fetched at once
BLOCK_BYTES: Final = 1 << 20
ROW_GROUP: Final = (
    2_048  # rows; small, so that one slot's or one order's rows are found without reading a file whole
)

_SQL_TYPE: Final = {int: "BIGINT", str: "VARCHAR", bytes: "BLOB"}


def _column_types() -> dict[str, str]:
    hints = {name: get_args(hint) or (hint,) for name, hint in get_type_hints(JournalColumns).items()}
    return {name: _SQL_TYPE[hints[name][0]] for name in JournalColumns._fields}


_TYPES: Final = _column_types()
_NAMES: Final = ", ".join(_TYPES)
_BARE: Final = _NAMES.replace("raw,", "NULL AS raw,")
_AS_JSON: Final = ", ".join(
    f"{name}: '{'VARCHAR' if kind == 'BLOB' else kind}'" for name, kind in _TYPES.items()
)
_FROM_JSON: Final = ", ".join(
    f"from_base64({name}) AS {name}" if kind == "BLOB" else name for name, kind in _TYPES.items()
)
_SORTED: Final = (
    f"SELECT {_FROM_JSON} FROM read_json($lines, format = 'newline_delimited', columns = {{{_AS_JSON}}})"
    " ORDER BY slot, epoch, seq"
)
_AS_PARQUET: Final = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
_encode: Final = msgspec.json.Encoder().encode


class ParquetArchive:
    """`ports.ArchiveFiles` in `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, rows: Iterable[JournalColumns]) -> bytes:
        part = self._path(name + UNFINISHED)
        lines = part.with_suffix(".lines")
        part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with lines.open("wb") as file:
                file.writelines(_encode(row._asdict()) + b"\n" for row in rows)
            with _engine() as db:
                db.execute(f"COPY ({_SORTED}) TO $to {_AS_PARQUET}", {"lines": str(lines), "to": str(part)})
            _sync(part)
        except OSError as error:
            raise StoreFailure(f"{name}: {error.strerror}") from error
        finally:
            lines.unlink(missing_ok=True)
        return _digest_of(part)

    def read_unfinished(self, name: str) -> tuple[bytes, list[JournalColumns]]:
        part = self._path(name + UNFINISHED)
        return _digest_of(part), list(self.rows([name + UNFINISHED], order="slot, epoch, seq"))

    def publish(self, name: str) -> None:
        path = self._path(name)
        try:
            self._path(name + UNFINISHED).replace(path)
            for folder in (path.parent, self._folder, self._folder.parent):
                _sync(folder)
        except OSError as error:
            raise StoreFailure(f"{name}: {error.strerror}") from error

    def digest(self, name: str) -> bytes:
        return _digest_of(self._path(name))

    def rows(
        self, names: Sequence[str], where: str = "TRUE", values: Sequence[Any] = (), *, order: str
    ) -> Iterator[JournalColumns]:
        """Rows of a few files; `where` and `order` are SQL over the journal's columns. Raises StoreFailure."""
        found = self._select(_looking_up(), names, _NAMES, f"{where} ORDER BY {order}", values)
        return map(JournalColumns._make, found)

    def all_rows(
        self, names: Sequence[str], where: str, *, order: str, bare: bool = False
    ) -> Iterator[JournalColumns]:
        """The same for any number of files; `bare` leaves out payloads."""
        found = self._select(_engine(), names, _BARE if bare else _NAMES, f"{where} ORDER BY {order}")
        return map(JournalColumns._make, found)

    def marks(self, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """(aggregate, first byte of the sealed person and of the payload) of every row of these files."""
        return self._select(_engine(), names, "agg, person[1:1], raw[1:1]", "TRUE")

    def _select(
        self, engine: "AbstractContextManager[DuckDBPyConnection]", names: Sequence[str], columns: str, where: str,
        values: Sequence[Any] = (),
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        if not names:
            return
        for name in names:
            if not self._path(name).exists():
                raise StoreFailure(f"the archive file {name} is missing: bring it back to {FOLDER}/")
        with engine as db:
            files = [str(self._path(name)) for name in names]
            db.execute(f"SELECT {columns} FROM read_parquet(?) WHERE {where}", [files, *values])
            while found := db.fetchmany(READ_ROWS):
                yield from found

    def _path(self, name: str) -> Path:
        return self._folder / name


@contextmanager
def _engine() -> Iterator["DuckDBPyConnection"]:
    """A DuckDB for one piece of work of any size: it takes one core and spills to a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="tongdan-archive-") as spill,
        closing(_connect(spill)) as db,
        _told(db),
    ):
        yield db


@contextmanager
def _looking_up() -> Iterator["DuckDBPyConnection"]:
    """For what reads little: opening a DuckDB takes longer than such a query, so one stays open."""
    with closing(_kept().cursor()) as db, _told(db):
        yield db


@cache
def _kept() -> "DuckDBPyConnection":
    return _connect("")


def _connect(spill: str) -> "DuckDBPyConnection":
    import duckdb  # noqa: PLC0415 (takes a moment and some memory, and most processes never need it)

    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": "1", "memory_limit": "512MB", "temp_directory": spill, "autoinstall_known_extensions": "false",
    }  # fmt: skip
    return duckdb.connect(config=settings)


@contextmanager
def _told(db: "DuckDBPyConnection") -> Iterator[None]:
    """It says nothing by itself, and its errors are the store's, without their words: they may quote a row."""
    import duckdb  # noqa: PLC0415 (as above)

    try:
        db.execute("SET enable_progress_bar = false")  # it would be drawn into what a command prints
        yield
    except duckdb.Error as error:
        raise StoreFailure(f"an archive file cannot be used: {type(error).__name__}") from None


def _digest_of(path: Path) -> bytes:
    whole = blake2b(digest_size=32)
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                whole.update(block)
    except OSError as error:
        raise StoreFailure(f"{path.name}: {error.strerror}") from error
    return whole.digest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
