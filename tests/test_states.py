"""A state says what happened: to whom a push went, why somebody was left out, when; in Chinese and in Beijing time."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ledger_cast import begin, follow, settle, take, worker
from line_cast import Desk, desk
from phone_cast import parts
from push_cast import Office
from spring_cast import NOON, campaign

from campaigns.watch import Watch
from campaigns.year import Year
from channels import reasons
from commands.command_line import LogLine
from commands.push import push_list
from commands.report import show
from ground.words import ENDINGS
from models import delivery
from models.base import Store
from models.ledger import Outcome, Owed
from models.push import pushes
from settings import Loaded
from web import Demo, create_app

__all__ = ["desk"]

ROOT = Path(__file__).parent.parent
ENDS = {
    "finished": {"sent": 3},
    "partly": {"sent": 2, "failed": 1},
    "vain": {"failed": 3},
    "unsent": {"skipped": 3},
    "nobody": {},
}


@pytest.mark.parametrize("name", ENDS)
def test_a_finished_push_is_called_after_what_it_came_to(sqlite_store: Store, name: str) -> None:
    copies = ENDS[name]
    finished(sqlite_store, copies)

    said = listed(sqlite_store)
    board = page(sqlite_store)

    assert f"模板消息　{ENDINGS[name]}" in said
    assert f"tone-{name}" in board
    assert ENDINGS[name] in board
    assert ("tone-finished" in board) == (name == "finished"), "green is for what went out"


def test_each_ending_has_a_colour_and_stands_in_the_manual() -> None:
    css, manual = ((ROOT / name).read_text("utf-8") for name in ("web/static/site.css", "docs/manual.zh.md"))

    assert all(f".tone-{name}" in css and words in manual for name, words in ENDINGS.items())


class TestMass:
    def test_is_told_in_people_and_not_as_one_copy(self, office: Office) -> None:
        office.hires(4)
        push_id = office.starts(channel="mass", text="元宵快乐")
        office.works()

        said = listed(office.store)
        reported: list[str] = []
        day = office.time.now().date()
        show(office.store, "工会", day, day, {}, None, None, reported.append)

        assert office.stands(push_id).state == "finished"
        assert "共 1 份" not in said
        assert "微信统计：应发 4 人，送达 4 人" in said
        assert re.search(r"spring/greeting +\S+ \S+ +群发 +已发完 +4 +4 +0 ", "\n".join(reported))

    def test_by_a_list_still_counts_its_copies(self, office: Office) -> None:
        people = office.hires(3)
        (office.folder / "vip.txt").write_text("\n".join(people))
        office.starts(channel="mass", text="元宵快乐", audience="openids:vip.txt")
        office.works()

        assert "共 3 份：已发 3" in listed(office.store)


@pytest.mark.parametrize(
    "reason", ["outside the service window", "service window used up", *delivery.REASONS]
)
def test_a_reason_is_told_in_chinese_wherever_it_stands(sqlite_store: Store, reason: str) -> None:
    push_id = begin(sqlite_store, [worker(0)]).id
    with sqlite_store.writing() as connection:
        values = {"state": "skipped", "reason": reason}
        connection.execute(delivery.deliveries.update().values(values))
    assert push_id

    reported: list[str] = []
    show(sqlite_store, "工会", NOON.date(), NOON.date(), {}, None, None, reported.append)

    for told in (listed(sqlite_store), "\n".join(reported)):
        assert reason not in told
    shown = re.findall(r'class="row-answer">([^<]*)<', page(sqlite_store))
    assert shown
    assert all(re.search("[一-龥]", words) for words in shown)


def test_the_report_calls_everything_that_was_sent_by_a_chinese_name(desk: Desk) -> None:
    desk.types("db", "upgrade")
    desk.platform.callback.target = desk.built().webhook.answer
    phone = desk.follows("王师傅")
    for words in (
        "退订",
        "谢谢",
        "你好",
        "再见",
        "骗子",
        "人工",
        "工伤",
        "99",
        "00",
        "我的",
        "[微笑]",
        "不想活了",
        "量子纠缠",
    ):
        phone.says(words)
    phone.sends_picture()
    phone.sends_video()
    phone.sends_voice()
    phone.sends_location(41.1, 122.1, "兴隆台")
    phone.sends_link("看这个", "说明", "https://example.org")

    told = desk.types("report").out

    rows = told.split("最常问的")[1].split("没有答上来的话")[0].splitlines()[2:]
    unnamed = [row for row in rows if row.strip() and re.search(r"^\s+\S+\s+[a-z][a-z-]+(:\S*)?\s+\d", row)]
    assert len(rows) > 10
    assert unnamed == []


def test_the_log_tells_beijing_time() -> None:
    record = logging.makeLogRecord(
        {"msg": "push due", "created": datetime(2027, 2, 20, 18, 5, 6, tzinfo=UTC).timestamp()}
    )
    record.due_at = datetime(2027, 2, 20, 18, 0, 0, 123456, tzinfo=UTC)

    line = LogLine("%(asctime)s %(message)s").format(record)

    assert line == "2027-02-21 02:05:06 push due due_at=2027-02-21 02:00"


def test_no_page_and_no_list_shows_a_fraction_of_a_second(sqlite_store: Store) -> None:
    finished(sqlite_store, {"sent": 2, "skipped": 1})

    for told in (listed(sqlite_store), page(sqlite_store)):
        assert not re.search(r"\d\d:\d\d:\d\d\.\d", told)
        assert not re.search(r"\d{4}-\d\d-\d\dT", told)


# --- small things ------------------------------------------------------------------------------------------------


def finished(store: Store, copies: dict[str, int]) -> None:
    """A push is over, and so many of its copies ended so."""
    number = sum(copies.values())
    people = [worker(one) for one in range(number)]
    if people:
        follow(store, people)
    skipped = copies.get("skipped", 0)
    owed = [Owed(one, delivery.NOT_LIVE) if at < skipped else Owed(one) for at, one in enumerate(people)]
    begun = begin(store, owed)
    held = take(store, begun, number) if number > skipped else []
    for one, state in zip(
        held, [s for s in ("sent", "failed") for _ in range(copies.get(s, 0))], strict=True
    ):
        settle(store, Outcome((one.id,), state, reason="" if state == "sent" else "他拒收本公众号的消息"))
    with store.writing() as connection:
        connection.execute(pushes.update().values(state="finished", size=number))


def listed(store: Store) -> str:
    said: list[str] = []
    push_list(store, [campaign()], NOON, said.append)
    return "\n".join(said)


def page(store: Store) -> str:
    """The demonstration's first page, with the year and the last copies."""
    config = type("Config", (), {"campaigns": (campaign(),), "__iter__": lambda self: iter(())})()
    year = Year(Watch(Path("none.toml"), lambda: Loaded(None), config))
    known = delivery.REASONS | reasons()
    made = replace(
        parts(store, demo=Demo("http://127.0.0.1:9", lambda: None)),
        year=lambda: year.rows(store, NOON),
        why=known,
    )
    return create_app(made).test_client().get("/").text


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    made = Office(sqlite_store, tmp_path)
    yield made
    made.close()
