"""A row that is written once says so on every database, whether its table numbers its rows or not."""

from __future__ import annotations

from datetime import timedelta

from kind_cast import NOON

from models import appeal, edition, wish
from models.base import Store
from models.edition import Opening


def test_what_is_there_already_is_not_written_again_and_nobody_is_told_it_was(store: Store) -> None:
    with store.writing() as connection:
        opening = Opening("spring-wish", "wish", "春节", NOON, NOON + timedelta(days=1), {})
        found = edition.open_anew(connection, opening, NOON)
        assert found is not None
        first = appeal.make(connection, found.id, "oA", "show 1", "", NOON)
        again = appeal.make(connection, found.id, "oA", "show 1", "", NOON)
        numbers = [wish.make(connection, found.id, "oA", "票", 2, wish.OPEN, NOON) for _ in range(3)]
        support = [wish.support(connection, numbers[0] or 0, "oB", NOON) for _ in range(2)]

    assert (first, again) == (True, False)
    assert numbers[2] is None
    assert len({*numbers}) == 3
    assert support == [True, False]
