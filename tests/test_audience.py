"""Whom a push is for: what staff write, whom it finds on each database, and what they read of it before it goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from config_cast import read
from hypothesis import given
from hypothesis import strategies as st
from ledger_cast import leave, worker
from line_cast import Desk, desk
from push_cast import NOON, Office, each_office, office
from test_command_line import enrol

from ground import audience, roster
from ground.ordered import Ordered
from jobs import audience as finding
from models import binding, edition, entry, member, tree, union
from models.base import Store
from models.edition import Opening
from models.follower import followers

__all__ = ["desk", "each_office", "office"]

CAMPAIGNS = """
[[campaigns]]
id = "wishes"
title = "心愿"
kind = "wish"

[[campaigns]]
id = "spring"
title = "春节"

[[campaigns.pushes]]
id = "greeting"
yearly = "02-21 10:00"
channel = "service"
text = "新年好"
"""


class TestWhatIsWritten:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("tag:A B", "标签“A B”"),
            ("openids:名单 (1).txt", "名单 名单 (1).txt"),
            ("tag:矿工 and not joined:wishes", "标签“矿工”，并且不含参加过 wishes 的人"),
            ('tag:"R and D" or all', "标签“R and D”，或者全体关注者"),
            (
                "not (openids:vip (1).txt or active:48h) and window",
                "不含（名单 vip (1).txt，或者48 小时内来过的人），并且48 小时内说过话的人",
            ),
        ],
    )
    def test_is_read_as_it_is_meant(self, text: str, words: str) -> None:
        assert audience.words(text) == words

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("tag:矿工 and actve:30d", "是否想写 active"),
            ("tag:矿工 and", "发给谁应写"),
            ("(tag:矿工", "括号没有关上"),
            ("all all", "前面少了 and 或 or"),
            ("active:soon", "active:30d"),
            ("joined:wishs", "没有能参加的活动 wishs，是否想写 wishes？（能参加的活动有：wishes）"),
            ("union:04/27", "union 后面写单位代码"),
            ("members:all", "发给谁应写"),
            ("tag：矿工", "中文标点"),
            ("all and not openids:../etc/passwd", "只写文件名"),
        ],
    )
    def test_and_wrong_is_told_with_its_line_what_was_found_and_what_is_allowed(
        self, tmp_path: Path, text: str, words: str
    ) -> None:
        loaded = read(tmp_path, f'{CAMPAIGNS}audience = "{text}"\n')

        (problem,) = loaded.problems
        assert problem.line == 16
        assert problem.key == "campaigns[spring].pushes[greeting].audience"
        assert words in problem.words


class TestWhomItFinds:
    def test_is_the_same_set_on_every_database(self, each_office: Office) -> None:
        office = each_office
        people = office.hires(8, spoke_at=NOON - timedelta(days=90))
        for number in (0, 1, 2):
            spoke(office.store, people[number], NOON - timedelta(hours=1))
        spoke(office.store, people[3], NOON - timedelta(days=3))
        join(office, people[1], people[5])
        tag(office, "矿工", 0, 1, 4)
        stranger = worker(1)  # on a list, and never heard of
        (office.folder / "vip.txt").write_text("\n".join([people[0], people[6], stranger]), "utf-8")

        def found(text: str) -> set[int | str]:
            names = {openid: number for number, openid in enumerate(people)}
            pages = list(office.audience.people(text, NOON))
            openids = [one for page in pages for one in page]
            assert openids == sorted(set(openids))
            return {names.get(one, "stranger") for one in openids}

        everyone = set(range(8))
        assert found("all") == everyone
        assert found("window") == {0, 1, 2}
        assert found("active:30d") == {0, 1, 2, 3}
        assert found("not active:30d") == {4, 5, 6, 7}
        assert found("joined:wishes") == {1, 5}
        assert found("joined:wishes/2027") == {1, 5}
        assert found("tag:矿工 and not joined:wishes") == {0, 4}
        assert found("tag:矿工 or window") == {0, 1, 2, 4}
        assert found("not tag:矿工") == everyone - {0, 1, 4}
        assert found("openids:vip.txt and not joined:wishes") == {0, 6, "stranger"}
        assert found("openids:vip.txt and active:30d") == {0}
        assert found("active:30d and not (openids:vip.txt or joined:wishes)") == {2, 3}

        belong(office, people)
        assert found("union:2111") == {0, 1, 2}
        assert found("union:018") == {1, 2}
        assert found("members") == {2, 5}
        assert found("union:2111 and not members") == {0, 1}
        assert found("union:211100 and joined:wishes") == {1, 5}

    @given(st.data())
    def test_is_what_sets_would_give(self, data: st.DataObject) -> None:
        streams = [data.draw(st.sets(st.sampled_from("abcdefgh"))) for _ in range(3)]
        one, two, three = (iter(sorted(each)) for each in streams)

        assert set(finding._but(finding._both(one, two), three)) == (streams[0] & streams[1]) - streams[2]

    def test_is_frozen_when_it_starts_and_who_leaves_meanwhile_is_skipped_and_shown(
        self, office: Office
    ) -> None:
        people = office.hires(5, spoke_at=NOON - timedelta(hours=1))
        join(office, people[0])
        push_id = office.starts(audience="window and not joined:wishes")
        office.worker().sender.plan()
        join(office, people[1])
        leave(office.store, [people[2]])

        office.works()

        books = office.books(push_id)
        assert (books.size, books.sent, books.skipped) == (4, 3, 1)
        assert office.reasons(push_id) == [("skipped", "unsubscribed", 1)]
        assert people[0] not in office.rows(push_id)

    def test_that_is_empty_because_everybody_has_taken_part_is_no_alarm(self, office: Office) -> None:
        (person,) = office.hires(1, spoke_at=NOON - timedelta(hours=1))
        join(office, person)
        push_id = office.starts(audience="window and not joined:wishes")

        office.works()

        assert (office.stands(push_id).state, office.books(push_id).size) == ("finished", 0)
        assert office.alarms() == []

    def test_of_an_edition_that_opens_at_the_same_hour_waits_the_moment_that_it_takes(
        self, office: Office
    ) -> None:
        first, second = office.hires(2, spoke_at=NOON - timedelta(hours=1))
        push_id = office.starts(audience="not joined:wishes")
        office.works()
        assert office.stands(push_id).state == "due"

        join(office, first)
        office.minutes_pass(0.5)
        office.works()

        assert office.stands(push_id).state == "finished"
        assert set(office.rows(push_id)) == {second}
        assert office.alarms() == []

    def test_of_an_edition_that_never_opened_pauses_with_what_to_do(self, office: Office) -> None:
        office.hires(2)
        push_id = office.starts(channel="service", text="甲", audience="not joined:wishes")

        office.works()
        office.minutes_pass(2)
        office.works()

        assert office.stands(push_id).state == "paused"
        assert "活动 wishes 还没有开过" in office.alarms()[0]

    def test_of_a_union_that_is_not_there_pauses_with_what_to_do(self, office: Office) -> None:
        office.hires(2)
        push_id = office.starts(channel="service", text="甲", audience="union:2119")

        office.works()

        assert office.stands(push_id).state == "paused"
        assert "没有代码是 2119 的单位" in office.alarms()[0]

    def test_by_mass_goes_to_a_list_of_people(self, office: Office) -> None:
        people = office.hires(6)
        tag(office, "矿工", 0, 1, 2, 3)
        join(office, people[0])
        push_id = office.starts(channel="mass", text="甲", audience="tag:矿工 and not joined:wishes")

        office.works()

        assert office.calls("message/mass/send") == 1
        assert {row.openid for row in office.platform.log} == set(people[1:4])
        assert not office.books(push_id).whole


class TestALongList:
    def test_is_put_in_order_on_the_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ground.ordered.AT_A_TIME", 7)
        found = Ordered()
        texts = [f"o{number * 37 % 101:03d}" for number in range(101)]
        for start in range(0, 101, 5):
            found.add(texts[start : start + 5])
        found.add(texts[:20])

        assert list(found) == list(found) == sorted(texts)
        assert len(found._files) > 10

    def test_names_the_lines_that_are_wrong_however_far_down(self, tmp_path: Path) -> None:
        lines = [f"oStranger{number:019d}" for number in range(25_000)]
        lines[24_000] = "张三"
        (tmp_path / "list.txt").write_bytes("\r\n".join(lines).encode("gb18030"))

        with pytest.raises(roster.RosterError, match="第 24001 行不是编号"):
            roster.count(tmp_path, "list.txt")


class TestWhatStaffReadBefore:
    def test_is_how_many_it_reaches_and_why_not_the_others(self, desk: Desk) -> None:
        desk.writes(YEAR)
        desk.types("db", "upgrade")
        people = enrol(desk, 12)
        (desk.folder / "vip.txt").write_text("\n".join(people[:6]))
        desk.platform.add_follower("职工11", "矿工")
        store, now = desk.built().store, desk.built().clock.now()
        spoke(store, people[0], now)
        spoke(store, people[1], now)
        spoke(store, people[2], now - timedelta(days=3))
        leave(store, people[4:6])

        told = desk.types("push", "preview", "lantern/thanks").out

        assert "发给名单 vip.txt，并且不含标签“矿工”（" in told
        assert "可达 2 · 需短信 2 · 不可达 2" in told
        assert "需短信 2 人：已经取消关注" in told
        assert "不可达 2 人：最近 48 小时没有来过消息，微信不让发客服消息，或者改用模板消息（不花钱）" in told


YEAR = """
[[campaigns]]
id = "lantern"
title = "正月十五闹元宵"

[[campaigns.pushes]]
id = "thanks"
yearly = "03-08 10:00"
channel = "service"
audience = "openids:vip.txt and not tag:矿工"
text = "谢谢您来猜灯谜"
"""


def spoke(store: Store, openid: str, at: datetime) -> None:
    with store.writing() as connection:
        connection.execute(followers.update().where(followers.c.openid == openid).values(spoke_at=at))


def join(office: Office, *people: str) -> None:
    """These people took part in the year's wishes."""
    with office.store.writing() as connection:
        opening = Opening(
            "wishes", "wish", "心愿", NOON - timedelta(days=9), NOON + timedelta(days=9), {"per_person": 1}
        )
        found = edition.latest(connection, "wishes") or edition.open_anew(connection, opening, NOON)
        assert found is not None
        for openid in people:
            assert entry.write(connection, entry.New(found.id, openid, "1", "chat", NOON, "收到"))


def tag(office: Office, name: str, *numbers: int) -> None:
    """These of the people who were hired have this tag in WeChat."""
    for number in numbers:
        office.platform.add_follower(f"职工{number}", name)


def belong(office: Office, people: list[str]) -> None:
    """A county with a works below it, and a city's own: 0 of the county, 1 and 2 of the works, 5 of the city; 2 and 5 are members."""
    new = [
        tree.New("211100", "市", "", "city", "federation"),
        tree.New("2111", "区", "211100", "county", "federation"),
        tree.New("018", "厂", "2111", "base", "enterprise"),
    ]
    with office.store.writing() as connection:
        tree.take_in(connection, new, NOON)
        known = {one.code: one.id for one in union.every(connection)}
        listed = [member.New(known["018"], "甲", "", "A001"), member.New(known["211100"], "乙", "", "A002")]
        member.take_in(connection, listed, NOON)
        for number, code in ((0, "2111"), (1, "018")):
            binding.bind(connection, people[number], known[code], binding.SCAN, NOON)
        for number, name, proof in ((2, "甲", "A001"), (5, "乙", "A002")):
            assert binding.check(connection, people[number], name, proof, NOON, NOON)
