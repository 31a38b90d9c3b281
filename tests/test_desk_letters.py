"""来信: somebody of the staff reads what the chat could not answer, answers it, and two never do so without knowing of each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from desk_cast import deeds
from test_desk_work import PAYLOADS, Day

from models import holder, letter, timeline, unanswered
from models.base import Store
from models.letter import letter_steps, letters

UNKNOWN = "嘎拉哈旮旯咕嘟噶哒"


class Office(Day):
    """A day on which people write what the chat cannot answer."""

    def gathers(self) -> None:
        """What a worker does every few seconds."""
        self.union.waits(timedelta(seconds=10))
        with self.store.writing() as connection:
            unanswered.gather(connection, self.union.clock.now())

    def letter(self) -> letter.Letter:
        with self.store.reading() as connection:
            number = connection.execute(sa.select(sa.func.max(letters.c.id))).scalar_one()
            found = letter.get(connection, number)
        assert found
        return found


@pytest.fixture
def day(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    made = Office(sqlite_store, tmp_path)
    yield made
    made.close()


def version(page: str) -> str:
    return re.findall(r'name="version" value="(\d+)"', page)[0]


def test_what_found_no_answer_is_answered_by_a_person_in_the_chat(day: Office) -> None:
    wang = day.union.phone("王师傅")
    wang.says("工伤")
    wang.says(UNKNOWN)
    day.gathers()
    li = day.colleague("li", "letter")
    assert "1 封来信还没有人看" in li.opens("/console/")
    assert "没有答上" in li.opens("/console/letters?state=waiting")
    at = f"/console/letter/{day.letter().id}"
    page = li.opens(at)
    assert page.index(UNKNOWN) < page.index("工伤")
    assert "47 小时 · 5 条" in page
    assert "您的话我们看到了" in li.opens(f"{at}?say=0").partition("<textarea")[2].partition("</textarea>")[0]

    li.sends(f"{at}/answer", words="您好，下午三点前来窗口就行。", version=version(page))
    assert "答复交给发送了" in li.text
    with day.store.reading() as connection:
        told = connection.execute(sa.text("select name, content from pushes where name like 'desk/%'")).one()
        owed = connection.execute(sa.text("select recipient, state from deliveries")).all()
    assert told.name == f"desk/letter:{day.letter().id}"
    assert "下午三点" in told.content
    assert owed == [(wang.openid, "planned")]
    assert "办完了" in li.sends(f"{at}/finish", version=version(li.text))
    assert day.letter().state == letter.DONE
    assert ("li", "answered", f"letter/{day.letter().id}") in deeds(day.store)

    wang.says(UNKNOWN)
    day.gathers()
    assert day.letter().state == letter.WAITING  # a new one: the old one was done


def test_two_colleagues_never_answer_the_same_letter_without_knowing_of_each_other(day: Office) -> None:
    day.union.phone("王师傅").says(UNKNOWN)
    day.gathers()
    li, zhao = day.colleague("li", "letter"), day.colleague("zhao", "lead")
    at = f"/console/letter/{day.letter().id}"
    seen = version(li.opens(at))
    assert "也动过这封信，答复以前请先对一声" in zhao.opens(at)
    zhao.sends(f"{at}/answer", words="我先答了。", version=seen)

    li.sends(f"{at}/answer", words="我也答一句。", version=seen)
    assert li.status == 409
    assert "刚变过" in li.text
    assert "我也答一句。" in li.text
    with day.store.reading() as connection:
        assert connection.execute(sa.text("select count(*) from deliveries")).scalar() == 1
    li.sends(f"{at}/note", words="我去单位看看。")
    assert "我去单位看看。" in zhao.opens(at)
    zhao.sends(f"{at}/hand-over", to="li", words="你熟", version=version(zhao.text))
    assert "转给 li 同志 了" in zhao.text
    assert day.letter().owner == "li"
    zhao.sends(f"{at}/hand-over", to="nobody", version=version(zhao.text))
    assert "请选一位能看来信的同志" in zhao.text


def test_who_may_be_in_danger_stands_first_in_red_and_whoever_opens_it_is_written_down(day: Office) -> None:
    day.union.phone("赵师傅").says("我不想活了")
    day.gathers()
    crisis = day.letter()
    day.union.phone("王师傅").says(UNKNOWN)
    day.gathers()
    li = day.colleague("li", "letter")

    rows = li.opens("/console/letters").partition("<tbody>")[2]
    assert rows.index("像是遇到了危险") < rows.index("没有答上")
    assert "像是遇到了危险，请马上看" in li.opens("/console/")
    assert 'class="card wrong"' in li.opens(f"/console/letter/{crisis.id}")
    assert ("li", "look", f"letter/{crisis.id}") in deeds(day.store)
    zhao = day.colleague("zhao", "lead")
    assert "打开看过" in zhao.opens(f"/console/letter/{crisis.id}")


def test_when_wechat_lets_nobody_answer_any_more_another_way_is_said(day: Office) -> None:
    day.union.phone("王师傅").says(UNKNOWN)
    day.gathers()
    day.union.waits(timedelta(hours=49))
    li = day.colleague("li", "letter")
    at = f"/console/letter/{day.letter().id}"
    page = li.opens(at)

    assert "别的办法" in page
    assert '<textarea id="answer"' not in page
    li.sends(f"{at}/answer", words="还来得及吗", version=version(page))
    assert li.status == 409
    assert "现在不能答复" in li.text


def test_somebody_who_leaves_takes_the_letter_and_all_notes_along(day: Office) -> None:
    wang = day.union.phone("王师傅")
    wang.says(UNKNOWN)
    day.gathers()
    li = day.colleague("li", "letter")
    at = f"/console/letter/{day.letter().id}"
    li.opens(at)
    li.sends(f"{at}/note", words="他的妻子病了")
    with day.store.writing() as connection:
        assert holder.export(connection, wang.openid)["来信"]
        assert "他的妻子病了" not in str(connection.exec_driver_sql("select words from letter_steps").all())
    wang.unfollows()

    with day.store.reading() as connection:
        assert connection.execute(letters.select()).all() == []
        assert connection.execute(letter_steps.select()).all() == []
    li.opens(at)
    assert li.status == 404


def test_a_time_line_never_looks_through_all_that_was_said(day: Office) -> None:
    wang = day.union.phone("王师傅")
    wang.says("工伤")
    day.wishes("王师傅", "多发点米")
    asked: list[tuple[str, object]] = []
    with day.store.reading() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        kinds = {one.kind for one in timeline.of(connection, wang.openid)}
        plans = [
            row[3]
            for statement, values in list(asked)
            for row in connection.exec_driver_sql(f"explain query plan {statement}", values)  # type: ignore[arg-type]
        ]

    assert kinds >= {timeline.SAID, timeline.TAPPED}
    assert plans
    assert not [line for line in plans if re.search(r"SCAN (interactions|deliveries|entries|pushes)", line)]


def test_what_people_wrote_is_shown_as_text(day: Office) -> None:
    wang = day.union.phone("王师傅")
    for words in PAYLOADS:
        wang.says(words)
    day.union.waits(timedelta(seconds=1))
    wang.says(UNKNOWN)
    day.gathers()
    page = day.colleague("li", "letter").opens(f"/console/letter/{day.letter().id}")

    assert "alert(1)" in page
    for payload in (PAYLOADS[0], PAYLOADS[1], PAYLOADS[4]):
        assert payload not in page
