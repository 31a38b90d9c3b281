"""How far a long piece of work has come, for whoever waits: a bar at a terminal, a line for every tenth in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import sqlalchemy as sa
from tqdm import tqdm

MANY = 100_000  # rows; fewer are done before anybody could read of it
LOOK_S = 0.5


@contextmanager
def bar(what: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Gives the function that is told how many of `total` are done now."""
    with tqdm(total=total, initial=min(done, total), desc=what, unit="条", disable=None) as shown:

        def reach(now: int) -> None:
            nonlocal done
            before, done = done, max(done, min(now, total))
            shown.update(done - before)
            if shown.disable and total >= MANY and done * 10 // total > before * 10 // total:
                print(f"{what}：{done:,} / {total:,} 条", flush=True)

        yield reach


@contextmanager
def watched(engine: sa.Engine, query: str, what: str, total: int) -> Iterator[None]:
    """Shows how far a statement of the block has come, as `query` gives it in per cent on a connection of its own."""
    over = Event()

    def look(reach: Callable[[int], None]) -> None:
        with suppress(sa.exc.SQLAlchemyError), engine.connect() as connection:
            while not over.wait(LOOK_S):
                percent = connection.exec_driver_sql(query).scalar()
                connection.rollback()
                reach(int(total * float(percent or 0) / 100))

    with bar(what, total) as reach:
        thread = Thread(target=look, args=(reach,), name="progress", daemon=True)
        thread.start()
        try:
            yield
            reach(total)
        finally:
            over.set()
            thread.join()
