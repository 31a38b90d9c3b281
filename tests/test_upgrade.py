"""The upgrade that lays all messages out anew: told beforehand, every row kept, and gone on with wherever it was stopped."""

from __future__ import annotations

import itertools
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import sqlalchemy as sa
from alembic import command

from commands import backup as backups
from models import backup, progress, proof, schema
from models.base import Store, Utc
from models.follower import followers
from models.interaction import NO_TIME, erase, interactions

if TYPE_CHECKING:
    pass

ROOT = Path(__file__).parent.parent
OLD = "0003"
NOW = datetime(2027, 2, 20, 2, 0, tzinfo=UTC)
MILLION = 1_000_000
TIMELESS = 777
LATITUDE = 41.1024
STARTS = (
    "import sys; from models import schema; from models.base import Store; schema.upgrade(Store(sys.argv[1]))"
)


class Stopped(BaseException):
    """As if the process had been killed."""


class TestAnOldDatabase:
    def test_keeps_every_row_and_gives_those_without_a_time_a_fixed_moment(self, old: Store) -> None:
        before = rows(old)

        assert schema.upgrade(old)

        assert rows(old) == [row._replace(sent_at=row.sent_at or NO_TIME) for row in before]
        with old.writing() as connection:
            assert schema.drift(connection) == []
            erase(connection, "oA", None)
            left = sa.select(interactions.c.openid).where(interactions.c.content.is_not(None))
            assert set(connection.execute(left).scalars()) == {"oB"}

    def test_stopped_at_every_step_loses_nothing_and_goes_on(self, old: Store) -> None:
        """Each time one step further, and some in what came after this release; meanwhile the old program answers, and its
        changes are not lost."""
        before, last = rows(old), 0
        for step in itertools.chain(range(1, 25), itertools.count(25, 7)):
            try:
                with killed_at(step):
                    schema.upgrade(old)
            except Stopped:
                with old.writing() as connection:
                    connection.execute(sa.update(SAID).where(SAID.c.id == 1).values(reply=f"{step}"))
                if not schema.standing(old).current:
                    assert [row.id for row in rows(old)] == [row.id for row in before]
                last = step
                continue
            break

        assert last > 3
        after = rows(old)
        assert after[0].reply == f"{last}"
        assert [row._replace(reply="") for row in after] == [
            row._replace(reply="", sent_at=row.sent_at or NO_TIME) for row in before
        ]
        with old.reading() as connection:
            assert schema.drift(connection) == []
            assert not [name for name in sa.inspect(connection).get_table_names() if name.endswith("new")]

    def test_that_is_small_is_changed_without_a_word(self, old: Store, capsys) -> None:
        schema.upgrade(old)

        assert capsys.readouterr().out == ""

    def test_that_is_large_says_beforehand_how_long_and_how_much_room_and_then_how_far(
        self, old: Store, capsys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(progress, "MANY", 10)

        schema.upgrade(old)

        told = capsys.readouterr().out
        assert "60,001 条消息" in told
        assert "分钟" in told
        assert "GB" in told
        assert "60,001 / 60,001 条" in told

    def test_keeps_nobodys_place(self, old: Store) -> None:
        schema.upgrade(old)

        with old.reading() as connection:
            columns = {column["name"] for column in sa.inspect(connection).get_columns("followers")}
            assert not [name for name in columns if "place" in name]
            found = connection.execute(sa.select(followers.c.openid, followers.c.remark)).all()
        assert sorted(map(tuple, found)) == [("oA", "王师傅"), ("oB", "王师傅")]
        if old.dialect == "sqlite":
            old.close()
            assert struct.pack(">d", LATITUDE) not in Path(str(old.url.database)).read_bytes()


class TestSQLite:
    def test_makes_one_backup_however_often_it_is_stopped(self, lone: Store, tmp_path: Path) -> None:
        for step in (5, 6, 7):
            with killed_at(step), pytest.raises(Stopped):
                backup.bring_up(lone, tmp_path / "backups", NOW + timedelta(seconds=step))

        backup.bring_up(lone, tmp_path / "backups", NOW + timedelta(minutes=1))

        (kept,) = (tmp_path / "backups").iterdir()
        assert proof.prove(kept).problems == []

    def test_is_left_alone_where_the_disk_has_no_room(
        self, lone: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = rows(lone)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))  # type: ignore[attr-defined]

        with pytest.raises(schema.CannotUpgrade, match="腾出"):
            schema.upgrade(lone)

        assert rows(lone) == before
        assert schema.standing(lone).revision == OLD


def test_a_backup_of_the_old_release_is_put_back_on_any_database(
    lone: Store, bare_url: str, tmp_path: Path
) -> None:
    before = rows(lone)
    made = backup.make(lone, tmp_path, NOW)

    assert backups.verify(made) == 0
    with closing(Store(bare_url)) as another:
        assert backups.restore(another, made, tmp_path, NOW) == 0
        assert rows(another) == [row._replace(sent_at=row.sent_at or NO_TIME) for row in before]


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_a_million_rows_are_kept_however_often_the_process_is_killed(bare_url: str, capsys) -> None:
    with closing(Store(bare_url)) as store:
        lay_old(store)
        lay_million(store)
        before, begun, killed = sums(store), time.monotonic(), 0

        while not upgraded(bare_url, within_s=0.5 + 1.5 * killed):
            killed += 1
            assert sums(store) == before  # the old program can still read all of it

        assert sums(store) == before
        assert schema.standing(store).current
        with store.reading() as connection:
            assert schema.drift(connection) == []
    with capsys.disabled():
        print(f"\n{store.dialect}: {killed} kills, {time.monotonic() - begun:.0f} s")


# --- cast --------------------------------------------------------------------------------------------------------

SAID = sa.table(
    "interactions",
    sa.column("id"), sa.column("dedupe_key"), sa.column("openid"), sa.column("msg_type"), sa.column("content"),
    sa.column("sent_at", Utc()), sa.column("received_at", Utc()), sa.column("raw"), sa.column("reply"), sa.column("state"),
    sa.column("topic"), sa.column("missed", sa.Boolean()), sa.column("previous"),
)  # fmt: skip
PEOPLE = sa.table(
    "followers",
    sa.column("openid"), sa.column("subscribed", sa.Boolean()), sa.column("first_seen_at", Utc()),
    sa.column("last_seen_at", Utc()), sa.column("remark"), sa.column("latest"), sa.column("place_x"),
    sa.column("place_y"), sa.column("place_at", Utc()),
)  # fmt: skip


class Said(NamedTuple):
    """A row of `interactions`, before or after."""

    id: int
    dedupe_key: str
    openid: str
    msg_type: str
    content: str | None
    sent_at: datetime | None
    received_at: datetime
    raw: str | None
    reply: str | None
    state: str
    topic: str | None
    missed: bool
    previous: int | None


def rows(store: Store) -> list[Said]:
    with store.reading() as connection:
        return [Said(*row) for row in connection.execute(sa.select(SAID).order_by(SAID.c.id))]


def lay_old(store: Store) -> None:
    """A database of the old release: two people who wrote by turns, over so many numbers that they go in several steps."""
    with store.writing() as connection:
        command.upgrade(schema._config(connection), OLD)
        last: dict[str, int] = {}
        for number, openid in zip((1, 2, 3, 25_000, 40_000, 60_001), "ABABBA", strict=True):
            openid = f"o{openid}"
            at = NOW - timedelta(days=400) + number * timedelta(minutes=9)
            connection.execute(
                sa.insert(SAID).values(
                    id=number, dedupe_key=f"{7919 * number % 65536:064x}", openid=openid, msg_type="text",
                    content=f"第{number}句🎉", raw="<xml>🎉</xml>", reply="好", sent_at=None if number == 3 else at,
                    received_at=at, state="answered", topic=None, missed=False,
                    previous=last.get(openid) if store.dialect == "sqlite" else None,
                )
            )  # fmt: skip
            last[openid] = number
        for openid, number in last.items():
            connection.execute(
                sa.insert(PEOPLE).values(
                    openid=openid, subscribed=True, first_seen_at=NOW, last_seen_at=NOW, remark="王师傅",
                    latest=number if store.dialect == "sqlite" else None, place_x=LATITUDE, place_y=122.5, place_at=NOW,
                )
            )  # fmt: skip


SERIES = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {last})",
    "postgresql": "WITH n(i) AS (SELECT generate_series(100000, {last} - 1))",
    "mysql": "",
}
KEYS = {"sqlite": "printf('%064d', i * 7919 % 1000003)", "postgresql": "lpad((i::bigint * 7919 % 1000003)::text, 64, '0')",
        "mysql": "lpad(i * 7919 % 1000003, 64, '0')"}  # fmt: skip
MOMENTS = {"sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + i, 'unixepoch')",
           "postgresql": "to_timestamp(1700000000 + i)", "mysql": "from_unixtime(1700000000 + i)"}  # fmt: skip
JOINED = {
    "sqlite": "'oMany' || i % 5000",
    "postgresql": "'oMany' || i % 5000",
    "mysql": "concat('oMany', i % 5000)",
}


def lay_million(store: Store) -> None:
    kind = "mysql" if store.dialect == "mariadb" else store.dialect
    numbers = (
        f"(SELECT seq AS i FROM seq_100000_to_{99_999 + MILLION}) AS n"
        if kind == "mysql"
        else "n"
    )  # fmt: skip
    select = (
        f"SELECT i, {KEYS[kind]}, {JOINED[kind]}, 'text', '工伤', CASE WHEN i % {TIMELESS} = 0 THEN NULL ELSE {MOMENTS[kind]} END, "
        f"{MOMENTS[kind]}, '{'x' * 330}', '{'y' * 500}', 'answered', false FROM {numbers}"
    )
    head = SERIES[kind].format(last=100_000 + MILLION)
    into = "INSERT INTO interactions (id, dedupe_key, openid, msg_type, content, sent_at, received_at, raw, reply, state, missed)"
    engine = schema.make_engine(store.url, writes=True, statement_s=600)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"{head} {into} {select}".replace("%", "%%" if kind != "sqlite" else "%"))
    engine.dispose()


def sums(store: Store) -> tuple[Any, ...]:
    """What is the same of all rows before and after, but their times."""
    engine = schema.make_engine(store.url, writes=False, statement_s=600)
    size = sa.func.length
    i = SAID.c
    query = sa.select(
        sa.func.count(), sa.func.sum(i.id), sa.func.min(i.dedupe_key), sa.func.max(i.dedupe_key), sa.func.min(i.received_at),
        sa.func.max(i.received_at), sa.func.sum(size(i.raw)), sa.func.sum(size(i.reply)), sa.func.sum(size(i.openid)),
        sa.func.sum(size(i.content)), sa.func.count(i.dedupe_key.distinct()),
    )  # fmt: skip
    try:
        with engine.connect() as connection:
            return tuple(connection.execute(query).one())
    finally:
        engine.dispose()


def upgraded(url: str, within_s: float) -> bool:
    """Whether another process upgraded the database in that time; it is killed when it did not."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTS, url], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as started:
        try:
            return started.wait(within_s) == 0
        except subprocess.TimeoutExpired:
            started.kill()
            return False


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """In the block, the process seems to be killed before its step-th statement that changes something."""
    left = itertools.count(step, -1)

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.split(maxsplit=1)[0] in CHANGES and next(left) == 1:
            raise Stopped

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        yield
    except sa.exc.PendingRollbackError as fault:
        if not isinstance(fault.__context__, Stopped):
            raise
        raise Stopped from fault  # a copy that is stopped wants to tidy up, for which a killed process has no time
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)


CHANGES = {"CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"}


@pytest.fixture
def old(bare_url: str) -> Iterator[Store]:
    """A database of the old release, on each kind in turn."""
    with closing(Store(bare_url)) as store:
        lay_old(store)
        yield store


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Store]:
    """The same on SQLite."""
    with closing(Store(f"sqlite:///{tmp_path}/lone.db")) as store:
        lay_old(store)
        yield store
