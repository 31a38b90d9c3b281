"""评价: stars and a few words for the year, an activity, an entry of the directory or a request of one's own; once, changed for a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns import form as forms
from campaigns.kind import Asked, Finished, Hidden, Kind, Nothing, Offer, Refused, Setting, Taken, Told, Visit
from campaigns.kinds.evaluation_staff import DEEDS, lines, result, tables
from campaigns.kinds.evaluation_subjects import Rules, Subject, asked, open_to, title
from ground.days import moment
from models import edition as editions
from models import entry, evaluation
from models.base import Connection, Store
from models.edition import Edition
from models.evaluation import CHANGEABLE, REFUSED, SHOWN, WAITS, Evaluation

STARS = {5: "很满意", 4: "满意", 3: "一般", 2: "不满意", 1: "很不满意"}
NOTHING_YET = "现在还没有能评的。参加了活动、诉求有了答复，就能来评。"
ALL_DONE = "能评的您都评过了，谢谢您！"


def form(visit: Visit) -> Asked | Nothing:
    """What is evaluated, how many stars, and words if they like."""
    given = _given(visit)
    every = list(open_to(visit.connection, visit.edition, visit.rules, visit.openid))
    options = [
        (one.key, _option(one, given.get(one.key))) for one in every if _may(visit, given.get(one.key))
    ]
    if not options:
        return Nothing(ALL_DONE if every else NOTHING_YET)
    fields: dict[str, Any] = {"subject": forms.one("想评哪一件", options)}
    if visit.said.get("subject") in dict(options):
        fields["stars"] = forms.one(
            "满意不满意", [(str(n), f"{stars(n)} {words}") for n, words in STARS.items()]
        )
        hint = (
            "工作人员看过以后大家能看到，不写是谁说的"
            if visit.rules.shows
            else "只给工作人员看，不写是谁说的"
        )
        fields["words"] = forms.area("想说的话", visit.rules.longest, hint, optional=True)
    return Asked(forms.form_of(fields), recap=False)


def stars(number: int) -> str:
    """★★★★☆"""
    return "★" * number + "☆" * (5 - number)


def _given(visit: Visit) -> Mapping[str, Evaluation]:
    every = evaluation.of_person(visit.connection, visit.edition.id, visit.openid) if visit.openid else []
    return {one.subject: one for one in every}


def _may(visit: Visit, one: Evaluation | None) -> bool:
    return one is None or one.may_change(visit.now)


def _option(subject: Subject, one: Evaluation | None) -> str:
    return f"{subject.title}（改一改，现在是 {stars(one.stars)}）" if one else subject.title


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """The stars and the words."""
    every = open_to(visit.connection, visit.edition, visit.rules, visit.openid)
    subject = next(one for one in every if one.key == answers["subject"])
    number, words = int(answers["stars"]), str(answers.get("words") or "")
    state = WAITS if words and visit.rules.shows else ""
    one = evaluation.give(
        visit.connection, visit.edition.id, visit.openid, subject.key, subject.about, number, words, state, visit.now
    )  # fmt: skip
    if one is None:
        return Refused("这一件您评过了，过了 24 小时就不能再改。")
    until = min(one.given_at + CHANGEABLE, visit.edition.closes_at)
    return Taken(
        f"记下了：{subject.title} {stars(number)}。谢谢您！{moment(until)} 以前还可以改，再评一次就行。",
        f"P{one.id}",
    )


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """The figures once it is over, what others may read, and this person's own."""
    over = not visit.edition.takes(visit.now)
    words = "每件事每人评一次，24 小时内可以改。哪件事评的人不到 5 个，就不列出来。"
    figures = lines(visit.connection, visit.edition, visit.rules) if over else ()
    mine = tuple(_line(visit, one) for one in _given(visit).values())
    shown = evaluation.words_of(visit.connection, visit.edition.id, (SHOWN,), 50)
    offers = tuple(Offer(one.words, note=title(visit.connection, visit.rules, one.about)) for one in shown)
    return Told("".join([words, *figures]), mine, offers)


def _line(visit: Visit, one: Evaluation) -> str:
    name = (
        f"我的诉求 {one.subject.partition(':')[2]}"
        if one.subject.startswith("request:")
        else title(visit.connection, visit.rules, one.about)
    )
    said = f"，您说：{one.words}" if one.words else ""
    return f"P{one.id} {name} {stars(one.stars)}{said}"


def hidden(visit: Visit) -> Sequence[Hidden]:
    """The words of theirs that the staff let nobody read."""
    return [
        Hidden(f"show-words {one.id}", f"您写的“{one.words[:20]}”", "")
        for one in _given(visit).values()
        if one.state == REFUSED
    ]


# --- counting ----------------------------------------------------------------------------------------------------


def tended(store: Store, edition: Edition, rules: Rules, now: datetime, setting: Setting) -> None:
    """Count what nobody can change any more, in portions that tell nothing of a single person."""
    if edition.state != editions.OPEN:
        return
    with store.reading() as connection:
        due = {
            about: ids
            for about in evaluation.waiting(connection, edition.id)
            if (ids := evaluation.settled(connection, edition.id, about, now))
        }
    for about, ids in due.items():
        with store.writing() as connection:
            evaluation.count(connection, edition.id, about, asked(connection, edition, about, now), now, ids)


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Count all that are left."""
    for about in evaluation.waiting(connection, edition.id):
        evaluation.count(
            connection, edition.id, about, asked(connection, edition, about, edition.closes_at), now
        )


KIND = Kind(
    "评价",
    Rules,
    form,
    take,
    told,
    tables,
    ended,
    DEEDS,
    evaluation.waiting_since,
    hidden,
    result=result,
    tended=tended,
    finished=Finished("人评过", entry.people),
)
