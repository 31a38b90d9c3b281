"""Personal data lie sealed: who has the database, and not its key, reads nothing of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest
import sqlalchemy as sa
from desk_cast import Colleague, Pages, invite
from kind_cast import REQUEST, Union, campaign
from test_request import asks, called, opens
from webhook_cast import Door, text

from commands import backup as backups
from commands import key
from models import audit, interaction, keyring, recent, request, resealing, schema
from models.base import Connection, Store, metadata
from models.keyring import Keyring, KeyTrouble, NoKey
from models.sealed import SHUT, Marked, Sealed
from models.staff import staff

if TYPE_CHECKING:
    from conftest import Scratch

NOW = datetime(2027, 2, 20, 2, 0, tzinfo=UTC)
WORDS, UNIT, PHONE = "班长扣了我三个月的工资", "红旗机械厂", "13904271234"


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(REQUEST)])
    yield made
    made.close()


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database."""
    made = Union(store, [campaign(REQUEST)])
    yield made
    made.close()


def lying(store: Store, table: str, column: str) -> list[str]:
    """What stands in the database itself."""
    with store.reading() as connection:
        return list(connection.exec_driver_sql(f"SELECT {column} FROM {table} ORDER BY 1").scalars())


def in_clear(connection: Connection, number: str, words: str) -> None:
    """As an older release left it."""
    here = request.requests.c.id == request.id_of(number)
    plain = sa.type_coerce(sa.literal(words), sa.Text)
    connection.execute(request.requests.update().where(here).values(words=plain, phone=plain))


def read(union: Union, number: str) -> request.Request:
    with union.store.reading() as connection:
        found = request.get(connection, request.id_of(number) or 0)
    assert found is not None
    return found


# --- what lies there ---------------------------------------------------------------------------------------------


def test_what_a_worker_asks_for_is_sealed_on_every_database_and_read_by_who_has_the_key(
    everywhere: Union,
) -> None:
    wang = asks(everywhere, "王师傅", WORDS, UNIT)

    for table, column in (
        ("requests", "words"),
        ("requests", "unit"),
        ("steps", "words"),
        ("drafts", "said"),
    ):
        assert all(keyring.is_sealed(value) for value in lying(everywhere.store, table, column) if value)
    assert (read(everywhere, called(wang)).words, read(everywhere, called(wang)).unit) == (WORDS, UNIT)
    with everywhere.store.reading() as connection:
        assert request.export(connection, wang.openid)[0]["words"] == WORDS


def test_the_secret_of_a_colleagues_phone_is_sealed_and_signs_in(union: Union) -> None:
    wang = Colleague(Pages(union), "wang")
    wang.begins(invite(union.store, "wang", "letter"))

    wang.signs_in()

    assert wang.status == 200
    assert "今天" in wang.text
    (secret,) = lying(union.store, "staff", "totp")
    assert keyring.is_sealed(secret)
    assert wang.totp not in secret


def test_the_same_words_never_lie_there_twice_alike(union: Union) -> None:
    for name in ("王师傅", "李大姐"):
        asks(union, name, WORDS, UNIT)

    assert len(set(lying(union.store, "requests", "words"))) == 2


def test_every_sealed_column_says_truly_where_it_stands() -> None:
    for table in schema.known().tables.values():
        for column in table.columns:
            if isinstance(column.type, Sealed):
                assert column.type.place == str(column)
            if isinstance(column.type, Marked):
                of = table.c[column.type.place.partition(".")[2]]
                assert of is column or isinstance(of.type, Sealed)


# --- without the key, with a wrong one, moved about --------------------------------------------------------------


def test_who_has_the_file_and_not_the_key_reads_nothing_and_is_told(union: Union, tmp_path: Path) -> None:
    number = called(asks(union, "王师傅", WORDS, UNIT))
    resealing.bring_up(union.store, NOW)
    stolen = tmp_path / "stolen.db"
    with closing(sqlite3.connect(union.store.file or "")) as file, closing(sqlite3.connect(stolen)) as copy:
        file.backup(copy)

    with closing(Store(f"sqlite:///{stolen}")) as thief:
        assert "找不到钥匙文件" in resealing.trouble(thief)
        with pytest.raises(KeyTrouble):
            resealing.bring_up(thief, NOW)  # makes no other key over what it cannot open
        assert not (tmp_path / "stolen.db.key").exists()
        with thief.reading() as connection:
            found = request.get(connection, request.id_of(number) or 0)
    assert found is not None
    assert (found.words, found.unit) == (SHUT, SHUT)


def test_a_wrong_key_is_told_by_name_before_anything_is_written_with_it(union: Union, tmp_path: Path) -> None:
    asks(union, "王师傅", WORDS, UNIT)
    resealing.bring_up(union.store, NOW)
    Keyring(tmp_path / "other.key").make()

    with closing(Store(union.store.url.render_as_string(False), tmp_path / "other.key")) as other:
        assert backups.upgrade(other, tmp_path / "backups", NOW) == 1
        words = resealing.trouble(other)

    right, wrong = union.store.keyring, Keyring(tmp_path / "other.key")
    assert right is not None
    assert right.keys() is not None
    assert "不是这个数据库的钥匙" in words
    assert right.keys().writes in words  # type: ignore[union-attr]
    assert wrong.keys().writes in words  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_on_a_server_without_a_key_personal_data_are_not_stored(
    kind: str, scratch: Scratch, tmp_path: Path
) -> None:
    values = {"at": NOW, "by": "person", "kind": "received", "owner": "", "note": "", "request_id": 1}
    write = sa.insert(metadata.tables["steps"]).values(words=WORDS, **values)
    with closing(Store(scratch.empty(kind, tmp_path))) as keyless, keyless.writing() as connection:
        assert resealing.lacking(keyless)
        with pytest.raises(sa.exc.StatementError) as refused:
            connection.execute(write)
    assert isinstance(refused.value.orig, NoKey)
    assert "key make" in str(refused.value.orig)


def test_without_a_key_a_worker_reads_why_nothing_is_taken(scratch: Scratch, tmp_path: Path) -> None:
    with closing(Store(scratch.empty("postgresql", tmp_path))) as keyless:
        union = Union(keyless, [campaign(REQUEST)])
        wang = union.phone("王师傅")

        assert "为了您的安全先不收" in opens(union, wang)
        union.close()


def test_a_value_moved_into_another_column_or_changed_does_not_open(tmp_path: Path) -> None:
    keys = Keyring(tmp_path / "personal.key", makes=True)
    sealed = keys.seal(PHONE, "requests.phone")

    assert keys.open(sealed, "requests.phone") == PHONE
    for moved, place in ((sealed, "requests.words"), (sealed[:-6] + "AAAAA=", "requests.phone")):
        with pytest.raises(KeyTrouble):
            keys.open(moved, place)


def test_a_key_that_others_may_read_or_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "personal.key"
    Keyring(path).make()
    assert path.stat().st_mode & 0o777 == 0o600

    path.chmod(0o644)
    with pytest.raises(KeyTrouble, match="chmod 600"):
        Keyring(path).keys()
    path.chmod(0o600)
    path.write_text("key 1234\n")
    with pytest.raises(KeyTrouble, match="坏了"):
        Keyring(path).keys()


def test_two_processes_that_make_the_key_at_once_make_one(tmp_path: Path) -> None:
    one, other = (Keyring(tmp_path / "personal.key", makes=True) for _ in range(2))

    assert [one.make(), other.make()] == [True, False]
    assert other.open(one.seal(PHONE, "a.b"), "a.b") == PHONE


# --- sealing what lies in clear, and under an older key ------------------------------------------------------------


def test_what_an_older_release_left_in_clear_is_sealed_at_the_next_start(
    everywhere: Union, tmp_path: Path
) -> None:
    number = called(asks(everywhere, "王师傅", WORDS, UNIT))
    with everywhere.store.writing() as connection:
        in_clear(connection, number, PHONE)
    assert read(everywhere, number).phone == PHONE  # it is read meanwhile

    assert resealing.bring_up(everywhere.store, NOW).rows >= 1

    assert PHONE not in lying(everywhere.store, "requests", "phone")
    assert read(everywhere, number).phone == PHONE
    assert resealing.bring_up(everywhere.store, NOW) == resealing.Told()  # nothing is left to do


def test_a_rotation_that_is_stopped_goes_on_where_it_was(
    everywhere: Union, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resealing, "PORTION", 1)
    store = everywhere.store
    numbers = [
        called(asks(everywhere, name, f"{WORDS}{name}", UNIT)) for name in ("王师傅", "李大姐", "小张")
    ]
    resealing.bring_up(store, NOW)
    assert store.keyring is not None
    seen = 0

    def stops(rows: int) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise KeyboardInterrupt

    new = store.keyring.add()
    with pytest.raises(KeyboardInterrupt):
        resealing.bring_up(store, NOW, stops)
    half = {
        keyring.key_in(value) for name in ("words", "note") for value in lying(store, "steps", name) if value
    }
    assert read(everywhere, numbers[0]).words.startswith(WORDS)

    assert key.seal(store, NOW) == 0

    assert half
    for table, column in (("requests", "words"), ("requests", "unit"), ("steps", "words")):
        assert {keyring.key_in(value) for value in lying(store, table, column) if value} == {new}
    assert [read(everywhere, number).words[: len(WORDS)] for number in numbers] == [WORDS] * 3
    assert "都封存好了" in capsys.readouterr().out


def test_a_rotation_by_command_is_audited_and_seen_by_a_process_that_runs(
    union: Union, capsys: pytest.CaptureFixture[str]
) -> None:
    number = called(asks(union, "王师傅", WORDS, UNIT))
    resealing.bring_up(union.store, NOW)
    path = union.store.keyring.path  # type: ignore[union-attr]
    assert path is not None

    with closing(Store(union.store.url.render_as_string(False))) as typed:
        assert typed.keyring is not None
        assert key.rotate(typed, typed.keyring, NOW, yes=True) == 0
        assert key.key_list(typed.keyring) == 0

    asks(union, "李大姐", WORDS, UNIT)
    assert read(union, number).words == WORDS
    assert len({keyring.key_in(value) for value in lying(union.store, "requests", "words")}) == 1
    said = capsys.readouterr().out
    assert "在用" in said
    assert "只用来打开以前封存的" in said
    for line in path.read_text().splitlines():
        assert line.partition(" ")[2] not in said or line.startswith("#")
    with union.store.reading() as connection:
        assert "rotate key" in {row.deed for row in connection.execute(sa.select(audit.audit))}


def test_a_backup_carries_what_is_sealed_as_it_lies(
    database_kind: str, scratch: Scratch, tmp_path: Path
) -> None:
    folder, kept = tmp_path / "backups", tmp_path / "kept.key"
    Keyring(kept).make()
    with closing(Store(scratch.revised(database_kind, tmp_path), kept)) as store:
        union = Union(store, [campaign(REQUEST)])
        number = called(asks(union, "王师傅", WORDS, UNIT))
        resealing.bring_up(store, NOW)
        assert backups.back_up(store, folder, NOW) == 0
        union.close()

    (made,) = folder.glob("*.db")
    with closing(sqlite3.connect(made)) as file:
        (row,) = file.execute("SELECT words, unit FROM requests")
    assert all(map(keyring.is_sealed, row))
    with closing(Store(f"sqlite:///{tmp_path}/another.db", kept)) as another:
        assert backups.restore(another, made, folder, NOW) == 0
        assert resealing.trouble(another) == ""
        with another.reading() as connection:
            found = request.get(connection, request.id_of(number) or 0)
    assert found is not None
    assert found.words == WORDS


def test_the_same_number_is_found_again_by_its_mark_however_it_is_written(tmp_path: Path) -> None:
    table = sa.Table(
        "people",
        sa.MetaData(),
        sa.Column("phone", Sealed("people.phone")),
        sa.Column("phone_mark", Marked("people.phone")),
    )
    with closing(Store(f"sqlite:///{tmp_path}/people.db")) as store:
        with store.writing() as connection:
            table.create(connection)
            connection.execute(table.insert().values(phone="139-0427-1234", phone_mark="139-0427-1234"))
        with store.reading() as connection:
            asked = sa.select(table.c.phone).where(table.c.phone_mark == "+86 139 0427 1234")
            assert connection.execute(asked).scalars().all() == ["139-0427-1234"]
            assert connection.execute(sa.select(table.c.phone_mark)).scalar() not in (None, PHONE)


def test_an_enrolled_phone_still_signs_in_after_the_upgrade(union: Union) -> None:
    wang = Colleague(Pages(union), "wang")
    wang.begins(invite(union.store, "wang", "letter"))
    with union.store.writing() as connection:
        plain = sa.type_coerce(sa.literal(wang.totp), sa.Text)
        connection.execute(staff.update().values(totp=plain))

    resealing.bring_up(union.store, NOW)
    wang.signs_in()

    assert "今天" in wang.text
    assert pyotp.TOTP(wang.totp)
    assert all(map(keyring.is_sealed, lying(union.store, "staff", "totp")))


# --- what is said in the chat --------------------------------------------------------------------------------------


def test_what_is_said_in_the_chat_is_sealed_where_the_config_says_so(
    database_url: str, tmp_path: Path, scratch: Scratch
) -> None:
    keys = tmp_path / "chat.key"
    Keyring(keys).make()
    with closing(Store(database_url, keys, seal_messages=True)) as store:
        union = Union(store, [campaign(REQUEST)])
        wang = union.phone("王师傅")
        wang.says("工伤")
        asks(union, "李大姐", WORDS, UNIT)
        wang.says("工伤")  # the same words again, and once more as WeChat repeats what it thinks unanswered
        union.platform.settle(5)

        for column in ("content", "raw", "reply"):
            assert all(keyring.is_sealed(value) for value in lying(store, "interactions", column) if value)
        with store.reading() as connection:
            said = [one["said"] for one in interaction.export(connection, wang.openid)]
            raws = [row.raw for row in recent.interactions_last(connection, 3)]
        assert said.count("工伤") == 2
        assert all(raw is None or raw.startswith("<xml>") for raw in raws)
        union.close()


def test_a_retry_gets_the_words_that_were_sealed(database_url: str, tmp_path: Path) -> None:
    keys = tmp_path / "chat.key"
    Keyring(keys).make()
    with closing(Store(database_url, keys, seal_messages=True)) as store:
        door = Door(store)

        first = door.hears([text("工伤", 1, openid="oA")])
        again = door.hears([text("工伤", 1, openid="oA")])

    assert first == again
    assert "工伤" in str(first)


def test_what_was_said_before_the_config_said_so_is_sealed_by_command(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Store(sqlite_url)) as store:
        Door(store).hears([text(WORDS, 1, openid="oA")])
        assert lying(store, "interactions", "content") == [WORDS]

    with closing(Store(sqlite_url, seal_messages=True)) as store:
        assert key.seal(store, NOW) == 0
        assert all(map(keyring.is_sealed, lying(store, "interactions", "content")))
        with store.reading() as connection:
            assert interaction.export(connection, "oA")[0]["said"] == WORDS
