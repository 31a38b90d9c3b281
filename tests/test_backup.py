"""Backups, as whoever runs the platform meets them: made while it works, proved, put back, carried to a server."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from ledger_cast import begin, follow, worker

from models import backup, schema, shared
from models.base import Store
from models.delivery import deliveries
from models.follower import followers
from models.interaction import interactions
from models.push import pushes

if TYPE_CHECKING:
    from conftest import Scratch

NOW = datetime(2027, 2, 20, 2, 0, tzinfo=UTC)


def test_what_was_said_is_back_after_a_restore(opened: Store, folder: Path, another: Store) -> None:
    speak(opened, "o1", "高温费怎么领🌞")
    assert backup.back_up(opened, folder, NOW) == 0
    (made,) = folder.iterdir()

    assert backup.restore(another, made, folder, NOW) == 0

    assert said(another) == ["高温费怎么领🌞"]
    assert schema.standing(another).current
    speak(another, "o2", "之后的消息")  # the next row gets a number of its own
    assert said(another) == ["高温费怎么领🌞", "之后的消息"]


def test_a_union_that_grows_takes_its_rows_from_one_machine_to_a_server(
    lone: Store, server: Store, folder: Path
) -> None:
    speak(lone, "oABC", "微心愿🎁")
    speak(lone, "oabc", "大小写不同的人")
    made = backup.make(lone, folder, NOW)

    assert backup.restore(server, made, folder, NOW) == 0

    with server.reading() as connection:
        rows = connection.execute(sa.select(followers.c.openid, followers.c.last_seen_at)).all()
    assert sorted(rows) == [("oABC", NOW), ("oabc", NOW)]


def test_after_a_restore_nothing_goes_out_until_a_person_says_so(opened: Store, folder: Path, capsys) -> None:
    made = backup.make(opened, folder, NOW)

    assert backup.restore(opened, made, folder, NOW) == 0

    with opened.reading() as connection:
        assert "unhalt" in (shared.halted(connection) or "")
    assert "unhalt" in capsys.readouterr().out


def test_a_restore_keeps_the_database_that_it_replaces(lone: Store, folder: Path) -> None:
    made = backup.make(lone, folder, NOW)
    speak(lone, "o1", "备份之后说的")

    assert backup.restore(lone, made, folder, NOW + timedelta(hours=1)) == 0

    assert said(lone) == []
    (kept,) = folder.glob("before-restore-*.db")
    assert backup.prove(kept).rows["interactions"] == 1


def test_a_restore_is_refused_while_a_worker_lives(opened: Store, folder: Path, capsys) -> None:
    made = backup.make(opened, folder, NOW)
    with opened.writing() as connection:
        shared.beat(connection, "w1", NOW)
    speak(opened, "o1", "还在")

    assert backup.restore(opened, made, folder, NOW) == 1

    assert "先停止" in capsys.readouterr().out
    assert said(opened) == ["还在"]


def test_a_database_server_that_holds_something_is_never_overwritten(
    server: Store, folder: Path, capsys
) -> None:
    made = backup.make(server, folder, NOW)
    speak(server, "o1", "不能丢")

    assert backup.restore(server, made, folder, NOW) == 1

    assert "空的数据库" in capsys.readouterr().out
    assert said(server) == ["不能丢"]


def test_a_damaged_backup_is_found_out_and_replaces_nothing(lone: Store, folder: Path, capsys) -> None:
    for number in range(50):
        speak(lone, f"o{number}", "字" * 500)
    made = backup.make(lone, folder, NOW)
    bytes_ = bytearray(made.read_bytes())
    bytes_[8192:20000] = b"\x00" * (20000 - 8192)
    made.write_bytes(bytes_)

    assert backup.verify(made) == 1
    assert backup.restore(lone, made, folder, NOW) == 1

    assert "不能用来恢复" in capsys.readouterr().out
    assert len(said(lone)) == 50


def test_a_backup_that_lacks_rows_is_found_out(lone: Store, folder: Path, capsys) -> None:
    speak(lone, "o1", "一")
    made = backup.make(lone, folder, NOW)
    with closing(sqlite3.connect(made)) as file, file:
        file.execute("DELETE FROM interactions")

    assert backup.verify(made) == 1

    assert "备份时有 1 行，恢复出来 0 行" in capsys.readouterr().out


def test_what_is_no_backup_is_refused_in_plain_words(tmp_path: Path, capsys) -> None:
    (tmp_path / "letter.txt").write_text("此致敬礼")

    assert backup.verify(tmp_path / "letter.txt") == 1
    assert backup.verify(tmp_path / "nothing.db") == 1

    told = capsys.readouterr().out
    assert "不是备份" in told
    assert "找不到备份文件" in told


def test_messages_that_arrive_during_a_backup_are_not_held_up_and_the_backup_is_whole(
    lone: Store, folder: Path
) -> None:
    stop, counted = threading.Event(), []

    def chatter() -> None:
        while not stop.is_set():
            speak(lone, f"o{len(counted)}", "在线")
            counted.append(1)

    thread = threading.Thread(target=chatter)
    thread.start()
    proofs = [backup.prove(backup.make(lone, folder, NOW + timedelta(seconds=second))) for second in range(5)]
    stop.set()
    thread.join()

    assert all(proof.problems == [] for proof in proofs)
    assert all(
        proof.rows["followers"] == proof.rows["interactions"] for proof in proofs
    )  # one moment, both tables
    assert len(said(lone)) == len(counted)


def test_only_the_newest_backups_stay(lone: Store, folder: Path) -> None:
    for day in range(4):
        assert backup.back_up(lone, folder, NOW + timedelta(days=day), keep=2) == 0

    assert [path.name for path in sorted(folder.iterdir())] == [
        "gonghui-20270222-100000.db",
        "gonghui-20270223-100000.db",
    ]


def test_a_backup_is_for_its_owner_only_and_carries_no_access_token(opened: Store, folder: Path) -> None:
    with opened.writing() as connection:
        shared.write(connection, "token:access", "SECRET-TOKEN", NOW, NOW + timedelta(hours=2))

    made = backup.make(opened, folder, NOW)

    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert b"SECRET-TOKEN" not in made.read_bytes()


def test_an_upgrade_keeps_the_rows_and_makes_a_backup_before_it(
    lone: Store, folder: Path, next_release: str
) -> None:
    speak(lone, "o1", "升级之前")

    assert backup.bring_up(lone, folder, NOW) == (next_release,)

    assert said(lone) == ["升级之前，谢谢"]
    (kept,) = folder.glob("before-upgrade-*.db")
    with closing(sqlite3.connect(kept)) as file:
        assert file.execute("SELECT content FROM interactions").fetchall() == [("升级之前",)]


def test_an_upgrade_that_fails_changes_nothing(lone: Store, folder: Path, next_release: str, capsys) -> None:
    speak(lone, "o1", "升级之前")
    (schema.MIGRATIONS / "versions" / "9002.py").write_text(
        REVISION.format("9002", "9001", "UPDATE nothing SET x = 1")
    )

    assert backup.upgrade(lone, folder, NOW) == 1

    assert said(lone) == ["升级之前"]
    assert "没有升级" in capsys.readouterr().out


def test_an_older_backup_is_brought_up_to_date_when_it_is_put_back(
    opened: Store, folder: Path, another: Store, request: pytest.FixtureRequest
) -> None:
    speak(opened, "o1", "旧版本说的")
    made = backup.make(opened, folder, NOW)
    request.getfixturevalue("next_release")

    assert backup.restore(another, made, folder, NOW) == 0

    assert said(another) == ["旧版本说的，谢谢"]


def test_pushes_and_who_got_them_are_back_row_for_row(opened: Store, folder: Path, another: Store) -> None:
    follow(opened, [worker(1), worker(2)])
    begin(opened, [worker(1), worker(2)], name="lantern/festival")
    made = backup.make(opened, folder, NOW)

    assert backup.restore(another, made, folder, NOW) == 0

    for table in (pushes, deliveries):
        assert rows(another, table) == rows(opened, table)
    again = begin(another, [worker(1)], name="lantern/evening")  # the next push gets a number of its own
    assert again.id > 1


# --- cast --------------------------------------------------------------------------------------------------------


def speak(store: Store, openid: str, words: str) -> None:
    with store.writing() as connection:
        connection.execute(
            followers.insert().values(openid=openid, subscribed=True, first_seen_at=NOW, last_seen_at=NOW)
        )
        connection.execute(
            interactions.insert().values(
                dedupe_key=f"{openid}-{words}"[:64],
                openid=openid,
                msg_type="text",
                content=words,
                sent_at=NOW,
                received_at=NOW,
                state="answered",
                missed=False,
            )
        )


def rows(store: Store, table: sa.Table) -> list[tuple[object, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]


def said(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(
            connection.execute(sa.select(interactions.c.content).order_by(interactions.c.id)).scalars()
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
def opened(bare_url: str) -> Iterator[Store]:
    """A database brought up to date, on each kind in turn."""
    with closing(Store(bare_url)) as store:
        schema.upgrade(store)
        yield store


@pytest.fixture
def another(database_kind: str, scratch: Scratch, tmp_path: Path) -> Iterator[Store]:
    """A second database of that kind, without any table."""
    with closing(Store(scratch.bare(database_kind, tmp_path, "another"))) as store:
        yield store


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Store]:
    """A SQLite database brought up to date."""
    with closing(Store(f"sqlite:///{tmp_path}/lone.db")) as store:
        schema.upgrade(store)
        yield store


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest, scratch: Scratch, tmp_path: Path) -> Iterator[Store]:
    """A database brought up to date on each kind of server in turn."""
    with closing(Store(scratch.bare(request.param, tmp_path))) as store:
        schema.upgrade(store)
        yield store


REVISION = """
from alembic import op

revision, down_revision = "{}", "{}"


def upgrade() -> None:
    op.execute("{}")
"""


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """From here on the program is one release newer, and its database one revision."""
    folder = tmp_path / "next" / "migrations"
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = max((folder / "versions").glob("*.py")).name[:4]
    thanks = "UPDATE interactions SET content = replace(replace(content, '说的', '说的，谢谢'), '之前', '之前，谢谢')"
    (folder / "versions" / "9001.py").write_text(REVISION.format("9001", newest, thanks))
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    return "9001"
