"""Backups, as whoever runs the platform meets them: made while it works, proved, put back, carried to a server."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage
import pytest
import sqlalchemy as sa
from ledger_cast import begin, follow, worker
from phone_cast import ACCOUNT, Watch, webhook

import app
from commands import backup as backups
from commands.start import prepare
from models import backup, erasure, holder, proof, schema, seal, shared, use
from models.base import Store
from models.delivery import deliveries
from models.follower import followers
from models.interaction import interactions
from models.push import pushes
from wx.simulator import Phone, Platform

if TYPE_CHECKING:
    from conftest import Scratch

NOW = datetime(2027, 2, 20, 2, 0, tzinfo=UTC)


def test_what_was_said_is_back_after_a_restore(opened: Store, folder: Path, another: Store) -> None:
    speak(opened, "o1", "高温费怎么领🌞")
    assert backups.back_up(opened, folder, NOW) == 0
    (made,) = folder.iterdir()

    assert backups.restore(another, made, folder, NOW) == 0

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

    assert backups.restore(server, made, folder, NOW) == 0

    with server.reading() as connection:
        rows = connection.execute(sa.select(followers.c.openid, followers.c.last_seen_at)).all()
    assert sorted(rows) == [("oABC", NOW), ("oabc", NOW)]


def test_after_a_restore_nothing_goes_out_until_a_person_says_so(opened: Store, folder: Path, capsys) -> None:
    made = backup.make(opened, folder, NOW)

    assert backups.restore(opened, made, folder, NOW) == 0

    with opened.reading() as connection:
        assert "unhalt" in (shared.halted(connection) or "")
    assert "unhalt" in capsys.readouterr().out


def test_a_restore_keeps_the_database_that_it_replaces(lone: Store, folder: Path) -> None:
    made = backup.make(lone, folder, NOW)
    speak(lone, "o1", "备份之后说的")

    assert backups.restore(lone, made, folder, NOW + timedelta(hours=1)) == 0

    assert said(lone) == []
    (kept,) = folder.glob("before-restore-*.db")
    assert proof.prove(kept).rows["interactions"] == 1


@pytest.mark.parametrize(("first", "last"), [(0, None), (0, 100), (8, None)])
def test_a_database_whose_file_is_damaged_can_be_restored_and_is_set_aside(
    lone: Store, folder: Path, first: int, last: int | None
) -> None:
    speak(lone, "o1", "还在备份里")
    made = backup.make(lone, folder, NOW)
    lone.close()
    file = lone.file
    assert file is not None
    whole = file.read_bytes()
    start, end = first * 4096, len(whole) if last is None else last
    spoilt = whole[:start] + b"\xff" * (end - start) + whole[end:]
    file.write_bytes(spoilt)

    assert backups.restore(lone, made, folder, NOW) == 0

    assert said(lone) == ["还在备份里"]
    (aside,) = file.parent.glob(f"{file.name}.torn-*")
    assert aside.read_bytes() == spoilt


def test_a_restore_is_refused_while_a_worker_lives(opened: Store, folder: Path, capsys) -> None:
    made = backup.make(opened, folder, NOW)
    with opened.writing() as connection:
        shared.beat(connection, "w1", NOW)
    speak(opened, "o1", "还在")

    assert backups.restore(opened, made, folder, NOW) == 1

    assert "先停止" in capsys.readouterr().out
    assert said(opened) == ["还在"]


def test_a_database_server_that_holds_something_is_never_overwritten(
    server: Store, folder: Path, capsys
) -> None:
    made = backup.make(server, folder, NOW)
    speak(server, "o1", "不能丢")

    assert backups.restore(server, made, folder, NOW) == 1

    assert "空的数据库" in capsys.readouterr().out
    assert said(server) == ["不能丢"]


def test_a_damaged_backup_is_found_out_and_replaces_nothing(lone: Store, folder: Path, capsys) -> None:
    for number in range(50):
        speak(lone, f"o{number}", "字" * 500)
    made = backup.make(lone, folder, NOW)
    bytes_ = bytearray(made.read_bytes())
    bytes_[8192:20000] = b"\x00" * (20000 - 8192)
    made.write_bytes(bytes_)

    assert backups.verify(made) == 1
    assert backups.restore(lone, made, folder, NOW) == 1

    assert "不能用来恢复" in capsys.readouterr().out
    assert len(said(lone)) == 50


def test_a_backup_that_lacks_rows_is_found_out(lone: Store, folder: Path, capsys) -> None:
    speak(lone, "o1", "一")
    made = backup.make(lone, folder, NOW)
    with closing(sqlite3.connect(made)) as file, file:
        file.execute("DELETE FROM interactions")

    assert backups.verify(made) == 1

    assert "备份时有 1 行，恢复出来 0 行" in capsys.readouterr().out


def test_what_is_no_backup_is_refused_in_plain_words(tmp_path: Path, capsys) -> None:
    (tmp_path / "letter.txt").write_text("此致敬礼")

    assert backups.verify(tmp_path / "letter.txt") == 1
    assert backups.verify(tmp_path / "nothing.db") == 1

    told = capsys.readouterr().out
    assert "文件损坏，或者不是备份。" in told
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
    proofs = [proof.prove(backup.make(lone, folder, NOW + timedelta(seconds=second))) for second in range(5)]
    stop.set()
    thread.join()

    assert all(proof.problems == [] for proof in proofs)
    assert all(
        proof.rows["followers"] == proof.rows["interactions"] for proof in proofs
    )  # one moment, both tables
    assert len(said(lone)) == len(counted)


def test_only_the_newest_backups_stay(lone: Store, folder: Path) -> None:
    for day in range(4):
        assert backups.back_up(lone, folder, NOW + timedelta(days=day), keep=2) == 0

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

    assert backups.upgrade(lone, folder, NOW) == 1

    assert said(lone) == ["升级之前"]
    assert "没有升级" in capsys.readouterr().out


def test_an_older_backup_is_brought_up_to_date_when_it_is_put_back(
    opened: Store, folder: Path, another: Store, request: pytest.FixtureRequest
) -> None:
    speak(opened, "o1", "旧版本说的")
    made = backup.make(opened, folder, NOW)
    request.getfixturevalue("next_release")

    assert backups.restore(another, made, folder, NOW) == 0

    assert said(another) == ["旧版本说的，谢谢"]


def test_pushes_and_who_got_them_are_back_row_for_row(opened: Store, folder: Path, another: Store) -> None:
    follow(opened, [worker(1), worker(2)])
    begin(opened, [worker(1), worker(2)], name="lantern/festival")
    made = backup.make(opened, folder, NOW)

    assert backups.restore(another, made, folder, NOW) == 0

    for table in (pushes, deliveries):
        assert rows(another, table) == rows(opened, table)
    again = begin(another, [worker(1)], name="lantern/evening")  # the next push gets a number of its own
    assert again.id > 1


class TestProof:
    """Proof means proof: whatever was changed in a backup is found, and nothing of it is put back."""

    def test_three_changed_bytes_of_a_message_are_found_and_the_table_is_named(
        self, lone: Store, folder: Path, capsys
    ) -> None:
        speak(lone, "o1", "高温费怎么领")
        made = backup.make(lone, folder, NOW)
        whole = made.read_bytes()
        assert whole.count("怎".encode()) == 1
        made.write_bytes(whole.replace("怎".encode(), "这".encode()))

        assert backups.verify(made, folder) == 1
        assert backups.restore(lone, made, folder, NOW) == 1

        told = capsys.readouterr().out
        assert "“收到的消息”的内容被改动过" in told
        assert "interactions" not in told
        assert said(lone) == ["高温费怎么领"]

    @pytest.mark.parametrize(
        "tampering",
        [
            "UPDATE interactions SET content = '改过的话'",
            "UPDATE followers SET openid = 'oX'",
            "INSERT INTO shared (name, value, updated_at) VALUES ('halt', 'x', '2027-01-01')",
            "UPDATE backup_note SET value = '2020-01-01T00:00:00+00:00' WHERE name = 'made_at'",
            "UPDATE backup_note SET value = '7' WHERE name = 'rows:interactions'",
            "DELETE FROM backup_note WHERE name = 'seal'",
            "DELETE FROM backup_note",
            "DROP TABLE backup_note",
            "CREATE TRIGGER evil AFTER INSERT ON interactions BEGIN DELETE FROM followers; END",
            "CREATE VIEW evil AS SELECT openid FROM followers",
            "CREATE TABLE evil (x)",
            "CREATE INDEX evil ON interactions (content)",
            "DROP TABLE followers",
            "UPDATE sqlite_sequence SET seq = 99",
        ],
    )
    def test_whatever_was_tampered_with_is_refused(
        self, tampering: str, lone: Store, folder: Path, capsys
    ) -> None:
        speak(lone, "o1", "原来的话")
        made = backup.make(lone, folder, NOW)
        with closing(sqlite3.connect(made)) as file, file:
            if "sqlite_sequence" in tampering and not _has(file, "sqlite_sequence"):
                tampering = "UPDATE alembic_version SET version_num = '0001'"
            file.execute(tampering)

        assert backups.verify(made, folder) == 1
        assert backups.restore(lone, made, folder, NOW) == 1

        assert said(lone) == ["原来的话"]
        assert "Traceback" not in capsys.readouterr().out

    def test_a_forger_without_the_key_cannot_seal_it_anew(
        self, lone: Store, folder: Path, tmp_path: Path
    ) -> None:
        speak(lone, "o1", "原来的话")
        made = backup.make(lone, folder, NOW)
        with closing(sqlite3.connect(made)) as file, file:
            file.execute("UPDATE interactions SET content = '改过的话'")
            notes = dict(file.execute("SELECT name, value FROM backup_note"))
            wrong = b"x" * 32
            forged = {**notes, **{f"mac:{name}": mac for name, mac in seal.digests(file, wrong).items()}}
            forged["seal"] = seal.seal(forged, wrong)
            file.executemany("UPDATE backup_note SET value = ?2 WHERE name = ?1", forged.items())

        assert backups.verify(made, folder) == 1
        assert seal.key_at(folder).stat().st_mode & 0o077 == 0
        assert folder not in seal.key_at(folder).parents  # who carries the folder away has no key

    def test_without_its_key_a_backup_is_taken_only_when_a_person_insists(
        self, lone: Store, folder: Path, tmp_path: Path, capsys
    ) -> None:
        speak(lone, "o1", "搬到新机器")
        made = backup.make(lone, folder, NOW)
        elsewhere = tmp_path / "new" / "backups"
        elsewhere.mkdir(parents=True)
        carried = Path(shutil.copy(made, elsewhere))
        with closing(Store(f"sqlite:///{tmp_path}/new/new.db")) as store:
            assert backups.restore(store, carried, elsewhere, NOW) == 1
            assert "backup.key" in capsys.readouterr().out

            assert backups.restore(store, carried, elsewhere, NOW, unproved=True) == 0
            assert said(store) == ["搬到新机器"]

            shutil.copy(seal.key_at(folder), seal.key_at(elsewhere))
            assert backups.verify(carried, elsewhere) == 0

    def test_a_restore_is_refused_while_pages_are_served(self, lone: Store, folder: Path, capsys) -> None:
        made = backup.make(lone, folder, NOW)
        held = use.occupy(lone)  # as `serve` does when it starts, and it has no heart
        assert held is not None

        assert backups.restore(lone, made, folder, NOW) == 1
        assert "systemctl stop gonghui-serve" in capsys.readouterr().out

        os.close(held)
        assert backups.restore(lone, made, folder, NOW) == 0

    def test_whatever_serves_the_pages_says_so_from_its_first_moment(
        self, lone: Store, folder: Path, tmp_path: Path, capsys
    ) -> None:
        made = backup.make(lone, folder, NOW)
        config = tmp_path / "config.toml"
        config.write_text(
            f"[account]\napp_id = 'wx1'\napp_secret = 'secret'\ntoken = 'token'\nencoding_aes_key = '{'a' * 43}'\n"
            f"[database]\nurl = 'sqlite:///{lone.url.database}'\n"
        )
        config.chmod(0o600)
        serving = app.Built(config, {})
        prepare(serving, listens=False)

        assert app.main(["db", "restore", str(made), "--config", str(config)]) == 1
        assert "systemctl stop gonghui-serve" in capsys.readouterr().out

        assert serving.held is not None
        os.close(serving.held)
        assert app.main(["db", "restore", str(made), "--config", str(config)]) == 0

    def test_a_restore_into_a_server_sees_those_who_are_connected_to_it(
        self, lone: Store, server: Store, folder: Path, capsys
    ) -> None:
        made = backup.make(lone, folder, NOW)
        url = server.url.render_as_string(hide_password=False)
        with closing(Store(url)) as serving, serving.reading() as connection:
            connection.execute(sa.text("SELECT 1"))
            assert backups.restore(server, made, folder, NOW) == 1
        assert "个连接" in capsys.readouterr().out

        assert backups.restore(server, made, folder, NOW) == 0

    def test_what_a_killed_backup_left_is_removed_by_the_next(self, lone: Store, folder: Path) -> None:
        speak(lone, "o1", "半份备份里的话")
        (folder / "gonghui-20270101-023000.db.part").write_bytes(b"half")
        (folder / "gonghui-20270101-023000.db.part-journal").write_bytes(b"half")
        (folder / "scratch-abc").mkdir()
        (folder / "scratch-abc" / "ready.db").write_bytes(b"half")

        made = backup.make(lone, folder, NOW)

        assert list(folder.iterdir()) == [made]

    def test_every_kind_of_copy_goes_after_thirty_days_but_the_newest(
        self, lone: Store, folder: Path
    ) -> None:
        old = NOW - timedelta(days=31)
        for why in ("before-upgrade", "before-restore", "gonghui"):
            backup.make(lone, folder, old, why)
        (folder / "gonghui-20270101T023000Z.db").write_bytes(b"as they were named before")

        assert backups.back_up(lone, folder, NOW) == 0

        assert [path.name for path in folder.iterdir()] == ["gonghui-20270220-100000.db"]

    def test_what_it_says_is_chinese_with_the_time_of_beijing(
        self, lone: Store, folder: Path, capsys
    ) -> None:
        speak(lone, "o1", "一")

        backups.back_up(lone, folder, NOW)

        told = capsys.readouterr().out
        assert f"备份 {folder.absolute()}/gonghui-20270220-100000.db" in told
        assert "2027-02-20 10:00（北京时间）" in told
        assert "收到的消息　1 条" in told
        assert not set(schema.known().tables) & set(re.findall(r"[a-z_]+", told))

    def test_an_encrypted_backup_opens_only_with_the_key_that_is_elsewhere(
        self, lone: Store, folder: Path, tmp_path: Path, capsys
    ) -> None:
        speak(lone, "o1", "不能给别人看的话")
        mine, strangers = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
        for name, identity in (("mine", mine), ("strangers", strangers)):
            (tmp_path / name).write_text(f"# created by age-keygen\n{identity}\n")

        assert backups.back_up(lone, folder, NOW, recipients=[str(mine.to_public())]) == 0

        (made,) = folder.iterdir()
        assert made.name == "gonghui-20270220-100000.db.age"
        assert "不能给别人看的话".encode() not in made.read_bytes()
        assert backups.verify(made, folder) == 1
        assert backups.verify(made, folder, tmp_path / "strangers") == 1
        assert backups.verify(made, folder, tmp_path / "mine") == 0
        assert backups.restore(lone, made, folder, NOW, identity=tmp_path / "mine") == 0
        assert said(lone) == ["不能给别人看的话"]
        assert "--identity" in capsys.readouterr().out


class TestWhoWasForgotten:
    """A restore does not bring back the words of who left or asked to be forgotten after the backup was made."""

    def test_the_database_that_is_replaced_remembers_them(self, lone: Store, folder: Path, capsys) -> None:
        speak(lone, "oLeft", "我要走了")
        speak(lone, "oStays", "我还在")
        made = backup.make(lone, folder, NOW)
        leave(lone, "oLeft", NOW + timedelta(minutes=5))

        assert backups.restore(lone, made, folder, NOW + timedelta(hours=1)) == 0

        assert said(lone) == [None, "我还在"]
        assert "1 个人" in capsys.readouterr().out
        assert "我要走了".encode() not in Path(str(lone.url.database)).read_bytes()

    def test_on_a_new_machine_the_file_beside_the_backups_remembers_them(
        self, opened: Store, folder: Path, another: Store, tmp_path: Path
    ) -> None:
        speak(opened, "oLeft", "我要走了")
        monday = backup.make(opened, folder, NOW)
        leave(opened, "oLeft", NOW + timedelta(minutes=5))
        backup.make(opened, folder, NOW + timedelta(days=1))

        (remembered,) = folder.glob("erasures-*.txt")
        assert "oLeft" not in remembered.read_text()
        assert remembered.stat().st_mode & 0o077 == 0
        assert backups.restore(another, monday, folder, NOW + timedelta(days=1)) == 0

        assert said(another) == [None]

    def test_they_stay_forgotten_over_any_number_of_restores(self, lone: Store, folder: Path) -> None:
        speak(lone, "oLeft", "我要走了")
        made = backup.make(lone, folder, NOW)
        leave(lone, "oLeft", NOW + timedelta(minutes=5))

        for hour in range(1, 4):
            assert backups.restore(lone, made, folder, NOW + timedelta(hours=hour)) == 0
            assert said(lone) == [None]

    def test_who_came_back_keeps_what_they_said_since(self, lone: Store, folder: Path) -> None:
        speak(lone, "o1", "以前的话")
        leave(lone, "o1", NOW + timedelta(minutes=5))
        with lone.writing() as connection:
            again = NOW + timedelta(minutes=10)
            connection.execute(
                interactions.insert().values(
                    dedupe_key="k2", openid="o1", msg_type="text", content="回来以后的话", sent_at=again,
                    received_at=again, state="answered", missed=False,
                )
            )  # fmt: skip
        made = backup.make(lone, folder, NOW + timedelta(minutes=20))

        assert backups.restore(lone, made, folder, NOW + timedelta(hours=1)) == 0

        assert said(lone) == [None, "回来以后的话"]

    def test_the_earlier_and_the_later_time_of_one_person_give_the_later(self, store: Store) -> None:
        with store.writing() as connection:
            erasure.remember(connection, "o1", NOW + timedelta(hours=2))
            erasure.remember(connection, "o1", NOW)
            memory = erasure.recall(connection)

        assert memory is not None
        assert memory.at("o1") == NOW + timedelta(hours=2)
        assert memory.at("o2") is None

    def test_a_follower_who_leaves_over_the_webhook_is_remembered(self, store: Store) -> None:
        hook = webhook(store, Watch().clock())
        platform = Platform(ACCOUNT, hook.answer, now=Watch().clock().now)
        phone = Phone(platform, "王师傅")
        phone.follows()
        phone.says("我的工资没有发")
        phone.unfollows()
        platform.settle(10)
        platform.close()

        with store.reading() as connection:
            memory = erasure.recall(connection)
        assert memory is not None
        assert memory.at(phone.openid) is not None


# --- cast --------------------------------------------------------------------------------------------------------


def speak(store: Store, openid: str, words: str) -> None:
    with store.writing() as connection:
        connection.execute(
            followers.insert().values(openid=openid, subscribed=True, first_seen_at=NOW, last_seen_at=NOW)
        )
        connection.execute(
            interactions.insert().values(
                dedupe_key=hashlib.sha256(f"{openid}-{words}".encode()).hexdigest(),
                openid=openid,
                msg_type="text",
                content=words,
                sent_at=NOW,
                received_at=NOW,
                state="answered",
                missed=False,
            )
        )


def leave(store: Store, openid: str, at: datetime) -> None:
    """As an unfollow does, or the button on the page 我的."""
    with store.writing() as connection:
        holder.forget(connection, openid, at, at)


def _has(file: sqlite3.Connection, table: str) -> bool:
    return bool(file.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())


def rows(store: Store, table: sa.Table) -> list[tuple[object, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]


def said(store: Store) -> list[str | None]:
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
def opened(database_kind: str, scratch: Scratch, tmp_path: Path) -> Iterator[Store]:
    """A database brought up to date, on each kind in turn."""
    with closing(Store(scratch.revised(database_kind, tmp_path))) as store:
        yield store


@pytest.fixture
def another(database_kind: str, scratch: Scratch, tmp_path: Path) -> Iterator[Store]:
    """A second database of that kind, without any table."""
    with closing(Store(scratch.bare(database_kind, tmp_path, "another"))) as store:
        yield store


@pytest.fixture
def lone(scratch: Scratch, tmp_path: Path) -> Iterator[Store]:
    """A SQLite database brought up to date."""
    with closing(Store(scratch.revised("sqlite", tmp_path, "lone"))) as store:
        yield store


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest, scratch: Scratch, tmp_path: Path) -> Iterator[Store]:
    """A database brought up to date on each kind of server in turn."""
    with closing(Store(scratch.revised(request.param, tmp_path))) as store:
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
