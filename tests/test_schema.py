"""The schema: made from nothing, compared with the tables in the code, and changed by one process at a time."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import quick_start
import sqlalchemy as sa
from alembic import command
from conftest import Scratch

from models import schema
from models.base import Store
from models.interaction import erase, interactions

ROOT = Path(__file__).parent.parent


def test_an_empty_database_gets_exactly_the_tables_that_the_code_has(bare_url: str) -> None:
    with closing(Store(bare_url)) as store:
        assert schema.upgrade(store)

        assert schema.standing(store).current
        with store.reading() as connection:
            assert schema.drift(connection) == []
            assert sa.inspect(connection).get_table_names()


def test_the_drift_test_would_see_a_missing_column(bare_url: str) -> None:
    with closing(Store(bare_url)) as store:
        schema.upgrade(store)

        with store.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE followers DROP COLUMN remark")

        with store.reading() as connection:
            assert [change[0] for change in schema.drift(connection)] == ["add_column"]


def test_what_was_said_before_threads_can_still_be_forgotten(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path}/old.db")) as store:
        with store.writing() as connection:
            command.upgrade(schema._config(connection), "0001")
            for openid in ("oA", "oB"):
                connection.exec_driver_sql(
                    "INSERT INTO followers (openid, subscribed, first_seen_at, last_seen_at) VALUES (?, 1, ?, ?)",
                    (openid, "2026-01-01 00:00:00.000000", "2026-01-01 00:00:00.000000"),
                )
            for number, openid in enumerate(["oA", "oB", "oA", "oA", "oB"]):
                connection.exec_driver_sql(
                    "INSERT INTO interactions (dedupe_key, openid, msg_type, content, received_at, state, missed)"
                    " VALUES (?, ?, 'text', 'words', '2026-01-01 00:00:00.000000', 'answered', 0)",
                    (f"{number:064}", openid),
                )

        assert schema.upgrade(store)

        with store.writing() as connection:
            assert schema.drift(connection) == []
            erase(connection, "oA", None)
            left = sa.select(interactions.c.openid).where(interactions.c.content.is_not(None))
            assert connection.execute(left).scalars().all() == ["oB", "oB"]


def test_an_upgrade_that_was_stopped_between_two_steps_goes_on(scratch: Scratch, tmp_path: Path) -> None:
    with closing(Store(scratch.bare("mariadb", tmp_path))) as store:  # which commits each step by itself
        with store.writing() as connection:
            command.upgrade(schema._config(connection), "0001")
            connection.exec_driver_sql("ALTER TABLE followers ADD COLUMN latest BIGINT")

        assert schema.upgrade(store)

        with store.reading() as connection:
            assert schema.drift(connection) == []


def test_processes_that_start_together_upgrade_once(bare_url: str, tmp_path: Path) -> None:
    program = tmp_path / "starts.py"
    program.write_text(
        "import sys; from models import schema; from models.base import Store\n"
        "print(len(schema.upgrade(Store(sys.argv[1]))))"
    )

    said = [tmp_path / f"said-{number}" for number in range(6)]

    crew = []
    for each in said:
        with each.open("w") as out:
            crew.append(quick_start.start([str(program), bare_url], ROOT, out))
    codes = [process.wait(120) for process in crew]

    words = [each.read_text() for each in said]
    assert codes == [0] * 6, words
    applied = sorted(int(each) for each in words)
    assert applied[:5] == [0] * 5
    assert applied[5] > 0


def test_a_database_of_a_newer_release_is_left_alone(bare_url: str) -> None:
    with closing(Store(bare_url)) as store:
        schema.upgrade(store)
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

        with pytest.raises(schema.CannotUpgrade, match="9999"):
            schema.upgrade(store)

        assert not schema.standing(store).current


def test_whoever_waits_too_long_for_another_upgrade_gives_up_unharmed(bare_url: str) -> None:
    with closing(Store(bare_url)) as store, closing(Store(bare_url)) as other:
        with schema._alone(other.engine, 1), pytest.raises((schema.CannotUpgrade, sa.exc.OperationalError)):
            schema.upgrade(store, wait_s=0.5)

        assert schema.upgrade(store, wait_s=0.5)


def test_a_database_in_use_is_kept_before_it_is_changed(bare_url: str) -> None:
    with closing(Store(bare_url)) as store:
        kept: list[str] = []
        schema.upgrade(store, before=lambda: kept.append("empty"))
        schema.upgrade(store, before=lambda: kept.append("current"))
        with store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM alembic_version")

        assert kept == []  # nothing to lose, then nothing to do
        assert schema.standing(store).pending


def test_every_text_keeps_chinese_and_emoji_and_ids_differ_by_case(bare_url: str) -> None:
    with closing(Store(bare_url)) as store:
        schema.upgrade(store)
        tables = schema.known()
        for table in tables.sorted_tables:
            for column in table.columns:
                if not isinstance(column.type, sa.String):
                    continue
                words = "元宵🎉𠮷 "[: getattr(column.type, "length", None) or 99]
                with store.reading() as connection:
                    got = connection.execute(
                        sa.select(sa.cast(sa.literal(words, column.type), column.type))
                    ).scalar()
                assert got == words, column

        shared = tables.tables["shared"]
        now = datetime.now(UTC)
        with store.writing() as connection:
            for name in ("oABC", "oabc", "oABC "):
                connection.execute(shared.insert().values(name=name, value="工会🌸", updated_at=now))
        with store.reading() as connection:
            names = (
                connection.execute(sa.select(shared.c.name).where(shared.c.name == "oabc")).scalars().all()
            )
            words = connection.execute(sa.select(shared.c.value)).scalars().all()
        assert names == ["oabc"]
        assert words == ["工会🌸"] * 3
