"""What the messages of one transaction read and write in common: a statement for all of them, in place of one for each.

Who stands in a form and says one thing in a transaction is looked up beforehand with everybody else who does. What they add is put
off until all are answered, and then written without asking what is there: where a row is known, the unique key refuses the whole
transaction, and everybody is answered again, each by statements of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from models.base import Connection
from models.draft import Draft
from models.edition import Edition
from models.rows import Values

Place = tuple[int, str]
"""An edition and an openid."""


@dataclass(slots=True)
class Batch:
    """The editions, the drafts that there are, and what a kind has read for each person; and the rows that are put off."""

    editions: dict[int, Edition] = field(default_factory=dict)
    drafts: dict[Place, Draft] = field(default_factory=dict)
    read: dict[Place, dict[str, Any]] = field(default_factory=dict)
    _rows: dict[sa.Table, list[Values]] = field(default_factory=dict)

    def put_off(self, table: sa.Table, row: Values) -> None:
        """Write this row of somebody's with those of the others."""
        self._rows.setdefault(table, []).append(row)

    def write(self, connection: Connection) -> None:
        """All that was put off, in the order of the openids, so that two processes wait for each other but never deadlock. Raises
        IntegrityError where one of them is known."""
        for table, rows in self._rows.items():
            connection.execute(table.insert(), sorted(rows, key=lambda row: str(row["openid"])))
        self._rows.clear()
