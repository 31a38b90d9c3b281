"""What a person types: each command is a function that takes what was typed and the parts, and gives the exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from commands import (
    alarm,
    audit,
    backup,
    campaign,
    check,
    demo,
    doctor,
    follower,
    halt,
    key,
    menu,
    recount,
    replay,
    report,
    retention,
    staff,
    start,
    steering,
    talk,
    union,
)
from commands.command_line import Options
from commands.parts import Parts

RUN: Mapping[str, Callable[[Options, Parts], int]] = {
    "demo": demo.demo,
    "serve": start.serve,
    "work": start.work,
    "run": start.run,
    "check": check.run,
    "menu": menu.run,
    "push": steering.run,
    "campaign": campaign.run,
    "halt": halt.run,
    "unhalt": halt.run_again,
    "alarm": alarm.run,
    "recount": recount.run,
    "follower": follower.run,
    "db": backup.run,
    "key": key.run,
    "retention": retention.run,
    "report": report.run,
    "talk": talk.run,
    "replay": replay.run,
    "union": union.run,
    "member": union.run_members,
    "staff": staff.run,
    "audit": audit.run,
    "doctor": doctor.run,
}
