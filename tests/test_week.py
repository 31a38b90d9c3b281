"""2,000 workers' first week in fast motion: what they do on their phones, and every push of that week accounted for."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from config_cast import written
from guides_cast import WHOLE
from ledger_cast import assert_books_balance
from push_cast import JPEG
from simulator_cast import ACCOUNT, Time

import app
from commands import halt, steering
from ground.days import SHANGHAI
from menus import tree
from models import alarm
from models.base import Store
from models.clock import Clock
from models.delivery import Books, deliveries
from models.follower import followers
from models.interaction import interactions
from models.push import pushes
from wx.simulator import Phone, Platform, PlatformServer, Results
from wx.simulator.people import tag

WORKERS = 2000
MONDAY = datetime(2027, 3, 1, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)
CONFIG = """
[[campaigns]]
id = "week"
title = "第一周"
kind = "publicity"

[[campaigns.pushes]]
id = "hello"        # to everyone, one row
at = 2027-03-02T20:00:00
channel = "mass"
text = "欢迎关注盘锦市总工会"

[[campaigns.pushes]]
id = "visit"        # to a list, in one call
at = 2027-03-03T10:00:00
channel = "mass"
audience = "openids:visit.txt"
article = { title = "走访慰问", content = "<p>工会来看您</p><img src='poll.jpg'>", cover = "poll.jpg" }

[[campaigns.pushes]]
id = "lecture"      # to everyone, one by one; stopped in the middle and resumed
at = 2027-03-04T09:00:00
channel = "template"
template = { id = "LECTURE", data = { thing1 = "法律讲座" } }

[[campaigns.pushes]]
id = "thanks"       # to whom it may still be said
at = 2027-03-04T20:00:00
channel = "service"
text = "谢谢您这几天来工会坐坐"

[[campaigns.pushes]]
id = "late"         # nobody was there, and then it was too late
at = 2027-03-05T13:00:00
channel = "template"
template = { id = "LATE", data = { thing1 = "已经过去的事" } }

[[campaigns.pushes]]
id = "found"        # nobody was there, and then it was still in time
at = 2027-03-05T14:30:00
channel = "template"
audience = "openids:visit.txt"
template = { id = "FOUND", data = { thing1 = "还来得及的事" } }
late_ok = "2h"

[[campaigns.pushes]]
id = "halted"       # everything was stopped when it came due
at = 2027-03-06T10:00:00
channel = "template"
audience = "tag:盘山县"
template = { id = "HALTED", data = { thing1 = "停了又走" } }
late_ok = "3h"

[[campaigns.pushes]]
id = "choice"       # each day of the weekend, to those who spoke
daily = { from = "2027-03-06", to = "2027-03-07", at = "18:00" }
channel = "service"
audience = "openids:visit.txt"
menu = { head = "周末想参加什么？", items = [{ id = "walk", content = "健步走" }, { id = "read", content = "读书会" }] }

[[campaigns.pushes]]
id = "poll"         # to a tag, one row
at = 2027-03-07T10:00:00
channel = "mass"
audience = "tag:盘山县"
image = "poll.jpg"
"""
DUE = {  # the pushes of that week: how each must end
    "week/hello": ["finished"],
    "week/visit": ["finished"],
    "week/lecture": ["finished"],
    "week/thanks": ["finished"],
    "week/late": ["missed"],
    "week/found": ["finished"],
    "week/halted": ["finished"],
    "week/choice": ["finished", "finished"],
    "week/poll": ["finished"],
}
SAYINGS = ("工伤", "退会", "你好", "谢谢", "高温津贴怎么发", "我想问量子纠缠", "👍", "1", "0", "人工", "心愿")


def test_two_thousand_workers_first_week_is_accounted_for_to_the_last_push(town: Town) -> None:
    town.lives(deeds=1)

    town.every_push_ended_and_its_books_balance()
    town.the_platforms_log_agrees_person_by_person()
    town.nobody_who_left_got_anything()
    town.every_act_is_stored_once_and_was_answered()
    town.who_follows_is_known()
    town.what_leavers_said_is_gone()
    with town.store.reading() as connection:
        alarms = {each.name: each.words for each in alarm.standing(connection)}
    assert list(alarms) == ["missed week/late"], alarms
    assert "发现时已经太晚" in alarms["missed week/late"]
    books = town.books()
    assert books["week/lecture"].sent > WORKERS * 0.8
    assert books["week/thanks"].sent > 100
    assert books["week/thanks"].skipped > 100, "the others had been silent for two days"
    assert books["week/found"].sent > 50
    assert books["week/halted"].sent > 100
    assert books["week/lecture"].failed > 0, "some refuse our messages"
    assert books["week/lecture"].skipped > 0, "some left while it stood still"


@pytest.mark.parametrize("live", [False])
def test_before_the_account_is_live_only_the_testers_get_anything(town: Town) -> None:
    testers = {phone.openid for phone in town.testers}
    town.lives(deeds=0.02)

    town.every_push_ended_and_its_books_balance()
    town.the_platforms_log_agrees_person_by_person()
    town.every_act_is_stored_once_and_was_answered()
    assert {row.openid for row in town.platform.log} == testers
    with town.store.reading() as connection:
        query = sa.select(deliveries).where(deliveries.c.recipient.not_in(testers))
        others = connection.execute(query).all()
    assert len(others) > 2 * WORKERS
    assert {(row.state, row.reason, row.attempts) for row in others} == {("skipped", "not live", 0)}
    got = Counter(str(row.content.get("template_id", row.channel)) for row in town.platform.log)
    assert got["LECTURE"] == len(testers)
    assert got["mass"] >= len(testers), "the mass message reached them, by name"


# --- the cast ----------------------------------------------------------------------------------------------------


class Fast(Clock):
    """The town's clock, in every part of the system."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self.time = time

    def now(self) -> datetime:
        return self.time.now()


class Town:
    """The workers with their phones, the platform, and our whole system in one process."""

    def __init__(self, store: Store, folder: Path, live: bool) -> None:
        self.store = store
        self.chance = random.Random(12351)
        self.time = Time(MONDAY.astimezone(UTC))
        account = ACCOUNT.model_copy(update={"live": live})
        self.platform = Platform(account, now=self.time.now, results=Results(delay_s=0))
        self.server = PlatformServer(self.platform).start()
        self.phones = [Phone(self.platform, f"职工{number}") for number in range(WORKERS)]
        self.testers = self.phones[:5]
        self.done: list[tuple[str, str, str, str]] = []  # openid, MsgType, Event, content
        self.away: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        self.unanswered: list[str] = []
        (folder / "poll.jpg").write_bytes(JPEG)
        listed = "\n".join(phone.openid for phone in self.phones[::10])
        (folder / "visit.txt").write_text(f"# 名单\n{listed}\n", "utf-8")
        self.built = app.Built(written(folder, self._config(live)), {})
        vars(self.built)["clock"] = Fast(self.time)  # before any other part asks for it
        self.platform.callback.target = self.built.webhook.answer
        self.up = True

    def _config(self, live: bool) -> str:
        testers = ", ".join(f'"{phone.openid}"' for phone in self.testers)
        return (
            f'[account]\nname = "盘锦市总工会"\nverified = true\nlive = {str(live).lower()}\ntesters = [{testers}]\n'
            f'original_id = "{ACCOUNT.original_id}"\napp_id = "{ACCOUNT.app_id}"\n'
            f'app_secret = "{ACCOUNT.app_secret.get_secret_value()}"\ntoken = "{ACCOUNT.token.get_secret_value()}"\n'
            f'encoding_aes_key = "{ACCOUNT.encoding_aes_key.get_secret_value()}"\napi_base = "{self.server.url}"\n'
            f'[database]\nurl = "{self.store.url.render_as_string(hide_password=False)}"\n'
            f"[limits]\nsends_per_s = 1000\n{CONFIG}"
        )

    def close(self) -> None:
        self.built.worker.stop()
        self.built.worker.sender.close()
        self.platform.settle(10)
        self.server.stop()
        self.platform.close()
        self.built.shared.close()
        self.built.store.close()

    # -- the week ------------------------------------------------------------------------------------------

    def lives(self, deeds: float) -> None:
        """Seven days, hour by hour. `deeds`: how many things a worker does on average, besides following."""
        self.works()  # it looks at the config for the first time
        plan = self._plan(deeds)
        for hour in range(7 * 24):
            at = (MONDAY + hour * HOUR).astimezone(UTC)
            self.time.at = at + timedelta(seconds=1)
            self._staff(at.astimezone(SHANGHAI))
            self.works()
            for minute, deed in enumerate(plan.get(hour, ())):
                self.time.at = at + timedelta(minutes=10, seconds=minute)
                deed()
        self.time.at = (MONDAY + 7 * 24 * HOUR).astimezone(UTC)
        self.works()

    def _plan(self, deeds: float) -> dict[int, list[Callable[[], None]]]:
        """What happens in which hour."""
        plan: dict[int, list[Callable[[], None]]] = defaultdict(list)
        for phone in self.phones:
            arrives = self.chance.choice(range(8, 42))
            scene = self.chance.choice((None, None, "poster", 101))
            plan[arrives].append(partial(self.follows, phone, scene))
            for _ in range(int(deeds) + (self.chance.random() < deeds % 1)):
                plan[self.chance.choice(range(arrives + 1, 165))].append(partial(self.does_something, phone))
        for phone in self.testers:
            for hour in (80, 112, 136, 160):
                plan[hour].append(partial(self.says, phone, "你好"))
        if deeds >= 1:
            self._moods(plan)
        return plan

    def _moods(self, plan: dict[int, list[Callable[[], None]]]) -> None:
        """Some leave, some of them come back, some refuse our messages."""
        for phone in self.chance.sample(self.phones[5:], 140):
            leaves = self.chance.choice(range(44, 120))
            plan[leaves].append(partial(self.leaves, phone))
            if self.chance.random() < 0.5:
                plan[leaves + self.chance.choice((1, 5, 30))].append(partial(self.follows, phone, None))
        for phone in self.chance.sample(self.phones[5:], 40):
            plan[self.chance.choice(range(44, 100))].append(partial(phone.blocks, True))
        for phone in self.phones[6:200:10]:  # the members of the list
            for hour in (106, 138, 158):
                plan[hour].append(partial(self.says, phone, "你好"))

    def _staff(self, at: datetime) -> None:
        """What the staff do, and what happens to the machine."""
        now, store, common = self.time.now(), self.built.store, self.built.shared
        quiet: Callable[[str], None] = [].append
        match f"{at:%a %H}":
            case "Mon 12":
                for phone in self.phones[::8]:
                    tag(self.platform.world, phone.follower, "盘山县")
            case "Thu 09" if self.built.config.account.live:
                self.built.worker.step()
                while not self.books()["week/lecture"].sent:
                    self.built.worker.step()
                assert steering.push_pause(store, "week/lecture", now, quiet) == 0
                assert 0 < self.books()["week/lecture"].sent < WORKERS / 2
                assert self.platform.settle(20)
                self.time.passes(minutes=1)
                for phone in self.phones[1205:1215]:
                    self.leaves(phone)
            case "Thu 11" if self.built.config.account.live:
                assert steering.push_resume(store, common, "week/lecture", now, quiet) == 0
            case "Fri 12":
                self.up = False
            case "Fri 15":
                self.up = True
            case "Sat 09":
                assert halt.halt(store, now, say=quiet) == 0
            case "Sat 12":
                assert halt.unhalt(store, common, now, quiet) == 0

    def works(self) -> None:
        """The worker does all that can be done now, while its machine is up."""
        idle = 0
        while self.up and idle < 2:
            idle = idle + 1 if self.built.worker.step() >= 0.5 else 0
        assert self.platform.settle(60)
        if self.up:  # as it does all the time: a result may come before our own row is written
            self.built.worker.sender.recover()

    # -- what workers do -----------------------------------------------------------------------------------

    def follows(self, phone: Phone, scene: str | int | None) -> None:
        if phone.follower.following:
            return
        if self.away[phone.openid]:
            left_at, _ = self.away[phone.openid].pop()
            self.away[phone.openid].append((left_at, self.time.now()))
        phone.follows(scene)
        self._note(phone, "event", "subscribe", "" if scene is None else f"qrscene_{scene}")

    def leaves(self, phone: Phone) -> None:
        if not phone.follower.following:
            return
        self.away[phone.openid].append((self.time.now(), datetime.max.replace(tzinfo=UTC)))
        phone.unfollows()
        self.done.append((phone.openid, "event", "unsubscribe", ""))

    def says(self, phone: Phone, text: str) -> None:
        if phone.follower.following:
            phone.says(text)
            self._note(phone, "text", "", text)

    def does_something(self, phone: Phone) -> None:
        if not phone.follower.following:
            return
        match self.chance.randrange(10):
            case 0 | 1 | 2:
                key = self.chance.choice(tree.keys(WHOLE.menu))
                self._taps(phone, key)
            case 3:
                phone.sends_picture()
                self._note(phone, "image", "", None)
            case 4:
                phone.sends_voice("退会怎么办")
                self._note(phone, "voice", "", None)
            case 5:
                phone.sends_location(41.12, 122.07, "盘锦市兴隆台区")
                self._note(phone, "location", "", None)
            case 6:
                phone.scans("hall")
                self._note(phone, "event", "SCAN", "hall")
            case _:
                self.says(phone, self.chance.choice(SAYINGS))

    def _taps(self, phone: Phone, key: str) -> None:
        self.platform.world.menu = self.platform.world.menu or dict(tree.body(WHOLE.menu))
        phone.taps(key)
        self._note(phone, "event", "CLICK", key)

    def _note(self, phone: Phone, kind: str, event: str, content: str | None) -> None:
        self.done.append((phone.openid, kind, event, content or ""))
        if not phone.last:
            self.unanswered.append(f"{kind} {event} {content}")

    # -- what must be true at the end ----------------------------------------------------------------------

    def books(self) -> dict[str, Books]:
        with self.store.reading() as connection:
            found = connection.execute(sa.select(pushes.c.name, pushes.c.id)).all()
        return {name: assert_books_balance(self.store, push_id) for name, push_id in found}

    def every_push_ended_and_its_books_balance(self) -> None:
        with self.store.reading() as connection:
            rows = connection.execute(sa.select(pushes).order_by(pushes.c.due_at)).all()
        ended = defaultdict(list)
        for row in rows:
            ended[row.name].append(row.state)
            books = assert_books_balance(self.store, row.id)
            assert books.open == 0, row.name
            assert books.unknown == 0, row.name
            assert (books.size > 0) == (row.state == "finished"), row.name
        assert ended == DUE

    def the_platforms_log_agrees_person_by_person(self) -> None:
        heard = defaultdict(list)
        for row in self.platform.log:
            heard[self._push_of(row.client_id, row.at)].append(row.openid)
            assert row.repeats == 0
        with self.store.reading() as connection:
            query = sa.select(deliveries, pushes.c.name, pushes.c.key.label("push_key"))
            query = query.select_from(deliveries.join(pushes, pushes.c.id == deliveries.c.push_id))
            rows = connection.execute(query).all()
        got = defaultdict(set)
        for row in rows:
            if row.sent_at is not None and row.recipient != "all" and not row.recipient.startswith("tag:"):
                got[row.push_key].add(row.recipient)
        keys = {row.push_key: row.name for row in rows}
        for key, name in keys.items():
            assert len(heard[key]) == len(set(heard[key])), f"{name}: somebody got it twice"
            books = self._books_of(key)
            if not books.told:
                assert set(heard[key]) == got[key], name
                continue
            # a mass message: WeChat counts, and leaves out who refuses our messages
            assert books.told["sent"] == len(heard[key]), name
            if got[key]:
                assert got[key] - self._refusing() <= set(heard[key]) <= got[key], name
        assert set(heard) <= set(keys)

    def _push_of(self, client_id: str, at: datetime) -> str:
        """The key of the push that a message belongs to; a customer-service message carries none."""
        if client_id:
            return client_id[:16]
        with self.store.reading() as connection:
            query = sa.select(pushes.c.key).where(pushes.c.channel == "service", pushes.c.due_at <= at)
            newest = query.order_by(pushes.c.due_at.desc()).limit(1)
            key: str = connection.execute(newest).scalar_one()
        return key

    def _books_of(self, key: str) -> Books:
        with self.store.reading() as connection:
            query = sa.select(pushes.c.id).where(pushes.c.key == key)
            push_id: int = connection.execute(query).scalar_one()
        return assert_books_balance(self.store, push_id)

    def _refusing(self) -> set[str]:
        return {phone.openid for phone in self.phones if phone.follower.blocks}

    def nobody_who_left_got_anything(self) -> None:
        assert sum(len(spans) for spans in self.away.values()) > 100
        for row in self.platform.log:
            for left_at, back_at in self.away[row.openid]:
                assert not left_at <= row.at < back_at
        with self.store.reading() as connection:
            codes = set(connection.execute(sa.select(deliveries.c.errcode)).scalars())
        assert 43004 not in codes, "we did not even try"

    def every_act_is_stored_once_and_was_answered(self) -> None:
        columns = (interactions.c.openid, interactions.c.msg_type, interactions.c.event)
        ours = interactions.c.event.is_(None) | interactions.c.event.not_in(
            ("TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH")
        )
        with self.store.reading() as connection:
            rows = Counter(
                (openid, kind, event or "")
                for openid, kind, event in connection.execute(sa.select(*columns).where(ours))
            )
            told = Counter(connection.execute(sa.select(interactions.c.event).where(~ours)).scalars())
            states = Counter(connection.execute(sa.select(interactions.c.state)).scalars())
        assert rows == Counter((openid, kind, event) for openid, kind, event, _ in self.done)
        assert self.unanswered == []
        assert set(states) == {"answered"}
        assert not self.platform.callback.refused, "an answer that WeChat did not understand"
        assert told["TEMPLATESENDJOBFINISH"] == sum(row.channel == "template" for row in self.platform.log)
        assert (
            told["MASSSENDJOBFINISH"]
            == self.platform.calls["message/mass/sendall"] + (self.platform.calls["message/mass/send"])
        )

    def who_follows_is_known(self) -> None:
        with self.store.reading() as connection:
            found = connection.execute(sa.select(followers.c.openid, followers.c.subscribed)).all()
        assert {openid: subscribed for openid, subscribed in found} == {  # noqa: C416 - a row is no pair
            phone.openid: phone.follower.following for phone in self.phones
        }

    def what_leavers_said_is_gone(self) -> None:
        with self.store.reading() as connection:
            query = sa.select(interactions.c.openid, interactions.c.sent_at, interactions.c.raw)
            rows = connection.execute(query).all()
        for row in rows:
            before_leaving = any(row.sent_at <= left_at for left_at, _ in self.away.get(row.openid, ()))
            assert (row.raw is None) == before_leaving


@pytest.fixture
def live() -> bool:
    return True


@pytest.fixture
def town(sqlite_store: Store, tmp_path: Path, live: bool) -> Iterator[Town]:
    made = Town(sqlite_store, tmp_path, live)
    yield made
    made.close()
