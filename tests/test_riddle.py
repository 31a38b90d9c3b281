"""Riddles by chat: guesses, hints, names, the ranking and its tie rule, rulings that grade everybody anew, prizes; and the bank."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from kind_cast import BANK, NOON, RIDDLE, Pages, Union, campaign

from benchmarks import closing
from campaigns.kinds.riddle_bank import UnusableError, lines, of_folder
from commands.campaign import campaign_export, campaign_show
from ground.table import Table, write_xlsx
from models import audit, edition, riddle, score
from models.base import Store
from models.delivery import deliveries
from models.push import pushes
from models.riddle import attempts, hints, riddles, solves
from models.score import scores
from wx.simulator import Phone

DAY = timedelta(days=1)


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(RIDDLE)])
    yield made
    made.close()


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database."""
    made = Union(store, [campaign(RIDDLE)])
    yield made
    made.close()


def sits_down(union: Union, name: str) -> Phone:
    """Somebody opens the riddles and sees the list."""
    person = union.phone(name)
    union.waits(timedelta(seconds=1))
    person.taps("RIDDLE")
    person.says("1")
    return person


def guesses(union: Union, name: str, *said: str) -> Phone:
    """Somebody opens the riddles and says this, a second between."""
    person = sits_down(union, name)
    for words in said:
        union.waits(timedelta(seconds=1))
        person.says(words)
    return person


def ends(union: Union) -> None:
    """The edition is over and closed."""
    period = union.campaigns[0].period(union.clock.now())
    assert period is not None
    union.waits(period[1] - union.clock.now() + timedelta(minutes=2))
    union.tends()


def ranks(union: Union) -> list[tuple[int, str | None, int, int]]:
    with union.store.reading() as connection:
        newest = edition.latest(connection, "yuanxiao")
        assert newest is not None
        found = list(score.ranking(connection, newest.id))
        assert recomputed(connection) == [(rank, one.openid) for rank, one in found]
    return [(rank, one.openid, one.points, one.wrong) for rank, one in found]


def recomputed(connection: Any) -> list[tuple[int, str | None]]:
    """The ranking by another way: from solves and attempts, in plain SQL."""
    words = """
        SELECT openid, points, wrong, reached,
               RANK() OVER (ORDER BY points DESC, wrong, reached) AS rank_now
        FROM (
            SELECT s.openid AS openid, SUM(s.points) AS points, MAX(s.at) AS reached, (
                SELECT COUNT(*) FROM attempts a LEFT JOIN solves t
                    ON t.openid = a.openid AND t.riddle_id = a.riddle_id
                WHERE a.openid = s.openid AND a.hit = :no AND (t.n IS NULL OR a.n < t.n)
            ) AS wrong
            FROM solves s GROUP BY s.openid
        ) each_person
        ORDER BY rank_now, openid
    """
    rows = connection.execute(sa.text(words), {"no": False}).all()
    order = {row.openid: row.id for row in connection.execute(sa.select(scores.c.id, scores.c.openid)).all()}
    return [
        (rank, openid)
        for rank, _, openid in sorted((row.rank_now, order[row.openid], row.openid) for row in rows)
    ]


def looks(union: Union) -> str:
    """The page as somebody sees it now who is not signed in."""
    return Pages(union).browser().opens("/h5/c/yuanxiao")


def told(union: Union, like: str) -> list[str]:
    query = sa.select(deliveries.c.recipient).join(pushes, pushes.c.id == deliveries.c.push_id)
    with union.store.reading() as connection:
        return sorted(connection.execute(query.where(pushes.c.name.like(f"yuanxiao/{like}"))).scalars())


# --- guessing ----------------------------------------------------------------------------------------------------


def test_one_riddle_follows_another_until_all_are_guessed(everywhere: Union) -> None:
    wang = sits_down(everywhere, "王师傅")
    first = wang.last
    asked = wang.says("1")
    second = wang.says("雨")
    third = wang.says("《晶》。")

    assert "1 千条线，万条线，掉到水里看不见（打一自然现象）" in first
    assert "排名先比得分" in first
    assert "还可以猜 3 次" in asked
    assert "猜对了" in second
    assert "七十二小时" in second
    assert "三日" in third
    assert "您一共猜中 2 条，30 分" in third
    assert "2 条，30 分" in wang.says("我的")
    assert ranks(everywhere) == [(1, wang.openid, 30, 0)]


@pytest.mark.parametrize("said", ["雨", "下雨", " 雨 ！", "「雨」", "ｙ下雨"[1:], "下雨。"])
def test_an_answer_counts_however_it_is_written(union: Union, said: str) -> None:
    assert "猜对了" in guesses(union, "王师傅", "1", said).last


@pytest.mark.parametrize("said", ["下雨了", "雨水", "大雨", "不是雨"])
def test_only_a_whole_answer_counts(union: Union, said: str) -> None:
    assert "不对，还可以再猜 2 次" in guesses(union, "王师傅", "1", said).last


def test_traditional_signs_are_the_same_answer(sqlite_store: Store) -> None:
    bank = {"file": "b.csv", "lines": [{"face": "一物", "target": "打一物", "answers": ["灯笼"]}]}
    union = Union(sqlite_store, [campaign(RIDDLE, riddle={"bank": bank})])

    assert "猜对了" in guesses(union, "王师傅", "1", "燈籠").last
    union.close()


def test_after_the_last_guess_the_riddle_is_gone_and_its_answer_not_said(union: Union) -> None:
    wang = guesses(union, "王师傅", "1", "风", "云", "雪")

    assert "机会用完了" in wang.last
    assert "千条线" not in wang.last
    assert "下雨" not in wang.last
    with union.store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(attempts)).scalar_one() == 3


def test_a_hint_costs_points_and_no_guess(union: Union) -> None:
    wang = guesses(union, "王师傅", "1", "提示")

    assert "提示：抬头" in wang.last
    assert "还可以猜 3 次" in wang.last
    assert "得 5 分" in wang.says("雨")
    assert ranks(union) == [(1, wang.openid, 5, 0)]


def test_an_answer_is_an_answer_even_when_its_words_mean_danger_elsewhere(union: Union) -> None:
    wang = guesses(union, "王师傅", "3", "我不想活了")
    li = guesses(union, "李大姐", "1", "我不想活了")

    assert "猜对了" in wang.last
    assert "12356" in li.last


def test_a_word_of_the_directory_is_a_guess_inside(union: Union) -> None:
    assert "“体检”不对" in guesses(union, "王师傅", "1", "体检").last


def test_what_wechat_brings_three_times_is_one_guess(everywhere: Union) -> None:
    wang = sits_down(everywhere, "王师傅")
    wang.says("1")
    with wang.delivers(3):
        wang.says("风")

    assert "还可以再猜 2 次" in wang.last


def test_riddles_open_by_day_and_answers_are_told_only_when_nobody_can_guess_any_more(
    sqlite_store: Store,
) -> None:
    rules = {"bank": BANK, "per_day": 1, "closes": "21:00", "tells": "22:00", "opens": "09:00"}
    union = Union(sqlite_store, [campaign(RIDDLE, riddle=rules)], at=NOON - 2 * DAY)  # the first day
    wang = sits_down(union, "王师傅")
    assert "千条线" in wang.last
    assert "七十二小时" not in wang.last
    assert "七十二小时" not in looks(union)

    union.waits(timedelta(hours=9, minutes=30))  # 21:30
    assert "09:00" in guesses(union, "李大姐").last
    assert "谜底：雨" not in looks(union)
    union.waits(timedelta(hours=1))
    assert "谜底：雨" in looks(union)

    union.waits(timedelta(hours=12))
    assert "七十二小时" in sits_down(union, "小张").last
    union.close()


def test_on_the_page_a_riddle_is_chosen_and_guessed_without_javascript(union: Union) -> None:
    browser = Pages(union).browser()
    browser.signs_in(union.phone("王师傅"), "/h5/c/yuanxiao")
    browser.opens("/h5/c/yuanxiao?riddle=2")
    right = browser.sends("/h5/c/yuanxiao", words="晶")

    assert "猜对了" in right
    assert "现在是第 1 名" in right


# --- names and ranks ---------------------------------------------------------------------------------------------


def test_a_chosen_name_is_shown_once_the_staff_have_looked_at_it(
    union: Union, capsys: pytest.CaptureFixture[str]
) -> None:
    wang = guesses(union, "王师傅", "1", "雨", "0", "999", "追风人")
    browser = Pages(union).browser()
    assert "追风人" not in browser.opens("/h5/c/yuanxiao")
    campaign_show(union.store, union.campaigns, "yuanxiao", union.clock.now())
    assert "追风人" in capsys.readouterr().out

    union.staff_does("show-name", "1")
    assert "第 1 名 追风人（10 分）" in browser.opens("/h5/c/yuanxiao")

    union.staff_does("refuse-name", "1", "冒用了别人的名字")
    assert "追风人" not in browser.opens("/h5/c/yuanxiao")
    assert told(union, "name:%") == [wang.openid]
    with pytest.raises(SystemExit):
        union.staff_does("show-name", "99")


def test_more_points_then_fewer_wrong_guesses_then_the_earlier_come_first(everywhere: Union) -> None:
    slow = guesses(everywhere, "王师傅", "1", "风", "雨")
    clean = guesses(everywhere, "李大姐", "1", "雨")
    late = guesses(everywhere, "小张", "1", "雨")
    most = guesses(everywhere, "老赵", "2", "晶")

    assert [(rank, who) for rank, who, _, _ in ranks(everywhere)] == [
        (1, most.openid),
        (2, clean.openid),
        (3, late.openid),
        (4, slow.openid),
    ]


STANDS = st.tuples(
    st.integers(0, 500),
    st.integers(0, 200),
    st.timedeltas(timedelta(0), timedelta(days=1000)).map(lambda after: NOON + after),
)


@given(st.lists(STANDS, max_size=30))
def test_a_place_sorts_as_points_then_wrong_guesses_then_time_do(
    people: list[tuple[int, int, datetime]],
) -> None:
    placed = [(riddle.place_of(*one), (-one[0], one[1], one[2])) for one in people if one[0]]

    assert [key for _, key in sorted(placed)] == sorted(key for _, key in placed)
    assert all((a[0] == b[0]) == (a[1] == b[1]) for a in placed for b in placed)


def test_equals_share_a_rank_over_the_portions_too(union: Union, monkeypatch: pytest.MonkeyPatch) -> None:
    guesses(union, "王师傅", "1", "雨")
    monkeypatch.setattr(score, "PORTION", 3)
    places = ["a", "b", "b", "b", "b", "c", "d", "d"]
    with union.store.writing() as connection:
        connection.execute(scores.delete())
        for number, place in enumerate(places):
            row = {"edition_id": 1, "openid": f"o{number}", "points": 1, "solved": 1, "wrong": 0}
            connection.execute(scores.insert().values(**row, place=place, name="", name_state="", prize=""))
        found = [(rank, one.place) for rank, one in score.ranking(connection, 1)]
        alone = [score.rank(connection, 1, place) for place in places]

    assert found == list(zip([1, 2, 2, 2, 2, 6, 7, 7], places, strict=True))
    assert alone == [rank for rank, _ in found]


def test_who_is_forgotten_leaves_the_place_and_nobody_else_moves(union: Union) -> None:
    wang = guesses(union, "王师傅", "2", "晶")
    li = guesses(union, "李大姐", "1", "雨")
    wang.unfollows()
    union.waits(timedelta(seconds=1))

    assert "现在是第 2 名" in li.says("我的")
    with union.store.reading() as connection:
        left = {
            row.openid
            for table in (attempts, solves, hints, scores)
            for row in connection.execute(table.select())
        }
    assert wang.openid not in left


# --- rulings and prizes ------------------------------------------------------------------------------------------


def test_a_ruling_grades_everybody_anew_and_says_whose_rank_changed(
    everywhere: Union, capsys: pytest.CaptureFixture[str]
) -> None:
    union = everywhere
    li = guesses(union, "李大姐", "1", "雨")
    wang = guesses(
        union, "王师傅", "1", "雨丝", "2", "晶"
    )  # the second said of the first riddle: wrong twice
    zhang = guesses(union, "小张", "1", "雨丝", "雨")
    before = [who for _, who, _, _ in ranks(union)]
    union.staff_does("accept-alias", "1", "雨丝", "谜面说的正是雨丝")
    said = capsys.readouterr().out

    assert before == [li.openid, zhang.openid]
    assert ranks(union) == [
        (1, li.openid, 10, 0),
        (2, wang.openid, 10, 0),
        (3, zhang.openid, 10, 0),
    ]
    assert "2 个人重新算了分" in said
    assert "新到第 2 名" in said
    assert "从第 2 名到第 3 名" in said
    assert told(union, "accept:%") == sorted([wang.openid, zhang.openid])
    assert "也算对：谜面说的正是雨丝" in Pages(union).browser().opens("/h5/c/yuanxiao")
    assert "猜对了" in guesses(union, "老赵", "1", "雨丝").last
    with union.store.reading() as connection:
        newest = edition.latest(connection, "yuanxiao")
        assert newest is not None
        assert audit.of(connection, f"yuanxiao/{newest.id}")[0].deed == "accept-alias"
    with pytest.raises(SystemExit):
        union.staff_does("accept-alias", "1", "雨丝", "再来一次")


def test_prizes_are_posted_then_published_and_told(union: Union, tmp_path: Path) -> None:
    first = guesses(union, "王师傅", "2", "晶")
    second = guesses(union, "李大姐", "1", "雨")
    third = guesses(union, "小张", "1", "雨")
    fourth = guesses(union, "老赵", "1", "雨")
    with pytest.raises(SystemExit):
        union.staff_does("post", "还早")
    ends(union)
    union.staff_does("post", "名单贴在职工之家")
    with pytest.raises(SystemExit):
        union.staff_does("publish", "来领奖")
    union.waits(7 * DAY)  # of which only four are worked: the Spring Festival begins
    with pytest.raises(SystemExit):
        union.staff_does("publish", "来领奖")
    union.waits(3 * DAY)
    union.staff_does("publish", "带身份证到职工之家领")

    assert told(union, "prize:1-1") == [first.openid]
    assert told(union, "prize:1-2") == sorted([second.openid, third.openid])
    assert told(union, "result:1") == [fourth.openid]
    assert "得了一等奖" in first.says("我的")
    with union.store.reading() as connection:
        found = edition.get(connection, 1)
    assert found is not None
    assert found.state == edition.PUBLISHED
    with pytest.raises(SystemExit):
        union.staff_does("accept-alias", "1", "雨丝", "晚了")
    campaign_export(union.store, "yuanxiao", tmp_path)
    written = next(tmp_path.glob("*.csv")).read_text("utf-8-sig")
    assert "一等奖" in written
    assert first.openid not in written


def test_a_ruling_while_prizes_are_posted_moves_them_too(union: Union) -> None:
    guesses(union, "王师傅", "1", "雨")
    zhang = guesses(union, "小张", "2", "三日晶", "三个日")
    ends(union)
    union.staff_does("post", "名单贴在职工之家")
    union.staff_does("accept-alias", "2", "三个日", "意思一样")
    with union.store.reading() as connection:
        won = [(one.openid, one.prize) for one in score.winners(connection, 1)]

    assert won[0] == (zhang.openid, "一等奖")


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_million_guesses_are_closed_and_ranked_within_a_minute() -> None:
    assert closing.show(1_000_000) == 0


# --- the bank ----------------------------------------------------------------------------------------------------

HEAD = "谜面,谜目,谜底,别的答案,解释,提示,难度,第几天\n"


def test_a_bank_from_excel_itself_is_the_same_bank(tmp_path: Path) -> None:
    rows = [
        ("七十二小时", "打一字", "晶", "", "", "", "2", "3"),
        ("=1+1", "打一字", "王", "", "", "", "", ""),
    ]
    write_xlsx(tmp_path / "bank.xlsx", [Table("题库", tuple(HEAD.strip().split(",")), rows)])

    found = of_folder(tmp_path, "bank.xlsx").lines

    assert [(one.face, one.level, one.day) for one in found] == [("七十二小时", 2, 3), ("=1+1", 1, 0)]


def test_the_sample_bank_can_be_used() -> None:
    assert len(of_folder(Path(), "yuanxiao.csv").lines) >= 30


def test_a_bank_from_excel_is_read_in_either_encoding() -> None:
    text = f"{HEAD}# 说明\n七十二小时,打一字,晶,、,,,2,\n\n"

    assert lines("a.csv", text.encode("gb18030")) == lines("a.csv", text.encode("utf-8-sig"))
    assert lines("a.csv", text.encode())[0].answers == ("晶",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("十五天,打一字,,,,,,\n", "第 2 行：没有写谜底"),
        ("十五天,打一字,胖,,,,,\n十五天！,打一字,胖子,,,,,\n", "第 3 行：谜面和第 2 行重复"),
        ("大雨,打一字,雨,,,,,\n", "第 2 行：谜底里的“雨”在谜面里出现了（露面）"),
        ("十五天,打一字,胖,,,,难,\n", "难度写的是“难”，只能写 1（容易）、2、3（难）"),
        ("十五天,打一字,胖,,,,,明天\n", "第几天写的是“明天”，应为 1 到 60 的整数"),
        ("十五天,打一字,胖,,,,,,多一格\n", "第 2 行有 9 格，表头只有 8 格"),
        ('十五天,打一字,"胖,,,,,\n', "读不出来，请看双引号是不是成对"),
        ("", "有 0 条灯谜"),
    ],
)
def test_a_bank_with_a_fault_is_refused_whole_with_its_line(text: str, words: str) -> None:
    with pytest.raises(UnusableError) as fault:
        lines("题.csv", (HEAD + text).encode())

    assert words in str(fault.value)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"PK\x03\x04rest", "不是能读的 Excel 表"),
        (b"\xd0\xcf\x11\xe0rest", "老式 Excel 文件"),
        ("谜面,谜底,答\n".encode(), "不认识 答；缺少 谜目"),
        (b"\xff\xfe\x00", "不是文字文件"),
    ],
)
def test_what_is_no_bank_is_refused_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(UnusableError) as fault:
        lines("题.csv", raw)

    assert words in str(fault.value)


def test_the_rules_of_an_edition_do_not_hold_its_answers(union: Union) -> None:
    sits_down(union, "王师傅")
    with union.store.reading() as connection:
        found = edition.get(connection, 1)
        laid = connection.execute(sa.select(sa.func.count()).select_from(riddles)).scalar_one()

    assert found is not None
    assert "晶" not in found.rules
    assert laid == 3
