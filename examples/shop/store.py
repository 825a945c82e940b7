"""A SQLite file that several copies of a service share.

Write-ahead logging lets copies read while one writes; a writer waits for another up to five
seconds. Connections are in autocommit: each statement is a transaction of its own.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

WAIT = 5.0


def data_directory() -> Path:
    """SHOP_DATA, or `data` beside this file."""
    return Path(os.environ.get("SHOP_DATA") or Path(__file__).parent / "data")


class Store:
    """`schema` must be repeatable: every copy runs it when it starts."""

    def __init__(self, name: str, schema: str) -> None:
        self._path = data_directory() / f"{name}.db"
        self._idle: list[sqlite3.Connection] = []
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # The change to WAL takes no part in SQLite's waiting: two copies that start at once
        # would meet "database is locked".
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with closing(self._connect()) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(schema)

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self._path, timeout=WAIT, isolation_level=None, check_same_thread=False
        )
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to one thread; one that saw an error is not lent again."""
        database = self._idle.pop() if self._idle else self._connect()
        try:
            yield database
        except BaseException:
            database.close()
            raise
        self._idle.append(database)

    def check(self) -> None:
        """sqlite3.Error or OSError when the database cannot be read."""
        if not self._path.exists():
            raise FileNotFoundError(self._path)
        with self.open() as database:
            database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
