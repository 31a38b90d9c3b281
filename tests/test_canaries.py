"""A thousand made-up people leave their names, numbers and words everywhere; nothing of them is found in clear in any file."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from webhook_cast import Door, text

from commands import backup as backups
from ground.office import Office
from models import appeal, draft, entry, interaction, member, request, step, union
from models.base import Connection, Store
from models.deadline import Terms
from models.edition import Opening, open_anew
from models.rows import add
from models.step import Step

if TYPE_CHECKING:
    from conftest import Scratch

PEOPLE, DAY = 1000, timedelta(1)
TERMS = Terms(Office(8 * timedelta(hours=1), 18 * timedelta(hours=1)), DAY, DAY, DAY, DAY)
NOW = datetime(2027, 2, 20, 2, 0, tzinfo=UTC)
OPENS, CLOSES = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
CANARIES = (
    "金丝雀",
    "13777",
    "21110219",
    "62284800",
    "欠薪暗号",
)  # of names, phones, identity cards, bank cards, words


def words_of(number: int) -> str:
    """What this person tells, with everything about them."""
    return f"我叫金丝雀{number:04}，身份证 21110219{number:010}，卡号 62284800{number:011}，电话 13777{number:06}，欠薪暗号{number}"


def in_every_table(connection: Connection, edition_id: int, number: int) -> None:
    """One person uses everything that keeps words."""
    openid, words = f"oCanary{number:04}", words_of(number)
    name, phone = f"金丝雀{number:04}", f"13777{number:06}"
    draft.keep(connection, openid, edition_id, draft.Draft({"name": name, "words": words}, f"d{number}", NOW))
    new = request.New(
        edition_id, "request", openid, request.HELP, words, "office", unit=f"{name}工作室", phone=phone
    )
    made = request.receive(connection, new, TERMS, NOW)
    step.add(connection, made.id, Step(0, NOW, "cli:wang", step.PROGRESS, "", f"{name}，{words}", words))
    entry.write(
        connection, entry.New(edition_id, openid, f"e{number}", "page", NOW, f"谢谢{name}，我们打 {phone}")
    )
    add(
        connection,
        appeal.appeals,
        {"edition_id": edition_id, "openid": openid, "against": f"show {number}", "words": words, "state": "open",
         "answer": "", "at": NOW},
    )  # fmt: skip


def traces(folder: Path) -> dict[str, list[str]]:
    """The files in which a canary stands, and which."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and (seen := [each for each in CANARIES if each.encode() in path.read_bytes()]):
            found[path.name] = seen
    return found


def test_nothing_of_a_thousand_people_is_found_in_clear_in_database_log_or_backup(
    scratch: Scratch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "union"
    folder.mkdir()
    with closing(Store(scratch.revised("sqlite", folder), seal_messages=True)) as store:
        with store.writing() as connection:
            opened = open_anew(
                connection, Opening("request", "request", "诉求", OPENS, CLOSES, {}, True), NOW
            )
            assert opened is not None
            city = {
                "code": "211100",
                "name": "市总工会",
                "level": "city",
                "kind": "area",
                "path": "1/",
                "opened_at": NOW,
            }
            connection.execute(union.unions.insert().values(city))
            people = [
                member.New(1, f"金丝雀{number:04}", f"13777{number:06}", f"62284800{number:011}")
                for number in range(PEOPLE)
            ]
            member.take_in(connection, people, NOW)
            for number in range(PEOPLE):
                in_every_table(connection, opened.id, number)
        door = Door(store)
        for first in range(0, PEOPLE, 100):
            group = range(first, first + 100)
            door.hears([text(words_of(number), number, openid=f"oCanary{number:04}") for number in group])

        assert backups.back_up(store, folder / "backups", NOW) == 0
        assert traces(folder) == {}
        (made,) = (folder / "backups").glob("*.db")
        assert b"oCanary0999" in made.read_bytes()  # where one looks, there is something to see

        with store.reading() as connection:  # and whoever has the key finds all of it
            kept = request.export(connection, "oCanary0999")[0]
            said = interaction.export(connection, "oCanary0999")[0]["said"]
            members = connection.execute(sa.select(sa.func.count()).select_from(member.members)).scalar()
        assert (kept["words"], kept["phone"], said) == (words_of(999), "13777000999", words_of(999))
        assert members == PEOPLE
    assert not [line for line in caplog.messages if any(each in line for each in CANARIES)]
