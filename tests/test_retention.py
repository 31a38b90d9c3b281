"""What people said goes when its time is over, and not before somebody has seen what goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from line_cast import YEAR, Desk, desk
from webhook_cast import stored

from jobs.retention import WAITS, Purger
from models import alarm, audit, edition, letter, opinion, request, retention, step
from models.base import Store
from models.interaction import interactions
from models.retention import Rules

__all__ = ["desk"]

NOW = datetime.now(UTC)
OLD, YOUNG = NOW - timedelta(days=200), NOW - timedelta(days=20)
LONG_AGO = NOW - timedelta(days=4 * 365)
RULES = Rules({"chat": 180, "letters": 180, "requests": 1095, "opinions": 1095})


def said(store: Store, words: str, at: datetime, number: int = 0) -> None:
    """Somebody said this at that time."""
    row = {
        "dedupe_key": f"{words}{number}", "openid": "oWang", "msg_type": "text", "content": words, "sent_at": at,
        "received_at": at, "raw": f"<xml>{words}</xml>", "reply": "<xml>答</xml>", "state": "answered",
        "topic": "guide:pay", "missed": False,
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(interactions.insert().values(row))


def purger(store: Store, rules: Rules = RULES, now: datetime = NOW) -> Purger:
    return Purger(store, rules, lambda: now)


def agrees(store: Store, rules: Rules = RULES) -> None:
    with store.writing() as connection:
        retention.agree(connection, rules, "cli:li", NOW)


def words(store: Store) -> list[str | None]:
    return [row.content for row in stored(store)]


# --- what staff type ---------------------------------------------------------------------------------------------


def test_staff_see_what_would_go_agree_and_then_it_goes_row_by_row_and_they_are_named(desk: Desk) -> None:
    assert desk.types("db", "upgrade").code == 0
    store = desk.built().store
    said(store, "去年的话", OLD)
    said(store, "上个月的话", YOUNG)

    looked = desk.types("retention")
    assert looked.code == 0
    assert "聊天：收到以后留 180天" in looked.out
    assert "诉求：办完的，最后一步以后留 3年" in looked.out
    assert "现在到期的 1 条" in looked.out
    assert "retention --agree" in looked.out
    assert purger(store).step() == 0
    assert words(store) == ["去年的话", "上个月的话"]
    with store.reading() as connection:
        assert alarm.stands(connection, WAITS)

    asked = desk.types("retention", "--agree")  # nobody can be asked here
    assert asked.code == 2
    assert "--yes" in asked.err
    assert purger(store).step() == 0
    assert desk.types("retention", "--agree", "--yes").code == 0

    assert purger(store).step() == 1
    assert words(store) == [None, "上个月的话"]
    first = stored(store)[0]
    assert (first.raw, first.reply, first.topic, first.openid) == (None, None, "guide:pay", "oWang")
    with store.reading() as connection:
        assert not alarm.stands(connection, WAITS)
        deeds = list(connection.execute(sa.select(audit.audit.c.deed)).scalars())
        assert deeds == ["agree retention"]
    assert "看过并同意了" in desk.types("retention").out
    store.close()


def test_a_rule_that_was_changed_needs_a_new_look(desk: Desk) -> None:
    assert desk.types("db", "upgrade").code == 0
    store = desk.built().store
    said(store, "去年的话", OLD)
    assert desk.types("retention", "--agree", "--yes").code == 0

    desk.writes(f"[data]\nchat_days = 90\n{YEAR}")

    assert "还没有人同意" in desk.types("retention").out
    assert purger(store, Rules(desk.built().config.data.kept)).step() == 0
    assert words(store) == ["去年的话"]
    store.close()


def test_check_tells_days_that_are_no_days_and_a_guide_that_promises_others(desk: Desk) -> None:
    desk.writes(f"[data]\nchat_days = 5\n{YEAR}")
    wrong = desk.types("check")
    assert wrong.code == 1
    assert "data.chat_days" in wrong.out

    desk.writes(f"[data]\nchat_days = 90\n{YEAR}")
    assert "您的信息怎么保护" in desk.types("check").out
    desk.writes(YEAR)
    assert "您的信息怎么保护" not in desk.types("check").out


# --- what goes ---------------------------------------------------------------------------------------------------


def test_the_chat_goes_in_portions_and_none_is_left_over(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PORTION", 3)
    for number in range(8):
        said(sqlite_store, "旧话", OLD + timedelta(seconds=number // 4), number)
    said(sqlite_store, "新话", YOUNG)
    agrees(sqlite_store)
    job = purger(sqlite_store)

    assert [job.step() for _ in range(4)] == [3, 3, 2, 0]
    assert words(sqlite_store) == [None] * 8 + ["新话"]
    assert purger(sqlite_store, now=YOUNG + timedelta(days=181)).step() == 1


def test_notes_of_a_letter_that_is_done_go_and_of_an_open_one_stay(sqlite_store: Store) -> None:
    with sqlite_store.writing() as connection:
        for who in ("oWang", "oLi"):
            letter.receive(connection, who, "missed", OLD, urgent=False)
        done, still = connection.execute(
            sa.select(letter.letters.c.id).order_by(letter.letters.c.id)
        ).scalars()
        for number in (done, still):
            letter.step(connection, number, "li", letter.NOTED, "他家里有难处", OLD)
        here = letter.letters.c.id == done
        connection.execute(letter.letters.update().where(here).values(state=letter.DONE, open=None))
    agrees(sqlite_store)

    assert purger(sqlite_store).step() == 1

    with sqlite_store.reading() as connection:
        assert [one.words for one in letter.steps(connection, done)] == [""]
        assert [one.words for one in letter.steps(connection, still)] == ["他家里有难处"]


def test_a_request_goes_three_years_after_its_last_step_and_an_open_one_never(sqlite_store: Store) -> None:
    recently = NOW - timedelta(days=30)
    with sqlite_store.writing() as connection:
        made = an_edition(connection, "request")
        done, reopened, still = (
            a_request(connection, made, state, last)
            for state, last in ((step.CLOSED, LONG_AGO), (step.CLOSED, recently), ("in work", LONG_AGO))
        )
    agrees(sqlite_store)

    assert purger(sqlite_store).step() == 1

    with sqlite_store.reading() as connection:
        gone = request.get(connection, done)
        assert gone
        assert (gone.words, gone.phone, gone.unit, gone.openid, gone.state) == ("", "", "", None, step.CLOSED)
        assert [(one.words, one.note) for one in step.of(connection, done)] == [("", "")]
        for number in (reopened, still):
            kept = request.get(connection, number)
            assert kept
            assert (kept.words, kept.openid) == ("拖欠工资", "oWang")


def test_opinions_of_an_edition_that_is_over_go_and_shown_ones_lose_their_name(sqlite_store: Store) -> None:
    with sqlite_store.writing() as connection:
        made = an_edition(connection, "opinion")
        for said_so in ("食堂太贵", "多办讲座", "还没有看"):
            opinion.make(connection, made, said_so, "", LONG_AGO, openid="oWang")
        one, two, _ = (each for each in by_words(connection, made))
        opinion.move(connection, one, [opinion.RECEIVED], state=opinion.DECLINED, answer="价格是物价局定的")
        opinion.move(connection, two, [opinion.RECEIVED], state=opinion.ADOPTED, answer="好", shown=True)
    agrees(sqlite_store)

    assert purger(sqlite_store).step() == 2
    assert purger(sqlite_store).step() == 0

    with sqlite_store.reading() as connection:
        kept = {(each.words, each.answer, each.openid) for each in opinion.of_edition(connection, made)}
    assert kept == {("", "", None), ("多办讲座", "好", None), ("还没有看", "", "oWang")}


def an_edition(connection, kind):  # type: ignore[no-untyped-def]
    """One that was over long ago."""
    row = {
        "campaign": kind, "kind": kind, "title": "一届", "opens_at": LONG_AGO, "closes_at": LONG_AGO + timedelta(days=30),
        "state": edition.CLOSED, "live": True, "rules": "{}", "rules_hash": "", "extended": "[]", "reason": "",
        "created_at": LONG_AGO,
    }  # fmt: skip
    return connection.execute(edition.editions.insert().values(row)).inserted_primary_key[0]


def a_request(connection, made, state, last):  # type: ignore[no-untyped-def]
    row = {
        "edition_id": made, "campaign": "request", "openid": "oWang", "kind": request.HELP, "topic": "", "words": "拖欠工资",
        "unit": "红旗厂", "against": "", "phone": "13904271234", "owner": "", "owner_unit": "", "level": 0,
        "state": state, "reopens": 0, "received_at": LONG_AGO,
    }  # fmt: skip
    number = connection.execute(request.requests.insert().values(row)).inserted_primary_key[0]
    step.add(connection, number, step.Step(0, last, "li", step.ANSWERED, words="已经补发", note="电话说过"))
    return number


def by_words(connection, made):  # type: ignore[no-untyped-def]
    order = ["食堂太贵", "多办讲座", "还没有看"]
    return sorted(opinion.of_edition(connection, made), key=lambda each: order.index(each.words))
