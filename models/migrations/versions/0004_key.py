"""The key of interactions begins with the time, and nobody's place is kept.

The long part (`prepare`) goes in steps that stand by themselves, so that whoever is stopped in it goes on where it was:
SQLite copies the rows into a table beside the old one, PostgreSQL builds the new indexes, MariaDB rebuilds the table.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from models import progress
from models.base import Id, Number, Utc, Words
from models.progress import bar, watched
from models.schema import CannotUpgrade

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 20_000
PLACE = ("place_x", "place_y", "place_at")
NOTICE = """\
数据库要升级一次：给大约 {rows:,} 条消息换一种排法，一条也不会少。
大约要 {minutes} 分钟，这段时间不能回答职工；数据库的磁盘上要空着大约 {need:.1f} GB。
中途停电、停机都不要紧，再启动时从停下的地方接着做。"""
COLUMNS = (
    "id", "dedupe_key", "openid", "msg_type", "event", "event_key", "content", "msg_id", "sent_at", "received_at", "raw",
    "reply", "state", "topic", "missed", "previous",
)  # fmt: skip
CHANGING = ("content", "raw", "reply", "state", "topic", "missed")  # of a row that stands


def begun(connection: sa.Connection) -> bool:
    """Whether somebody was stopped in `prepare`, so that a backup was made already."""
    return connection.dialect.name == "sqlite" and sa.inspect(connection).has_table("interactions_new")


def prepare(connection: sa.Connection) -> None:
    """The long part. `connection` is in no transaction; what is done stays done. Raises CannotUpgrade."""
    rows = connection.execute(sa.text("SELECT COALESCE(MAX(id), 0) FROM interactions")).scalar_one()
    connection.rollback()
    LONG[connection.dialect.name](connection, rows)
    connection.rollback()


def upgrade() -> None:
    """What is left, at once."""
    bind = op.get_bind()
    SHORT[bind.dialect.name](bind)
    there = [
        column["name"] for column in sa.inspect(bind).get_columns("followers") if column["name"] in PLACE
    ]
    if not there:  # MariaDB commits each step, and may have been stopped after the last
        return
    op.execute(
        "UPDATE followers SET place_x = NULL, place_y = NULL, place_at = NULL WHERE place_at IS NOT NULL"
    )
    if bind.dialect.name == "sqlite":
        for name in there:
            op.drop_column("followers", name)
    else:
        written = (
            "" if bind.dialect.name == "postgresql" else ", FORCE"
        )  # MariaDB would leave the values in the rows
        op.execute(f"ALTER TABLE followers {', '.join(f'DROP COLUMN {name}' for name in there)}{written}")


def _tell(rows: int, minutes: float, need_bytes: float) -> None:
    if rows >= progress.MANY:
        print(NOTICE.format(rows=rows, minutes=max(1, round(minutes)), need=need_bytes / 1e9), flush=True)


# --- SQLite: a table beside the old one ----------------------------------------------------------------------------


def _copy(connection: sa.Connection, rows: int) -> None:
    """The rows in the order of their numbers, many in a transaction; a trigger has the copies follow their originals."""
    there = begun(connection)
    connection.rollback()
    _tell_sqlite(connection, rows, room=not there)
    if not there:
        with connection.begin():
            _lay_beside(connection)
    done = _copied(connection)
    connection.rollback()
    with bar("整理消息", rows, done) as reach:
        while done < rows:
            with connection.begin():
                _copy_some(connection, done, done + BATCH)
            done += BATCH
            reach(done)
    if rows >= progress.MANY:
        print("正在收尾，请再等一会儿。", flush=True)


def _tell_sqlite(connection: sa.Connection, rows: int, *, room: bool) -> None:
    path = Path(str(connection.engine.url.database))
    need, free = int(2.2 * path.stat().st_size), shutil.disk_usage(path.parent).free
    _tell(rows, rows / 700_000, need)
    if room and free < need:
        raise CannotUpgrade(
            f"数据库升级要空着 {need / 1e9:.1f} GB 磁盘，现在只有 {free / 1e9:.1f} GB。请腾出地方再启动；数据库没有变。"
        )


def _lay_beside(connection: sa.Connection) -> None:
    sa.Table(
        "interactions_new",
        sa.MetaData(),
        sa.Column("id", Number(), primary_key=True, autoincrement=True),
        sa.Column("dedupe_key", Id(64), nullable=False),
        sa.Column("openid", Id(128), nullable=False),
        sa.Column("msg_type", Id(64), nullable=False),
        sa.Column("event", Id(64)),
        sa.Column("event_key", Words()),
        sa.Column("content", Words()),
        sa.Column("msg_id", Id(64)),
        sa.Column("sent_at", Utc(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("raw", Words()),
        sa.Column("reply", Words()),
        sa.Column("state", Id(16), nullable=False),
        sa.Column("topic", Words()),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("previous", Number()),
        sa.Index("uq_interactions_key", "sent_at", "dedupe_key", unique=True),
    ).create(connection)
    follow = ", ".join(f"{name} = new.{name}" for name in CHANGING)
    connection.exec_driver_sql(
        f"CREATE TRIGGER interactions_follow AFTER UPDATE ON interactions "  # noqa: S608 - our own names
        f"BEGIN UPDATE interactions_new SET {follow} WHERE id = new.id; END"
    )


def _copy_some(connection: sa.Connection, after: int, until: int) -> None:
    values = ", ".join(COLUMNS).replace("sent_at", "COALESCE(sent_at, '1970-01-01 00:00:00.000000')")
    connection.exec_driver_sql(
        f"INSERT INTO interactions_new ({', '.join(COLUMNS)}) SELECT {values} FROM interactions "  # noqa: S608
        "WHERE id > ? AND id <= ? ORDER BY id",
        (after, until),
    )


def _copied(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("SELECT COALESCE(MAX(id), 0) FROM interactions_new")).scalar_one())


def _change_places(bind: sa.Connection) -> None:
    """The new table takes the old one's place, with what came last. What the old one held is overwritten."""
    op.execute("PRAGMA secure_delete=ON")
    if not begun(bind):
        _lay_beside(bind)
    _copy_some(bind, _copied(bind), 1 << 62)
    op.drop_table("interactions")
    op.rename_table("interactions_new", "interactions")
    op.create_index("ix_interactions_received_at", "interactions", ["received_at"])
    op.create_index(
        "ix_interactions_first", "interactions", ["openid"], sqlite_where=sa.text("previous IS NULL")
    )


# --- PostgreSQL and MariaDB: in place ------------------------------------------------------------------------------

NO_TIME = "UPDATE interactions SET sent_at = '1970-01-01 00:00:00' WHERE sent_at IS NULL"
INDEXES = {
    "uq_interactions_key": "UNIQUE INDEX IF NOT EXISTS uq_interactions_key ON interactions (sent_at, dedupe_key)",
    "ix_interactions_person": "INDEX IF NOT EXISTS ix_interactions_person ON interactions "
    "(date_trunc('month', received_at AT TIME ZONE 'UTC'), openid)",
}
KEY_BYTES = 200  # of a row in these, and of the log of it
INDEXED = (  # per cent
    "SELECT COALESCE(50.0 * blocks_done / NULLIF(blocks_total, 0), 0)"
    " + COALESCE(50.0 * tuples_done / NULLIF(tuples_total, 0), 0)"
    " FROM pg_stat_progress_create_index WHERE datname = current_database()"
)
REBUILD = (
    "ALTER TABLE interactions MODIFY sent_at DATETIME(6) NOT NULL, "
    "ADD UNIQUE INDEX IF NOT EXISTS uq_interactions_key (sent_at, dedupe_key), "
    "DROP INDEX IF EXISTS uq_interactions_dedupe_key"
)
REBUILT = (  # per cent
    "SELECT VARIABLE_VALUE / 100 FROM information_schema.global_status"
    " WHERE VARIABLE_NAME = 'Innodb_onlineddl_pct_progress'"
)
SIZE = (
    "SELECT data_length + index_length FROM information_schema.tables"
    " WHERE table_schema = database() AND table_name = 'interactions'"
)


def _index(connection: sa.Connection, rows: int) -> None:
    _tell(rows, rows / 3_000_000, rows * KEY_BYTES)
    connection.exec_driver_sql("SET maintenance_work_mem = '256MB'")
    for what in INDEXES.values():
        with watched(connection.engine, INDEXED, "整理消息", rows):
            connection.exec_driver_sql(f"CREATE {what}")


def _use_the_indexes(bind: sa.Connection) -> None:
    for what in INDEXES.values():
        op.execute(f"CREATE {what}")
    op.execute(NO_TIME.replace("00'", "00+00'"))
    op.execute("ALTER TABLE interactions ALTER COLUMN sent_at SET NOT NULL")
    op.execute("ALTER TABLE interactions DROP CONSTRAINT uq_interactions_dedupe_key")
    op.execute("DROP INDEX ix_interactions_openid")


def _rebuild(connection: sa.Connection, rows: int = 0) -> None:
    columns = {column["name"]: column for column in sa.inspect(connection).get_columns("interactions")}
    if not columns["sent_at"]["nullable"]:
        return
    _tell(rows, rows / 700_000, float(connection.exec_driver_sql(SIZE).scalar() or 0))
    with watched(connection.engine, REBUILT, "整理消息", rows):
        connection.exec_driver_sql(NO_TIME)
        connection.exec_driver_sql(REBUILD)


LONG: dict[str, Callable[[sa.Connection, int], None]] = {
    "sqlite": _copy, "postgresql": _index, "mysql": _rebuild, "mariadb": _rebuild,
}  # fmt: skip
SHORT: dict[str, Callable[[sa.Connection], None]] = {
    "sqlite": _change_places, "postgresql": _use_the_indexes, "mysql": _rebuild, "mariadb": _rebuild,
}  # fmt: skip
