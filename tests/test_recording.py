"""Recording on each kind of database: once, in the right order, forgotten when it must be, and bounded when all goes wrong."""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from webhook_cast import (
    NOON,
    SECOND,
    WORKER,
    Answer,
    Door,
    Proxy,
    SetClock,
    close_doors,
    count,
    counts,
    delivery,
    effects,
    envelope_of,
    event,
    person,
    stored,
    text,
    through,
)

from handlers import Turn, answer
from handlers.replay import Replayed, replay
from models.base import OutOfTime, Store
from models.follower import followers
from models.interaction import NO_TIME, interactions, said_by
from models.recording import bulk
from web.webhook import ANSWER_S
from wx.replies import Reply, Text

SENT = NOON.replace(microsecond=0)
OTHER = "oOTHER_openid_of_someone_else"
BAD = "坏"
PLAIN_WORDS = "对不起，刚才没有办好。请稍后再发一次，或拨打职工服务热线 12351。"
BUSY = "系统正忙，请稍后再发一次。"
SLOW = {  # ten seconds and more, were it let
    "sqlite": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) SELECT count(*) FROM c",
    "postgresql": "SELECT pg_sleep(10)",
    "mysql": "SELECT SLEEP(10) FROM information_schema.tables",
    "mariadb": "SELECT SLEEP(10) FROM information_schema.tables",
}


EXPLAIN = {
    "sqlite": "EXPLAIN QUERY PLAN ",
    "postgresql": "EXPLAIN ",
    "mysql": "EXPLAIN ",
    "mariadb": "EXPLAIN ",
}


def leaves(at: float = 0, openid: str = WORKER) -> bytes:
    """An unfollow, so many seconds after noon."""
    return event("unsubscribe", openid=openid, at=SENT + at * SECOND)


def follows(at: float = 0, openid: str = WORKER, key: str = "") -> bytes:
    return event("subscribe", openid=openid, at=SENT + at * SECOND, key=key)


def says(words: str, at: float = 0, openid: str = WORKER) -> bytes:
    return text(words, int(at * 10), openid=openid, at=SENT + at * SECOND)


def numbers(turn: Turn) -> Reply:
    """As `counts`, and says how many effects there are by then: a second one would be heard."""
    counts(turn)
    words = getattr(turn.message.body, "content", "")
    so_far = turn.connection.execute(sa.select(sa.func.count()).select_from(effects)).scalar_one()
    return Text(f"{so_far}：{words}")


def breaks(turn: Turn) -> Reply:
    """Has its effect, and then a fault when the words are 坏; the error quotes the person, as errors do."""
    reply, words = numbers(turn), getattr(turn.message.body, "content", "")
    if words == BAD:
        raise KeyError(turn.message.openid, words)
    return reply


def _without_scans(connection: sa.Connection) -> None:
    """PostgreSQL would rather read a small table as a whole."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")


def words_in_effect(store: Store) -> list[str]:
    with store.reading() as connection:
        return sorted(connection.execute(sa.select(effects.c.words)).scalars())


def texts(store: Store, openid: str = WORKER) -> list[str | None]:
    return [row["content"] for row in stored(store, openid) if row["msg_type"] == "text"]


class TestARetry:
    def test_hears_the_stored_words_and_has_no_second_effect(self, counted: Door) -> None:
        first = counted.says(says("一"))
        counted.says(says("二", 1))
        counted.clock.at += 5 * SECOND
        retry = counted.says(says("一"))
        on_the_loop = counted.hears([says("一")] * 2)

        assert [each.content for each in (first, retry, *on_the_loop)] == ["1：一"] * 4
        assert words_in_effect(counted.store) == ["一", "二"]
        assert stored(counted.store)[0]["reply"] == first.xml

    def test_within_one_group_is_the_same(self, counted: Door) -> None:
        answers = counted.hears([says(words, at) for at, words in enumerate("一二三")] * 3)

        assert [each.content for each in answers] == ["1：一", "2：二", "3：三"] * 3
        assert words_in_effect(counted.store) == sorted("一二三")
        assert count(counted.store) == 3

    def test_of_an_ordinary_question_hears_the_stored_words_too(self, door: Door) -> None:
        first, second = door.hears([says("工伤", 1), says("工伤", 1)])
        with door.store.writing() as connection:
            connection.execute(sa.update(interactions).values(reply="<xml>说过的话</xml>"))
        alone = door.hears([says("工伤", 1)])
        among_new_ones = door.hears([says("入会", 2), says("工伤", 1), says("体检", 3, OTHER)])

        assert first.content == second.content
        assert [each.xml for each in (*alone, among_new_ones[1])] == ["<xml>说过的话</xml>"] * 2
        assert among_new_ones[0].content != among_new_ones[2].content
        assert count(door.store) == 3

    def test_of_what_carries_no_time_is_seen_too(self, counted: Door) -> None:
        """Then the key is in the index of a moment long ago, whenever it comes."""
        timeless = says("一").replace(b"<CreateTime>", b"<CreateTime>x")
        first = counted.says(timeless)
        counted.clock.at += 5 * SECOND
        answers = [counted.says(timeless), *counted.hears([timeless, says("二", 1), timeless])]

        assert [each.content for each in answers] == [first.content, first.content, "2：二", first.content]
        assert [row["sent_at"] for row in stored(counted.store)] == [NO_TIME, SENT + SECOND]
        assert words_in_effect(counted.store) == ["一", "二"]

    def test_is_looked_for_by_the_index_of_both_columns(
        self, door: Door, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[str, Any]] = []
        real = bulk.run

        def noted(connection: Any, text: str, given: Any, **how: Any) -> Any:
            if "dedupe_key" in text and "INSERT" not in text:
                asked.append((text, given))
            return real(connection, text, given, **how)

        monkeypatch.setattr(bulk, "run", noted)
        door.hears([says("工伤", 1)])
        door.hears([says("工伤", 1), says("入会", 2)])

        assert asked
        with door.store.writing() as connection:
            _without_scans(connection)
            for text_, given in asked:
                plan = real(connection, EXPLAIN[door.store.dialect] + text_, given, fetch=True)
                assert "uq_interactions_key" in str(plan)

    def test_does_not_move_its_sender_back_in_the_dialogue(self, door: Door) -> None:
        door.hears([says("工伤", 1)])
        door.hears([says("入会", 2)])
        stands = person(door.store)["dialogue"]

        door.hears([says("工伤", 1), says("体检", 3, OTHER)])

        assert person(door.store)["dialogue"] == stands

    def test_at_the_same_moment_through_many_doors_is_the_same(self, counted: Door) -> None:
        bodies = [says(words, at) for at, words in enumerate("一二三四")]
        doors = [Door(Store(counted.store.url.render_as_string(False)), handler=numbers) for _ in range(4)]
        heard: list[list[Answer]] = [[] for _ in doors]

        def knock(number: int) -> None:
            meet.wait()
            if number % 2:
                heard[number] = doors[number].hears(bodies)
            else:
                heard[number] = [doors[number].says(body) for body in reversed(bodies)][::-1]

        meet = threading.Barrier(len(doors))
        together([lambda number=number: knock(number) for number in range(len(doors))])
        for door in doors:
            door.close()
            door.store.close()

        assert len({tuple(each.content for each in answers) for answers in heard}) == 1
        assert words_in_effect(counted.store) == sorted("一二三四")
        assert count(counted.store) == 4
        assert count(counted.store, followers) == 1

    def test_sealed_anew_is_the_same(self, sqlite_store: Store) -> None:
        door = Door(sqlite_store, "safe")
        click = event("CLICK", key="JOIN")

        first, retry = door.says(click), door.says(click)

        assert first.xml == retry.xml
        assert first.body != retry.body
        assert count(sqlite_store) == 1

    def test_of_words_that_were_erased_meanwhile_hears_success(self, counted: Door) -> None:
        counted.says(says("一"))
        counted.says(leaves(1))

        assert counted.says(says("一")).body == b"success"
        assert words_in_effect(counted.store) == ["", "一"]


class TestInOneSecond:
    def test_each_thing_that_a_person_does_is_kept(self, door: Door) -> None:
        """Events have no id, and CreateTime counts whole seconds (platform guide, 接收事件推送)."""
        deeds = [
            event("SCAN", key="1"), event("SCAN", key="2"), event("CLICK", key="JOIN"), event("CLICK", key="LAW"),
            event("VIEW", key="http://a.example"), event("subscribe"), event("unsubscribe"),
            event("CLICK", key="JOIN", openid=OTHER), event("CLICK", key="JOIN", at=NOON + SECOND),
            event("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID><Status>success</Status>"),
            event("TEMPLATESENDJOBFINISH", "<MsgID>2</MsgID><Status>success</Status>"),
            event("pic_sysphoto", "<SendPicsInfo><Count>1</Count></SendPicsInfo>", key="P"),
            event("pic_sysphoto", "<SendPicsInfo><Count>2</Count></SendPicsInfo>", key="P"),
            text("一", 1), text("一", 2), text("一", 1, openid=OTHER), text("一", 1, at=NOON + SECOND),
        ]  # fmt: skip

        for _ in range(3):
            assert {each.status for each in door.hears(deeds)} == {200}
        for deed in deeds:
            assert door.says(deed).status == 200

        assert count(door.store) == len(deeds)


class TestAPersonWhoSaysMuch:
    def test_in_one_group_stands_where_the_last_word_led(self, door: Door) -> None:
        door.hears([says("入会", 3), says("工伤", 1)])
        row = person(door.store)
        assert row["dialogue"].startswith("guide:injury")  # it came last, though it was said first
        assert row["spoke_at"] == SENT + 3 * SECOND
        assert texts(door.store) == ["工伤", "入会"]

    def test_is_answered_in_order_where_a_number_follows_a_word(self, door: Door) -> None:
        number, word = door.hears([says("1", 1), says("00", 2)])
        again, after = door.hears([says("服务大厅", 3), says("1", 4)])

        assert number.content != word.content
        assert "服务大厅" in again.content
        assert after.content == door.says(says("入会转会", 5)).content
        assert [row["topic"] for row in stored(door.store)][-3:] == ["服务大厅", "JOIN", "JOIN"]

    def test_and_where_they_are_is_not_written_down_beside_their_name(self, door: Door) -> None:
        place = "<Latitude>41.1</Latitude><Longitude>122.1</Longitude>"
        sent = (
            "<Location_X>41.1</Location_X><Location_Y>122.1</Location_Y><Label>路口</Label><MsgId>5</MsgId>"
        )

        door.hears([event("LOCATION", place), envelope_of("location", sent)])

        assert not [value for value in person(door.store).values() if value in (41.1, 122.1)]
        assert not [name for name in followers.c.keys() if "place" in name]  # noqa: SIM118 - it holds columns


class TestWhoFollows:
    def test_is_decided_by_wechats_time_and_then_by_arrival(self, door: Door) -> None:
        """Six deeds with times that tie, in every mixed order: half of the people through many groups, half in one."""
        door = door_like(door, answer, answer_s=60)  # how long it takes is not what is asked here
        dice = random.Random(6)
        plan = {f"oPerson{number:03}": dice.sample(SIX, 6) for number in range(120)}
        one_group = [deed for deeds in list(plan.values())[:60] for deed in deeds]
        assert one_group

        for some in (list(plan)[at : at + 20] for at in range(0, 60, 20)):
            door.hears([_deed(openid, *deed) for openid in some for deed in plan[openid]])
        for turn in range(6):
            door.hears([_deed(openid, *plan[openid][turn]) for openid in list(plan)[60:]])

        for openid, deeds in plan.items():
            row = person(door.store, openid)
            decisions = [deed for deed in deeds if deed[0] != "text"]
            last = max(range(len(decisions)), key=lambda at: (decisions[at][1], at))
            left = [at for name, at in decisions if name == "unsubscribe"]
            assert row["subscribed"] is (decisions[last][0] == "subscribe"), deeds
            assert row["state_at"] == SENT + decisions[last][1] * SECOND
            assert row["unsubscribed_at"] == SENT + max(left) * SECOND
            before = [each for each in texts(door.store, openid) if each and int(each) < max(left)]
            assert before == [], deeds
            assert len(stored(door.store, openid)) == 6

    def test_begins_to_with_the_first_word_that_we_hear_from_them(self, door: Door) -> None:
        door.says(says("你好"))

        row = person(door.store)
        assert (row["subscribed"], row["subscribed_at"], row["first_seen_at"]) == (True, None, NOON)

    def test_is_greeted_when_they_come_back(self, door: Door) -> None:
        assert "您好，欢迎关注" in door.says(follows(0)).content
        door.says(leaves(1))

        assert "欢迎回来" in door.says(follows(2)).content
        row = person(door.store)
        assert (row["subscribed"], row["unsubscribed_at"]) == (True, SENT + SECOND)
        assert row["subscribed_at"] == row["state_at"] == SENT + 2 * SECOND

    def test_keeps_the_code_that_was_scanned_last(self, door: Door) -> None:
        door.says(follows(0, key="qrscene_门口"))
        door.says(event("SCAN", key="食堂", at=SENT + SECOND))
        door.says(event("SCAN", key="", at=SENT + 2 * SECOND))
        door.says(says("你好", 3))

        assert person(door.store)["scene"] == "食堂"

    def test_is_another_person_when_the_openid_differs_by_case(self, door: Door) -> None:
        names = ["oABCdef", "oabcdef", "oABCDEF", "ÓABCdef", "OABCdef", "oABCdéf"]

        door.hears([says("你好", openid=name) for name in names])
        door.says(leaves(1, "oabcdef"))

        with door.store.reading() as connection:
            rows = connection.execute(sa.select(followers.c.openid, followers.c.subscribed)).all()
        assert {tuple(row) for row in rows} == {(name, name != "oabcdef") for name in names}
        assert texts(door.store, "oABCdef") == ["你好"]

    def test_is_nobody_when_wechat_itself_reports(self, door: Door) -> None:
        door.says(event("MASSSENDJOBFINISH", "<MsgID>1</MsgID><Status>send success</Status>", openid=OTHER))
        door.hears([event("TEMPLATESENDJOBFINISH", "<MsgID>2</MsgID><Status>success</Status>", openid=OTHER)])

        assert count(door.store, followers) == 0
        assert count(door.store) == 2


class TestAnUnfollow:
    def test_forgets_the_words_and_keeps_the_books(self, door: Door) -> None:
        door.says(follows(0, key="qrscene_门口"))
        door.says(says("工伤", 1))
        door.says(event("LOCATION", "<Latitude>41.1</Latitude>", at=SENT + 2 * SECOND))
        door.says(says("别人的话", 2, OTHER))
        with door.store.writing() as connection:
            connection.execute(followers.update().values(remark="王师傅，轧钢二班"))

        assert door.says(leaves(3)).body == b"success"

        for row in stored(door.store, WORKER):
            assert (row["content"], row["raw"], row["reply"]) == (None, None, None)
            assert row["openid"] == WORKER
            assert row["sent_at"] is not None
        assert len(stored(door.store, WORKER)) == 4
        gone = person(door.store)
        assert (gone["remark"], gone["dialogue"]) == (None, None)
        assert (gone["subscribed"], gone["scene"]) == (False, "门口")
        assert (gone["first_seen_at"], gone["subscribed_at"]) == (NOON, SENT)
        assert (gone["spoke_at"], gone["unsubscribed_at"]) == (SENT + SECOND, SENT + 3 * SECOND)
        assert texts(door.store, OTHER) == ["别人的话"]
        assert person(door.store, OTHER)["remark"] == "王师傅，轧钢二班"

    def test_forgets_in_the_same_transaction_or_not_at_all(self, door: Door) -> None:
        door.says(says("工伤"))
        hook = door.webhook
        arrived = hook.arrive(*delivery("plain", leaves(1), NOON))[1]

        with contextlib.suppress(OutOfTime), door.store.writing() as connection:
            hook.recorder.record(connection, [arrived], hook)  # type: ignore[list-item]
            raise OutOfTime

        assert texts(door.store) == ["工伤"]
        assert person(door.store)["subscribed"] is True

    @pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
    @pytest.mark.parametrize("grouped", [True, False], ids=["in one group", "one by one"])
    def test_makes_words_that_come_late_unkept(
        self, sqlite_store: Store, order: tuple[int, ...], grouped: bool
    ) -> None:
        door = Door(sqlite_store)
        deeds = [says("走之前", 1), leaves(2), follows(3)]
        _bring(door, [deeds[at] for at in order], grouped)
        _bring(door, [says("回来以后", 4)], grouped)

        assert texts(door.store) == [None, "回来以后"]
        assert person(door.store)["subscribed"] is True

    def test_makes_late_words_unkept_on_every_database(self, door: Door) -> None:
        door.says(leaves(2))

        assert door.says(says("你好", 1)).content
        assert texts(door.store) == [None]
        assert [(row["raw"], row["reply"]) for row in stored(door.store)] == [(None, None)] * 2
        assert person(door.store)["subscribed"] is False

    def test_that_comes_late_still_forgets_what_went_before_it(self, door: Door) -> None:
        door.says(says("走之前", 1))
        with door.store.writing() as connection:
            connection.execute(followers.update().values(remark="王师傅"))
        door.says(follows(3))
        door.says(says("回来以后", 4))

        door.says(leaves(2))

        row = person(door.store)
        assert texts(door.store) == [None, "回来以后"]
        assert (row["subscribed"], row["remark"]) == (True, None)

    def test_forgets_what_was_heard_before_there_was_a_follower(self, door: Door) -> None:
        for number in (1, 2):
            door.hears([event("card_pass_check", key=f"卡{number}", at=SENT), says("别人的话", 1, OTHER)])
        door.hears([follows(1)])
        door.hears([event("user_get_card", key="卡3", at=SENT + 2 * SECOND), says("工伤", 2)])

        door.hears([leaves(3)])

        assert [row["raw"] for row in stored(door.store, WORKER)] == [None] * 6
        assert texts(door.store, OTHER) == ["别人的话"]

    def test_without_a_time_counts_from_when_it_came(self, door: Door) -> None:
        door.says(says("工伤"))
        door.clock.at += SECOND

        door.says(event("unsubscribe").replace(b"<CreateTime>", b"<CreateTime>x"))

        assert texts(door.store) == [None]
        assert person(door.store)["subscribed"] is False

    def test_in_one_group_with_the_words_forgets_those_before_it_only(self, door: Door) -> None:
        door.hears([says("一", 0), leaves(1), follows(2), says("二", 3), says("三", 3.1, OTHER)])

        assert (texts(door.store), texts(door.store, OTHER)) == ([None, "二"], ["三"])
        assert person(door.store)["subscribed"] is True

    def test_finds_what_a_person_said_by_an_index(self, door: Door) -> None:
        door.hears([says("工伤", 1), says("入会", 2, OTHER)])

        with door.store.writing() as connection:
            _without_scans(connection)
            said = sa.select(interactions.c.id).where(said_by(connection, WORKER))
            written = said.compile(connection, compile_kwargs={"literal_binds": True})
            plan = connection.exec_driver_sql(
                EXPLAIN[door.store.dialect] + str(written).replace("%%", "%")
            ).all()

        indexes = ("ix_interactions_person", "ix_interactions_openid", "ix_interactions_first")
        assert any(name in str(plan) for name in indexes)
        assert "SCAN interactions" not in str(plan)

    def test_of_somebody_who_spoke_for_years_forgets_every_month(self, door: Door) -> None:
        for month in range(15):
            door.clock.at = NOON + timedelta(days=31 * month)
            door.hears([says("那年的话", month), says("别人的话", month + 0.1, OTHER)])

        door.says(leaves(100))

        assert texts(door.store) == [None] * 15
        assert texts(door.store, OTHER) == ["别人的话"] * 15

    def test_at_the_same_moment_as_the_words_forgets_them(self, door: Door) -> None:
        """Two processes: one records what was said, the other the unfollow that followed."""
        other = Door(Store(door.store.url.render_as_string(False)))
        for number in range(25):
            openid = f"oRace{number}"
            if number % 2:
                door.says(follows(0, openid))
            meet = threading.Barrier(2)

            def speak(openid: str = openid, meet: threading.Barrier = meet) -> None:
                meet.wait()
                other.hears([says("我的话", 1, openid)])

            def leave(openid: str = openid, meet: threading.Barrier = meet) -> None:
                meet.wait()
                door.hears([leaves(2, openid)])

            together([speak, leave])

            assert person(door.store, openid)["subscribed"] is False
            assert texts(door.store, openid) == [None]
        other.close()
        other.store.close()

    @pytest.mark.parametrize("name", ["user_authorization_revoke", "user_authorization_cancellation"])
    def test_of_consent_acts_on_the_person_it_names(self, door: Door, name: str) -> None:
        near = WORKER.swapcase()
        for openid in (WORKER, OTHER, near):
            door.says(says("我的话", openid=openid))
        named = event(name, f"<OpenID>{WORKER}</OpenID><AppID>wx1</AppID>", openid=OTHER, at=SENT + SECOND)

        assert door.says(named).body == b"success"

        assert [texts(door.store, each) for each in (WORKER, OTHER, near)] == [[None], ["我的话"], ["我的话"]]
        assert person(door.store)["subscribed"] is True
        assert stored(door.store, OTHER)[-1]["raw"] == named.decode()

    def test_of_consent_in_one_group_with_the_words_forgets_those_before_it(self, door: Door) -> None:
        named = event("user_authorization_revoke", f"<OpenID>{WORKER}</OpenID>", openid=OTHER)

        door.hears([says("一", 0), named, says("二", 1)])

        assert texts(door.store) == [None, "二"]


class TestTheWindows:
    """How long we may send a person something: 48 hours after words, one minute after a tap (platform guide, 客服消息)."""

    def test_are_opened_by_words_and_by_taps_alone(self, door: Door) -> None:
        choice = "<Content>入会</Content><bizmsgmenuid>JOIN</bizmsgmenuid><MsgId>9</MsgId>"
        voice = "<MediaId>m</MediaId><Format>amr</Format><MsgId>8</MsgId>"
        deeds = {
            "words": (says("你好", openid="words"), True, False),
            "voice": (envelope_of("voice", voice, openid="voice"), True, False),
            "choice": (envelope_of("text", choice, openid="choice"), False, True),
            "tap": (event("CLICK", key="JOIN", openid="tap"), False, True),
            "code": (event("scancode_waitmsg", key="X", openid="code"), False, True),
            "scan": (event("SCAN", key="1", openid="scan"), False, True),
            "follow": (follows(openid="follow"), False, True),
            "link": (event("VIEW", key="u", openid="link"), False, False),
            "where": (event("LOCATION", openid="where"), False, False),
            "camera": (event("pic_sysphoto", key="P", openid="camera"), False, False),
            "leaves": (leaves(openid="leaves"), False, False),
            "unknown": (envelope_of("hologram", "<MsgId>7</MsgId>", openid="unknown"), False, False),
        }
        door.hears([xml for xml, _, _ in deeds.values()])

        for openid, (_, spoke, tapped) in deeds.items():
            row = person(door.store, openid)
            assert (row["spoke_at"] == SENT, row["tapped_at"] == SENT) == (spoke, tapped), openid
            assert (row["spoke_at"] is None, row["tapped_at"] is None) == (not spoke, not tapped), openid

    def test_are_not_moved_back_by_what_comes_late(self, door: Door) -> None:
        for at in (5, 3):
            door.says(says("你好", at))
            door.says(event("CLICK", key="JOIN", at=SENT + (at + 1) * SECOND))
            door.clock.at += SECOND

        row = person(door.store)
        assert (row["spoke_at"], row["tapped_at"]) == (SENT + 5 * SECOND, SENT + 6 * SECOND)
        assert (row["first_seen_at"], row["last_seen_at"]) == (NOON, NOON + SECOND)

    def test_last_seen_is_not_moved_by_an_unfollow(self, door: Door) -> None:
        door.says(says("你好"))
        door.clock.at += timedelta(days=1)
        door.says(leaves(60))

        assert person(door.store)["last_seen_at"] == NOON


class TestAHandlerThatBreaks:
    @pytest.mark.parametrize("way", ["under flask", "on the loop"])
    def test_says_so_in_plain_words_and_its_message_is_kept_as_failed(
        self, counted: Door, way: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        breaking = door_like(counted, breaks)
        with caplog.at_level(logging.DEBUG):
            heard = breaking.says(says("坏")) if way == "under flask" else breaking.hears([says("坏")])[0]

        (row,) = stored(counted.store)
        assert (heard.status, heard.content) == (200, PLAIN_WORDS)
        assert (row["state"], row["topic"], row["content"], row["reply"]) == (
            "failed",
            "KeyError",
            "坏",
            heard.xml,
        )
        assert words_in_effect(counted.store) == []
        assert "KeyError" in caplog.text
        assert WORKER not in caplog.text
        assert "坏" not in caplog.text
        assert breaking.says(says("坏")).xml == heard.xml

    def test_spoils_nothing_for_the_others_in_its_group(self, counted: Door) -> None:
        breaking = door_like(counted, breaks)
        words = ["一", "坏", "二", "坏", "三"]

        answers = breaking.hears([says(each, at, f"oPerson{at}") for at, each in enumerate(words)])

        assert [each.content for each in answers] == ["1：一", PLAIN_WORDS, "2：二", PLAIN_WORDS, "3：三"]
        assert words_in_effect(counted.store) == sorted("一二三")
        assert [row["state"] for row in sorted(stored(counted.store), key=lambda row: row["openid"])] == [
            "answered", "failed", "answered", "failed", "answered",
        ]  # fmt: skip
        assert count(counted.store, followers) == 5

    def test_every_time_is_answered_every_time(self, counted: Door) -> None:
        breaking = door_like(counted, breaks, answer_s=60)  # how long it takes is not what is asked here

        answers = breaking.hears([says("坏", at, f"oPerson{at}") for at in range(300)])

        assert {each.content for each in answers} == {PLAIN_WORDS}
        assert {row["state"] for row in stored(counted.store)} == {"failed"}
        assert count(counted.store) == 300

    def test_before_it_asks_the_database_anything_is_the_same(self, sqlite_store: Store) -> None:
        def at_once(turn: Turn) -> Reply | None:
            if getattr(turn.message.body, "content", "") == "坏":
                raise ZeroDivisionError
            return answer(turn)

        door = Door(sqlite_store, handler=at_once)
        good, bad = door.hears([says("你好", 1), says("坏", 2)])

        assert "您好" in good.content
        assert bad.content == PLAIN_WORDS

    def test_by_breaking_a_rule_of_the_database_is_the_same(self, counted: Door) -> None:
        def twice(turn: Turn) -> Reply:
            reply = numbers(turn)
            if getattr(turn.message.body, "content", "") == "坏":
                turn.connection.execute(followers.insert().values(openid=None))
            return reply

        door = door_like(counted, twice)
        answers = door.hears([says(each, at) for at, each in enumerate(["一", "坏", "二"])])

        assert [each.content for each in answers] == ["1：一", PLAIN_WORDS, "2：二"]
        assert words_in_effect(counted.store) == sorted("一二")

    def test_leaves_its_sender_where_they_were_in_the_dialogue(self, sqlite_store: Store) -> None:
        def stands(turn: Turn) -> Reply:
            if getattr(turn.message.body, "content", "") == "坏":
                raise ZeroDivisionError
            turn.dialogue = "page 7"
            return Text("好")

        door = Door(sqlite_store, handler=stands)
        door.says(says("一", 1))
        door.says(says("坏", 2))

        assert person(sqlite_store)["dialogue"] == "page 7"

    def test_is_replayed_after_the_fix_each_message_once(self, counted: Door) -> None:
        breaking = door_like(counted, breaks)
        breaking.hears([says("坏", at, f"oPerson{at}") for at in range(4)])
        breaking.says(says("好", 9))
        again = replay(counted.store, breaking.webhook.handle)

        one, two = stored(counted.store)[0]["id"], stored(counted.store)[1]["id"]
        some = replay(counted.store, counted.webhook.handle, [one])
        pair = [
            lambda: done.append(replay(counted.store, counted.webhook.handle)),
            lambda: done.append(replay(counted.store, counted.webhook.handle)),
        ]
        done: list[Replayed] = []
        together(pair)
        nothing = replay(counted.store, counted.webhook.handle)

        assert (again, some, nothing) == (Replayed(0, 4), Replayed(1, 0), Replayed(0, 0))
        assert (sum(each.answered for each in done), sum(each.failed for each in done)) == (3, 0)
        assert two != one
        assert words_in_effect(counted.store) == sorted(["坏"] * 4 + ["好"])
        assert {(row["state"], row["topic"]) for row in stored(counted.store)} == {("answered", "counted")}
        assert all("：坏" in row["reply"] for row in stored(counted.store) if row["content"] == "坏")

    def test_is_not_replayed_for_one_who_has_left(self, counted: Door) -> None:
        breaking = door_like(counted, breaks)
        breaking.says(says("坏"))
        counted.says(leaves(1))

        assert replay(counted.store, counted.webhook.handle) == Replayed(0, 0)
        assert words_in_effect(counted.store) == [""]


class TestAHandlerThatAnswersForItsOwnFaults:
    """It is called before the transaction first, where there is neither a database nor a follower."""

    def test_is_answered_by_the_database_and_not_by_its_lack(self, counted: Door) -> None:
        def careful(turn: Turn) -> Reply:
            try:
                return numbers(turn)
            except Exception:  # noqa: BLE001 - what such a handler does
                return Text("今天办不了")

        (heard,) = door_like(counted, careful).hears([says("一")])

        assert heard.content == "1：一"
        assert words_in_effect(counted.store) == ["一"]

    def test_notes_something_of_its_follower_and_of_nobody_else(self, door: Door) -> None:
        def notes(turn: Turn) -> Reply:
            words = getattr(turn.message.body, "content", "")
            with contextlib.suppress(Exception):
                if words == "门口":
                    turn.follower.scene = words
            return Text(words)

        noting = door_like(door, notes)
        noting.hears([says("门口")])
        noting.hears([says("你好", openid=OTHER)])

        assert (person(door.store)["scene"], person(door.store, OTHER)["scene"]) == ("门口", None)


class TestASlowStatement:
    def test_is_told_to_its_sender_alone(self, counted: Door) -> None:
        def dawdles(turn: Turn) -> Reply:
            if getattr(turn.message.body, "content", "") == "慢":
                turn.connection.execute(sa.text(SLOW[counted.store.dialect])).all()
            return numbers(turn)

        door = door_like(counted, dawdles)
        begun = time.monotonic()
        answers = door.hears([says(each, at, f"oP{at}") for at, each in enumerate(["一", "慢", "二"])])
        took = time.monotonic() - begun

        assert [(each.status, each.content) for each in answers] == [
            (200, "1：一"),
            (200, BUSY),
            (200, "2：二"),
        ]
        assert 2.9 < took < 4.5
        assert words_in_effect(counted.store) == sorted("一二")
        assert [row["state"] for row in sorted(stored(counted.store), key=lambda row: row["openid"])] == [
            "answered", "failed", "answered",
        ]  # fmt: skip

    def test_is_told_to_its_sender_under_flask_too(self, sqlite_store: Store) -> None:
        def dawdles(turn: Turn) -> Reply:
            turn.connection.info["limit"][0] = 0.1  # seconds: not to wait three for the same thing
            turn.connection.execute(sa.text(SLOW["sqlite"])).all()
            return Text("好")

        answered = Door(sqlite_store, handler=dawdles).says(says("慢"))

        assert (answered.status, answered.content) == (200, BUSY)
        assert [row["state"] for row in stored(sqlite_store)] == ["failed"]

    def test_for_everybody_is_told_to_everybody_in_time(self, store_of: Callable[[str], Store]) -> None:
        store = store_of("postgresql")

        def dawdles(turn: Turn) -> Reply:
            turn.connection.execute(sa.text(SLOW["postgresql"]))
            return Text("好")

        door = Door(store, handler=dawdles)
        begun = time.monotonic()
        answers = door.hears([says("慢", at, f"oP{at}") for at in range(100)])
        took = time.monotonic() - begun

        assert {(each.status, each.content) for each in answers} == {(200, BUSY)}
        assert took < 4.5
        assert count(store) == 100


class TestTheDatabaseIsGone:
    @pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
    @pytest.mark.parametrize("how", ["refuses", "is silent"])
    def test_then_wechat_is_asked_to_come_again_and_all_is_well_when_it_is_back(
        self, store_of: Callable[[str], Store], kind: str, how: str
    ) -> None:
        with Proxy(*_far_end(store_of(kind))) as proxy:
            store = Store(through(store_of(kind).url, proxy.port))
            door = Door(store, answer_s=1.5)
            assert door.hears([says("之前", 1)])[0].status == 200
            proxy.cut() if how == "refuses" else proxy.freeze()

            begun = time.monotonic()
            (gone,) = door.hears([says("期间", 2)], wait=False)
            took = time.monotonic() - begun
            proxy.restore()
            back = door.hears([says("期间", 2), says("之后", 3)])

            assert (gone.status, gone.body) == (503, b"")
            assert 1.4 < took < 2.2
            assert [each.status for each in back] == [200, 200]
            assert sorted(texts(store_of(kind))) == sorted(["之前", "期间", "之后"])
            door.close()
            store.close()

    @pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
    def test_under_flask_too(self, store_of: Callable[[str], Store], kind: str) -> None:
        with Proxy(*_far_end(store_of(kind))) as proxy:
            store = Store(through(store_of(kind).url, proxy.port))
            door = Door(store)
            door.says(says("之前", 1))
            proxy.cut()
            gone = door.says(says("期间", 2))
            proxy.restore()

            assert (gone.status, gone.body) == (503, b"")
            assert door.says(says("期间", 2)).status == 200
            store.close()

    def test_in_sqlite_while_a_stranger_holds_it(self, sqlite_store: Store) -> None:
        door = Door(sqlite_store)
        assert door.hears([says("之前", 1)])[0].status == 200
        stranger = sqlite3.connect(str(sqlite_store.url.database), isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")

        begun = time.monotonic()
        gone = door.hears([says("期间", at) for at in (2, 3)], wait=False)
        took = time.monotonic() - begun
        stranger.execute("ROLLBACK")
        stranger.close()

        assert [(each.status, each.body) for each in gone] == [(503, b"")] * 2
        assert 4.4 < took < 5
        assert door.hears([says("期间", 2)])[0].status == 200
        assert "期间" in texts(sqlite_store)

    def test_in_sqlite_while_another_of_us_writes_for_long(self, sqlite_store: Store) -> None:
        """The loop goes on meanwhile: who comes in the time gets an answer."""
        door = Door(sqlite_store)
        held = Held(sqlite_store.lock)
        release = threading.Timer(1, held.close)
        release.start()

        begun = time.monotonic()
        (answered,) = door.hears([says("你好", 1)])

        assert answered.status == 200
        assert 0.9 < time.monotonic() - begun < 3
        release.join()

    def test_for_good_never_becomes_anything_but_503(self, sqlite_store: Store) -> None:
        door = Door(sqlite_store, answer_s=0.5)
        with sqlite_store.writing() as connection:
            connection.execute(sa.text("ALTER TABLE interactions RENAME TO elsewhere"))

        assert [each.status for each in door.hears([says("一", 1), says("二", 2)])] == [503, 503]
        assert door.says(says("三", 3)).status == 503

        with sqlite_store.writing() as connection:
            connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO interactions"))
        assert [each.status for each in door.hears([says("一", 1), says("二", 2)])] == [200, 200]

    def test_a_fault_of_ours_is_503_for_that_message_alone(self, sqlite_store: Store) -> None:
        """Whatever it is, nobody waits for ever."""
        door = Door(sqlite_store)
        sorry = door.webhook.sorry

        def hopeless(turn: Turn) -> Reply | None:
            if getattr(turn.message.body, "content", "") == "坏":
                raise ZeroDivisionError
            return answer(turn)

        def worse(row: Any, error: Exception) -> Any:
            raise RuntimeError("even the apology breaks")

        door = Door(sqlite_store, handler=hopeless)
        door.webhook.sorry = worse  # type: ignore[method-assign]
        good, bad = door.hears([says("你好", 1), says("坏", 2)])

        assert (good.status, bad.status) == (200, 503)
        door.webhook.sorry = sorry  # type: ignore[method-assign]


class TestWords:
    def test_of_every_kind_come_back_as_they_were(self, counted: Door) -> None:
        sayings = [
            "😀👨‍👩‍👧‍👦🇨🇳", "𠮷野家", "a\u0301 \u202e", "  前后有空格  ", "换\n行\t和\u2028", "'\"\\%_`;--{}", "工" * 15_000, "",
        ]  # fmt: skip
        counted.hears([says(words, at) for at, words in enumerate(sayings)])

        rows = stored(counted.store)
        assert {row["content"] for row in rows} == set(sayings)
        assert all(row["raw"] and row["content"] in row["raw"] for row in rows)
        assert words_in_effect(counted.store) == sorted(sayings)
        assert sorted(
            row["reply"].partition("：")[2][:5] for row in rows if row["content"].startswith("工")
        ) == ["工工工工工"]

    def test_in_every_other_column_come_back_as_they_were(self, door: Door) -> None:
        door.says(event("SCAN", key="门口😀" + "长" * 3000))
        door.says(event("😀事件", key="a b", openid="o😀"))

        first, second = stored(door.store)
        assert first["event_key"] == "门口😀" + "长" * 3000
        assert person(door.store)["scene"] == first["event_key"]
        assert (second["openid"], second["event"], second["event_key"]) == ("o😀", "😀事件", "a b")

    def test_as_long_as_a_body_may_be_are_stored(self, door: Door) -> None:
        words = "长" * 21_000

        assert door.says(says(words)).status == 200
        assert texts(door.store) == [words]

    def test_times_keep_their_microseconds(self, door: Door) -> None:
        door.clock.at = NOON.replace(microsecond=123_457)
        door.says(text("你好"), NOON)

        assert stored(door.store)[0]["received_at"] == NOON.replace(microsecond=123_457)


class TestContention:
    def test_that_does_not_end_is_given_up(self, sqlite_store: Store) -> None:
        """A key that is there when we write and not there when we look can only be a fault; it must not spin."""
        door = Door(sqlite_store)
        door.says(says("一", 1))
        recorder = door.webhook.recorder
        recorder._known = lambda connection, keys: {}  # type: ignore[method-assign]
        arrived = door.webhook.arrive(*delivery("plain", says("一", 1), NOON))[1]

        with pytest.raises(sa.exc.OperationalError):
            door.webhook.committer.commit([arrived], time.monotonic() + 1)  # type: ignore[list-item]
        assert door.says(says("一", 1)).status == 503


SIX = [
    ("subscribe", 1),
    ("unsubscribe", 2),
    ("subscribe", 2),
    ("unsubscribe", 3),
    ("subscribe", 3),
    ("text", 2),
]


def _deed(openid: str, name: str, at: int) -> bytes:
    """What a person of the permutations does; the words are the time at which they were said."""
    if name == "text":
        return says(str(at), at, openid)
    return event(name, openid=openid, at=SENT + at * SECOND)


def _bring(door: Door, deeds: list[bytes], grouped: bool) -> None:
    if grouped:
        door.hears(deeds)
    else:
        for deed in deeds:
            door.says(deed)


def _far_end(store: Store) -> tuple[str, int]:
    assert store.url.host
    return store.url.host, store.url.port or {"postgresql": 5432}.get(store.dialect, 3306)


class Held:
    """SQLite's file lock, held by somebody else."""

    def __init__(self, lock: Any) -> None:
        self._lock, self._fd = lock, lock.open()
        assert lock.take(self._fd)

    def close(self) -> None:
        self._lock.free(self._fd)


def together(deeds: list[Callable[[], object]]) -> None:
    """Do all of them at once, each in its own thread; asserts that none raised."""
    raised: list[BaseException] = []

    def run(deed: Callable[[], object]) -> None:
        try:
            deed()
        except BaseException as error:  # noqa: BLE001
            raised.append(error)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert raised == []


def door_like(door: Door, handler: Callable[[Turn], Reply | None], answer_s: float = ANSWER_S) -> Door:
    """Another handler over the same store and clock."""
    made = Door(door.store, handler=handler, answer_s=answer_s)
    assert isinstance(door.clock, SetClock)
    made.clock.at = door.clock.at
    return made


@pytest.fixture(autouse=True)
def doors() -> Iterator[None]:
    """Every door is closed in the end."""
    yield
    close_doors()


@pytest.fixture
def door(store: Store) -> Door:
    return Door(store)


@pytest.fixture
def counted(store: Store) -> Iterator[Door]:
    """A door whose handler counts its effects in a table of its own."""
    effects.metadata.create_all(store.engine)
    yield Door(store, handler=numbers)
    close_doors()
    effects.metadata.drop_all(store.engine)


@pytest.fixture
def store_of(scratch: Any, tmp_path: Any) -> Iterator[Callable[[str], Store]]:
    """The store of one kind of database."""
    made: dict[str, Store] = {}

    def of(kind: str) -> Store:
        if kind not in made:
            made[kind] = Store(scratch.empty(kind, tmp_path))
        return made[kind]

    yield of
    for each in made.values():
        each.close()
