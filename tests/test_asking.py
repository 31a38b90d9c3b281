"""What cannot be taken back is shown and asked first; what can be is taken back by a word."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from line_cast import YEAR, Desk, desk
from test_command_line import enrol, stored, works

from models import audit, push

__all__ = ["desk"]

RIDDLES, THANKS = "lantern/riddles", "lantern/thanks"


class Terminal(io.StringIO):
    """Somebody sits there and types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def office(desk: Desk) -> Desk:
    """The desk with a database and three followers."""
    desk.types("db", "upgrade")
    enrol(desk, 3)
    return desk


def rows(desk: Desk) -> list[tuple[str, str, datetime]]:
    with stored(desk) as store, store.reading() as connection:
        return [(each.name, each.state, each.due_at) for each in push.recent(connection)]


class TestStart:
    def test_shows_title_words_and_head_count_and_does_nothing_until_somebody_is_sure(
        self, office: Desk
    ) -> None:
        told = office.types("push", "start", RIDDLES)

        assert told.code == 2
        for words in (
            "正月十五闹元宵",
            RIDDLES,
            "模板消息",
            "全体关注者（现在 3 人）",
            "元宵灯谜",
            "以前没有发过",
            "--yes",
        ):
            assert words in told.words
        assert rows(office) == []

    @pytest.mark.parametrize(
        ("typed", "code"), [("yes\n", 0), ("y\n", 0), ("是\n", 0), ("\n", 1), ("no\n", 1), ("", 1)]
    )
    def test_asks_at_a_terminal(
        self, office: Desk, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
    ) -> None:
        monkeypatch.setattr("sys.stdin", Terminal(typed))

        told = office.types("push", "start", RIDDLES)

        assert told.code == code
        assert len(rows(office)) == (code == 0)

    def test_says_when_it_last_went_out_and_what_became_of_it(self, office: Desk) -> None:
        office.types("push", "start", RIDDLES, "--yes")
        works(office)

        told = office.types("push", "start", RIDDLES)

        assert told.code == 2
        assert "上一次：" in told.out
        assert "共 3 份：已发 3" in told.out
        assert len(rows(office)) == 1

    def test_counts_a_list_and_says_how_few_get_it_before_going_live(self, office: Desk) -> None:
        (office.folder / "vip.txt").write_text("oAlice\noBob\n")
        text = YEAR.replace('channel = "template"', 'channel = "template"\naudience = "openids:vip.txt"')
        office.writes(text, live=False, testers=["oAlice"])

        told = office.types("push", "start", RIDDLES)

        assert "名单 vip.txt（现在 2 人）" in told.out
        assert "只会发给 1 位测试人员" in told.out


def test_who_started_and_stopped_what_stands_in_the_audit(office: Desk) -> None:
    for words in (
        *(("push", "start", RIDDLES, "--yes"), ("push", "pause", RIDDLES), ("push", "resume", RIDDLES)),
        *(("push", "cancel", RIDDLES), ("push", "cancel", THANKS, "--yes"), ("halt",), ("unhalt",)),
    ):
        assert office.types(*words).code == 0, words

    with stored(office) as store, store.reading() as connection:
        deeds = [
            deed.deed for thing in (RIDDLES, THANKS, "everything") for deed in audit.of(connection, thing)
        ]
        assert audit.broken(connection) is None
    assert deeds == ["cancel", "resume", "pause", "start", "call off", "unhalt", "halt"]


class TestTheWaitBeforeAMassPush:
    """`[limits] mass_wait`: between yes and the moment when nothing can be taken back."""

    WAITING = YEAR.replace('channel = "service"', 'channel = "mass"') + '\n[limits]\nmass_wait = "5m"\n'

    def test_is_told_and_can_be_used_to_cancel(self, office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        office.writes(self.WAITING)
        monkeypatch.setattr("sys.stdin", Terminal("yes\n"))

        told = office.types("push", "start", THANKS)
        (_, state, due), *_ = rows(office)
        works(office)
        listed = office.types("push", "list")
        cancelled = office.types("push", "cancel", THANKS)
        works(office)

        assert told.code == 0
        assert "在那以前可以取消" in told.out
        assert f"push cancel {THANKS}" in told.out
        assert state == "due"
        assert timedelta(minutes=4) < due - datetime.now(UTC) <= timedelta(minutes=5)
        assert "发，在那以前可以取消" in listed.out
        assert cancelled.code == 0
        assert [state for _, state, _ in rows(office)] == ["cancelled"]
        assert office.platform.log == []

    @pytest.mark.parametrize("name", [RIDDLES, THANKS])
    def test_is_left_out_with_yes_and_for_what_goes_to_one_after_the_other(
        self, office: Desk, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        office.writes(self.WAITING)
        monkeypatch.setattr("sys.stdin", Terminal("yes\n"))

        office.types("push", "start", name, *(["--yes"] if name == THANKS else []))

        assert [due <= datetime.now(UTC) for _, _, due in rows(office)] == [True]


class TestCancel:
    def test_of_a_coming_one_shows_it_and_asks(self, office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = office.types("push", "cancel", THANKS)
        monkeypatch.setattr("sys.stdin", Terminal("\n"))
        unsure = office.types("push", "cancel", THANKS)

        assert (asked.code, unsure.code) == (2, 1)
        for words in (
            "正月十五闹元宵",
            "谢谢您来猜灯谜",
            "全体关注者（现在 3 人）",
            "要取消的是下一次",
            "-03-08 10:00",
        ):
            assert words in asked.out
        assert rows(office) == []

    def test_of_one_under_way_asks_nobody(self, office: Desk) -> None:
        office.types("push", "start", RIDDLES, "--yes")

        assert office.types("push", "cancel", RIDDLES).code == 0
        assert [state for _, state, _ in rows(office)] == ["cancelled"]

    def test_a_second_time_never_takes_next_years_along(self, office: Desk) -> None:
        office.types("push", "start", RIDDLES, "--yes")
        office.types("push", "cancel", RIDDLES)
        second = office.types("push", "cancel", RIDDLES)
        assert second.code == 2
        assert len(rows(office)) == 1

        coming = office.types("push", "cancel", RIDDLES, "--yes")
        again = office.types("push", "cancel", RIDDLES, "--yes")

        assert (coming.code, again.code) == (0, 1)
        assert "已经取消过了" in again.out
        assert len(rows(office)) == 2, "and not the one of the year after"

    def test_is_taken_back_by_resume_and_the_push_goes_out(self, office: Desk) -> None:
        soon = datetime.now(UTC) + timedelta(hours=8, seconds=3)
        office.writes(YEAR.replace('lunar = "01-15 10:00"', f"at = {soon:%Y-%m-%dT%H:%M:%S}"))
        cancelled = office.types("push", "cancel", RIDDLES, "--yes")
        assert "push resume lantern/riddles" in cancelled.out
        assert [state for _, state, _ in rows(office)] == ["cancelled"]

        back = office.types("push", "resume", RIDDLES)
        nothing = office.types("push", "resume", RIDDLES)

        assert (back.code, nothing.code) == (0, 1)
        assert "收回了取消" in back.out
        assert rows(office) == []
        worker = office.built().worker
        worker.timetable.adopt(office.opened[-1].config.campaigns)
        worker.timetable.look(soon - timedelta(hours=8) + timedelta(seconds=1))
        assert [(name, state) for name, state, _ in rows(office)] == [(RIDDLES, "due")]

    def test_of_one_that_has_begun_cannot_be_taken_back(self, office: Desk) -> None:
        office.types("push", "start", RIDDLES, "--yes")
        office.types("push", "cancel", RIDDLES)

        assert office.types("push", "resume", RIDDLES).code == 1
        assert [state for _, state, _ in rows(office)] == ["cancelled"]


class TestTheNameOfTheProgram:
    def test_is_the_one_that_staff_type_where_it_is_installed(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed = desk.folder / "bin"
        installed.mkdir()
        (installed / "gonghui").write_text("#!/bin/sh\n")
        (installed / "gonghui").chmod(0o755)
        monkeypatch.setenv("PATH", str(installed))

        told = [desk.types("puhs"), desk.types("--help"), desk.types("push", "--help")]

        assert all("gonghui" in each.words for each in told)
        assert not any("app.py" in each.words for each in told)

    def test_stands_in_no_remedy(self, office: Desk) -> None:
        for words in (("push", "start", RIDDLES, "--yes"), ("doctor",), ("check",)):
            assert "app.py" not in office.types(*words).words
