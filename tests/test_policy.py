"""What each of WeChat's codes does to a row and to its push: every code of the table, and every end of a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from channels import ChannelError, Unreached
from channels.parcel import refused
from jobs import policy
from models.ledger import ATTEMPTS, Claimed
from wx.errors import ERRCODES, POLICIES, ApiError, NotSent

EVENING = datetime(2027, 2, 20, 14, 0, tzinfo=UTC)  # 22:00 in Panjin
ENDS = {  # policy: state of the row, counted as an attempt, what happens to the push
    "retry": ("planned", True, "none"),
    "wait_minute": ("planned", False, "hold"),
    "wait_day": ("planned", False, "hold"),
    "skip_person": ("failed", True, "none"),
    "skip_call": ("failed", True, "none"),
    "pause_push": ("planned", False, "pause"),
    "stop_all": ("planned", False, "halt"),
    "sent": ("sent", True, "none"),
    "bug": ("planned", False, "pause"),
}


@pytest.mark.parametrize("code", [*ERRCODES, 99999])
def test_a_code_ends_as_its_policy_says(code: int) -> None:
    error = refused(ApiError(code, "in WeChat's words"))

    verdict = policy.refused(held(), error, False, EVENING)

    wanted = ENDS[ERRCODES[code].policy if code in ERRCODES else "retry"]
    assert (verdict.outcome.state, verdict.outcome.counted, verdict.effect) == wanted
    if verdict.effect != "none":
        assert verdict.words.endswith(("。", "）"))
        assert ERRCODES[code].action_zh in verdict.words


def test_every_policy_has_an_end() -> None:
    assert set(ENDS) == set(POLICIES)


def test_a_days_limit_waits_until_after_midnight_in_panjin() -> None:
    verdict = policy.refused(held(), refused(ApiError(45009, "")), False, EVENING)

    assert verdict.until is not None
    assert timedelta(0) < verdict.until - datetime(2027, 2, 20, 16, 0, tzinfo=UTC) < timedelta(minutes=5)


def test_the_fifth_attempt_is_the_last() -> None:
    busy = refused(ApiError(-1, "system error"))

    assert policy.refused(held(attempts=ATTEMPTS), busy, False, EVENING).outcome.state == "failed"
    assert policy.silent(held(attempts=ATTEMPTS), True, False, EVENING).outcome.state == "unknown"


def test_what_may_have_gone_out_before_is_never_called_failed_for_being_busy() -> None:
    verdict = policy.refused(
        held(attempts=ATTEMPTS, repeat=True), refused(ApiError(-1, "system error")), False, EVENING
    )

    assert verdict.outcome.state == "unknown"
    assert not verdict.outcome.in_vain


def test_waits_grow_and_a_mass_call_waits_longer_than_a_minute() -> None:
    busy = refused(ApiError(-1, "system error"))
    waits = [
        policy.refused(held(attempts=attempt), busy, False, EVENING).outcome.not_before
        for attempt in range(1, ATTEMPTS)
    ]
    mass = policy.refused(held(), busy, True, EVENING).outcome.not_before

    assert waits == sorted(waits)  # type: ignore[type-var]
    assert mass is not None
    assert mass - EVENING > timedelta(minutes=1)


def test_nobody_reached_is_no_attempt() -> None:
    error = refused(NotSent("ConnectTimeout"))
    verdict = policy.refused(held(), error, False, EVENING)

    assert isinstance(error, Unreached)
    assert (verdict.outcome.state, verdict.outcome.counted, verdict.effect) == ("planned", False, "unreached")


def test_silence_is_unknown_where_wechat_remembers_nothing() -> None:
    assert policy.silent(held(), False, False, EVENING).outcome.state == "unknown"
    assert policy.silent(held(), True, False, EVENING).outcome.state == "planned"


def test_a_fault_in_the_files_pauses_the_push() -> None:
    verdict = policy.refused(held(), ChannelError("没有找到图片 a.jpg", permanent=True), True, EVENING)

    assert (verdict.effect, verdict.words) == ("pause", "没有找到图片 a.jpg")


def held(attempts: int = 1, repeat: bool = False) -> list[Claimed]:
    return [Claimed(1, "oWorker", "k" * 32, attempts, repeat)]


def test_a_code_about_one_person_answered_to_a_call_for_many_pauses_it() -> None:
    many = [Claimed(number, f"oWorker{number}", "k" * 32, 1, False) for number in range(3)]

    for held_rows in (many, [Claimed(1, "all", "k" * 32, 1, False)]):
        verdict = policy.refused(held_rows, refused(ApiError(40003, "invalid openid")), True, EVENING)

        assert (verdict.outcome.state, verdict.effect) == ("planned", "pause")


def test_a_repeat_that_is_refused_is_unknown_and_never_failed() -> None:
    verdict = policy.refused(held(repeat=True), refused(ApiError(43004, "")), False, EVENING)

    assert (verdict.outcome.state, verdict.effect) == ("unknown", "none")


def test_finding_people_is_judged_like_sending_to_them() -> None:
    for code, effect in (
        (-1, "none"),
        (45011, "hold"),
        (45009, "hold"),
        (40164, "halt"),
        (45159, "pause"),
        (40003, "pause"),
    ):
        assert policy.unplanned(refused(ApiError(code, "")), EVENING).effect == effect
    assert policy.unplanned(refused(NotSent("ConnectTimeout")), EVENING).effect == "unreached"
