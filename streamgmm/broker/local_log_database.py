"""The embedded log's file: its tables, and one connection to it.

A topic's partition is a row with the log's start and end; its content is one row a record batch, the batch's bytes in
Kafka's format v2. SQLite in WAL mode lets readers go on while one writer at a time appends, in any number of
processes. `synchronous=NORMAL` syncs the file at WAL checkpoints only: a killed process loses nothing; a power cut
may take the last seconds of commits, always the newest ones and always whole. Outputs, checkpoint and input lie in
this one file, so what is left is a consistent earlier state, from which the learner goes on.

`messages` turns SQLite's errors into ours: each names the file and says what to do.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamgmm.errors import BrokerError, BrokerUnavailable

SCHEMA_VERSION = 1
PAGE_BYTES = 16 * 1024  # record batches are large: fewer, longer overflow pages
WAL_BYTES = 64 * 1024 * 1024  # what the write-ahead log's file is cut back to
BUSY_TIMEOUT = 1.0  # s that SQLite itself waits for a lock, whatever happens meanwhile
LOCK_POLL = 0.005  # s between two attempts of ours

TABLES = """
CREATE TABLE topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, replication INTEGER NOT NULL, config TEXT NOT NULL
);
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL REFERENCES topics, number INTEGER NOT NULL,
    log_start INTEGER NOT NULL DEFAULT 0, log_end INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0, uncompacted_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic_id, number)
);
CREATE TABLE batches (
    partition_id INTEGER NOT NULL REFERENCES partitions, base_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE UNIQUE INDEX batches_by_offset ON batches (partition_id, last_offset, base_offset, max_timestamp, size);
CREATE TABLE writers (transactional_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE group_offsets (
    group_id TEXT NOT NULL, topic TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic, number)
);
"""

_PASSING = {  # errors that may go away by themselves, and what to do about them
    sqlite3.SQLITE_BUSY: "is locked by another process: wait for it, or find and end it",
    sqlite3.SQLITE_LOCKED: "is locked by another process: wait for it, or find and end it",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full: make room there, or give its topics a smaller retention.bytes",
    sqlite3.SQLITE_IOERR: "cannot be read or written: look at the disk",
}
_LASTING = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: its directory must exist and let this user write",
    sqlite3.SQLITE_READONLY: "is read-only: give this user the right to write it and its directory",
    sqlite3.SQLITE_PERM: "is not accessible: give this user the right to write it and its directory",
    sqlite3.SQLITE_NOTADB: "is not a streamgmm log: name another file in broker.url",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a copy, or name another file in broker.url",
}


@contextmanager
def messages(path: Path) -> Iterator[None]:
    """Raises SQLite's errors as BrokerUnavailable (trying again may help) or BrokerError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the low byte is the kind
        if code in _PASSING:
            raise BrokerUnavailable(f"the embedded log {path} {_PASSING[code]} ({error})") from error
        advice = _LASTING.get(code, "refused a request")
        raise BrokerError(f"the embedded log {path} {advice} ({error})") from error


class Database:
    """One connection, used by one thread at a time. Raises what `messages` makes of SQLite's errors."""

    def __init__(self, path: Path, lock_timeout: float) -> None:
        self.path, self.lock_timeout = path, lock_timeout
        self.closing = threading.Event()  # set from outside: gives up waiting
        with messages(path):
            self.connection = self._connect()
            try:
                self._prepare()
            except BaseException:
                self.connection.close()
                raise

    def _connect(self) -> sqlite3.Connection:
        busy = min(BUSY_TIMEOUT, self.lock_timeout)
        return sqlite3.connect(self.path, timeout=busy, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        self.connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        self._persistently("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
        if self._schema() == 0:
            self._create_tables()
        if self._schema() != SCHEMA_VERSION:
            raise BrokerError(
                f"the embedded log {self.path} has schema {self._schema()}, this program knows {SCHEMA_VERSION}: "
                "use the program that wrote it, or name another file in broker.url"
            )

    def _schema(self) -> int:
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def _create_tables(self) -> None:
        with self.writing():
            if self._schema() == 0:  # another process may have been faster
                for statement in TABLES.split(";"):
                    self.connection.execute(statement)
                self.connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the file."""
        with messages(self.path):
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                self._end("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The only writer at this time; all is undone where the body raises."""
        with messages(self.path):
            self._persistently("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            finally:
                self._end("ROLLBACK")

    def _end(self, statement: str) -> None:
        if self.connection.in_transaction:
            self.connection.execute(statement)

    def _persistently(self, statement: str) -> None:
        """Waits for locks of others, up to `lock_timeout` or until `closing`."""
        deadline = time.monotonic() + self.lock_timeout
        while True:
            try:
                self.connection.execute(statement)
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline or self.closing.wait(LOCK_POLL):
                    raise
            else:
                return

    def version(self) -> int:
        """A number that changes with every commit of another connection."""
        with messages(self.path):
            return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Closes the connection; what was under way is undone."""
        self.connection.close()
