"""A request's deadlines against an independent recount, hour by hour, over a thousand random lives; and the eight faults by which
such clocks are known to fail."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest

from campaigns.way_back import WayBack
from ground.office import Office
from ground.workdays import Workdays
from models import step as did
from models.deadline import CLOSE, FIRST, NEWS, Terms, fits, life
from models.step import Step

HOUR, DAY = timedelta(hours=1), timedelta(1)
OFFICE = Office(8 * HOUR, 18 * HOUR)
SUNDAY_FREE = Workdays(free=frozenset({date(2026, 9, 20)}))
ROUND_THE_CLOCK = Office(0 * HOUR, 24 * HOUR)
MONDAY = datetime(2026, 9, 14, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai; the holiday of October lies ahead
KINDS = (
    did.ASSIGNED, did.RETURNED, did.ACCEPTED, did.ASKED, did.TOLD, did.PROGRESS, did.ANSWERED, did.CLOSED,
    did.REOPENED, did.ESCALATED, did.MERGED, did.UNMERGED, did.SPLIT, did.AGAINST, did.GONE,
)  # fmt: skip


def terms(office: Office = OFFICE) -> Terms:
    return Terms(office, 1 * office.day, 3 * office.day, 15 * office.day, 5 * office.day)


def lived(*happened: tuple[float, str]) -> list[Step]:
    """Steps at so many hours after Monday morning."""
    return [Step(number, MONDAY + hours * HOUR, "x", kind) for number, (hours, kind) in enumerate(happened)]


# --- the recount -------------------------------------------------------------------------------------------------


@cache
def is_worked(at: datetime, office: Office = OFFICE) -> bool:
    """Whether the hour that begins then is worked, by a calendar written out by hand."""
    here = at + timedelta(hours=8)
    free = {f"2026-10-0{day}" for day in range(1, 8)} | {f"2026-09-{day}" for day in (25, 26, 27)}
    day = f"{here:%Y-%m-%d}"
    worked = day in ("2026-09-20", "2026-10-10") or (here.weekday() < 5 and day not in free)
    return worked and office.opens <= timedelta(hours=here.hour) < office.closes


def walked(
    since: datetime, span: timedelta, waits: Sequence[tuple[datetime, datetime | None]]
) -> datetime | None:
    """When so many worked hours have passed, those in which it waits left out; None where it waits without end."""
    at, left = since, span
    while left > 0 * HOUR:
        for begun, ended in waits:
            if begun <= at and (ended is None or at < ended):
                if ended is None:
                    return None
                at = ended
                break
        else:
            left -= HOUR * is_worked(at)
            at += HOUR
    return at


def recount(steps: Sequence[Step]) -> dict[tuple[str, int], tuple[datetime | None, datetime | None]]:
    """Of each round's first and last deadline: when it is due (None while it waits, or met), and when it was met. Only what a
    person would say of the steps, told again: no state is carried but who waits for whom."""
    found: dict[tuple[str, int], tuple[datetime | None, datetime | None]] = {}
    valid = [one for at, one in enumerate(steps) if fits(life(steps[:at], terms()), one.kind)]
    rounds = [one.at for one in valid if one.kind in (did.RECEIVED, did.REOPENED)]
    for number, since in enumerate(rounds, 1):
        until = rounds[number] if number < len(rounds) else None
        mine = [one for one in valid if one.at >= since and (until is None or one.at < until)]
        for kind, span, ends in (
            (FIRST, 10, (did.ACCEPTED, did.PROGRESS, did.ASKED, did.ANSWERED)),
            (CLOSE, 150, (did.ANSWERED,)),
        ):
            met = next((one.at for one in mine if one.kind in ends), None)
            waits: list[tuple[datetime, datetime | None]] = []
            waits_for: list[str] = []
            for one in mine:
                waiting = bool(waits) and waits[-1][1] is None
                why = waits_for[-1] if waiting else ""
                if one.kind in (did.ASKED, did.MERGED) and not (waiting and one.kind == did.ASKED):
                    if waiting:
                        waits_for.append(one.kind)
                    else:
                        waits.append((one.at, None))
                        waits_for = [one.kind]
                elif (
                    waiting
                    and why == did.ASKED
                    and one.kind in (did.TOLD, did.GONE, did.PROGRESS, did.ANSWERED)
                ):
                    waits[-1] = (waits[-1][0], one.at)
                elif waiting and why == did.MERGED and one.kind == did.UNMERGED:
                    waits_for.pop()
                    if not waits_for:
                        waits[-1] = (waits[-1][0], one.at)
            found[kind, number] = (None if met else _due(since, span * HOUR, waits), met)
    return found


def _due(
    since: datetime, span: timedelta, waits: Sequence[tuple[datetime, datetime | None]]
) -> datetime | None:
    """A deadline that passed before somebody was asked stays passed."""
    known: list[tuple[datetime, datetime | None]] = []
    for wait in waits:
        due = walked(since, span, known)
        if due is not None and due <= wait[0]:
            return due
        known.append(wait)
    return walked(since, span, known)


@pytest.mark.parametrize("part", range(4))
def test_a_thousand_random_lives_have_the_deadlines_that_a_recount_gives(part: int) -> None:
    dice = random.Random(part)
    for _ in range(250):
        happened = [(float(dice.randrange(0, 200)), did.RECEIVED)]
        while len(happened) < dice.randrange(2, 14):
            happened.append((happened[-1][0] + dice.randrange(1, 60), dice.choice(KINDS)))
        steps = lived(*happened)
        here = life(steps, terms())
        seen = {(one.kind, one.round): (one.due, one.met_at) for one in here.deadlines if one.kind != NEWS}

        assert seen == recount(steps), steps
        assert here.reopens <= 1
        assert len(here.closures) <= 1 + here.reopens
        if not here.is_open:
            assert here.due_at is None


# --- the eight faults --------------------------------------------------------------------------------------------


def test_thanks_after_the_answer_start_nothing() -> None:
    assert life(lived((0, did.RECEIVED), (2, did.ANSWERED), (3, did.TOLD)), terms()).due_at is None


def test_what_is_answered_does_not_escalate() -> None:
    here = life(lived((0, did.RECEIVED), (2, did.ANSWERED), (900, did.ESCALATED)), terms())

    assert here.level == 0
    assert here.overdue(MONDAY + 900 * HOUR) == ()


def test_a_word_of_its_person_lets_the_clock_go_on_whatever_else_was_written_meanwhile() -> None:
    here = life(lived((0, did.RECEIVED), (2, did.ASKED), (3, did.ASSIGNED), (50, did.TOLD)), terms())

    assert here.state == "in work"
    assert here.due_at is not None


def test_the_first_answer_stays_the_first_whatever_comes_later() -> None:
    steps = lived((0, did.RECEIVED), (2, did.ACCEPTED), (5, did.PROGRESS), (700, did.PROGRESS))
    first = next(one for one in life(steps, terms()).deadlines if one.kind == FIRST)

    assert (first.met_at, first.in_time) == (MONDAY + 2 * HOUR, True)


def test_what_is_merged_does_not_escalate_also_when_it_was_late() -> None:
    here = life(lived((0, did.RECEIVED), (100, did.MERGED), (200, did.ESCALATED)), terms())

    assert (here.level, here.due_at, here.next_at) == (0, None, None)


def test_a_second_round_keeps_the_figures_of_the_first() -> None:
    steps = lived(
        (0, did.RECEIVED), (2, did.ACCEPTED), (9, did.ANSWERED), (30, did.CLOSED), (60, did.REOPENED)
    )
    here = life(steps, terms())
    first = {one.kind: one.met_at for one in here.deadlines if one.round == 1}

    assert first[FIRST] == MONDAY + 2 * HOUR
    assert first[CLOSE] == MONDAY + 9 * HOUR
    assert {one.kind for one in here.deadlines if one.round == 2 and one.is_open} == {FIRST, CLOSE}


def test_an_office_that_never_closes_has_no_gap_at_midnight() -> None:
    start = MONDAY + 14 * HOUR  # 22:00 in Shanghai

    assert ROUND_THE_CLOCK.after(start, 2 * HOUR) == start + 2 * HOUR
    assert ROUND_THE_CLOCK.after(start, 3 * HOUR) == start + 3 * HOUR
    assert ROUND_THE_CLOCK.between(start, start + 5 * HOUR) == 5 * HOUR


def test_each_round_is_closed_once_so_that_nobody_is_asked_twice_how_it_was() -> None:
    steps = lived((0, did.RECEIVED), (2, did.ANSWERED), (3, did.CLOSED), (4, did.CLOSED), (5, did.REOPENED))
    steps += lived((6, did.ANSWERED), (7, did.CLOSED), (8, did.REOPENED), (9, did.CLOSED))

    assert len(life(steps, terms()).closures) == 2


# --- the way back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "left", "words"),
    [
        (31.5, 3, "还可在微信答复 31 小时 · 3 条"),
        (0.5, 1, "还可在微信答复 不到 1 小时 · 1 条"),
        (31, 0, "微信里现在不能答复"),
        (-1, 5, "微信里现在不能答复"),
    ],
)
def test_the_way_back_is_never_promised_when_it_is_closed(hours: float, left: int, words: str) -> None:
    assert WayBack(MONDAY + hours * HOUR, left).words(MONDAY) == words


def test_working_time_goes_round_weekends_holidays_and_worked_sundays() -> None:
    friday = datetime(2026, 9, 18, 9, 0, tzinfo=UTC)  # 17:00, and Sunday the 20th is worked

    assert OFFICE.after(friday, 2 * HOUR) == datetime(2026, 9, 20, 1, 0, tzinfo=UTC)
    assert OFFICE.between(friday, friday + 2 * DAY) == 10 * HOUR
    assert Office(8 * HOUR, 18 * HOUR, SUNDAY_FREE).between(friday, friday + 2 * DAY) == HOUR
