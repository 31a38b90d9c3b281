"""Where a request stands and by when what is due, recomputed from its steps by one pure function, `life`.

Nothing is counted on: a deadline is the working time that is left after what was waited for the person, and a deadline that was
met stays met. So whoever says thanks last starts nothing, whoever answers stops everything, and a second round keeps the
figures of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ground.office import Office
from models import step as does
from models.step import ANSWERED, CLOSED, MERGED, Step

NEW, IN_WORK, WAITING = (
    "new",
    "in work",
    "waiting",
)  # the other states are called as the steps that lead to them
OPEN = (NEW, IN_WORK, WAITING)
FIRST, NEWS, CLOSE = (
    "first",
    "news",
    "close",
)  # somebody works on it, its person hears how far it is, it is answered


@dataclass(frozen=True, slots=True)
class Terms:
    """How much working time each step may take, and how much passes until an answer that nobody objects to is final."""

    office: Office
    first: timedelta
    news: timedelta
    close: timedelta
    final: timedelta


@dataclass(frozen=True, slots=True)
class Deadline:
    """One deadline. `since` and `left` (working time) say what runs; `due` is None while it waits or once it is met."""

    kind: str
    round: int
    since: datetime | None
    left: timedelta
    due: datetime | None
    met_at: datetime | None = None
    in_time: bool = True  # once it is met
    escalated: bool = False

    @property
    def is_open(self) -> bool:
        return self.met_at is None


@dataclass(frozen=True, slots=True)
class Life:
    """Where a request stands after its steps."""

    state: str = NEW
    owner: str = ""
    level: int = 0  # how often a deadline passed
    reopens: int = 0
    returns: int = 0
    deadlines: tuple[Deadline, ...] = ()
    closures: tuple[datetime, ...] = ()  # one for each round: what an evaluation is bound to
    final_at: datetime | None = None  # when an answer closes by itself
    before: str = NEW  # the state before it was merged
    has_person: bool = True

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def due_at(self) -> datetime | None:
        """The next deadline, also one that has passed; None where nothing is due."""
        return min((one.due for one in self._running if one.due), default=None)

    @property
    def next_at(self) -> datetime | None:
        """When the clock has something to do: a deadline passes, or an answer becomes final."""
        dues = [one.due for one in self._running if one.due and not one.escalated]
        return min([*dues, *([self.final_at] if self.final_at else [])], default=None)

    def overdue(self, now: datetime) -> tuple[Deadline, ...]:
        """The deadlines that passed and of which nobody was told yet."""
        return tuple(one for one in self._running if one.due and one.due <= now and not one.escalated)

    @property
    def _running(self) -> tuple[Deadline, ...]:
        """What is held by another request has no deadline of its own."""
        return self.deadlines if self.is_open else ()


def life(steps: Sequence[Step], terms: Terms) -> Life:
    """Where a request stands after these steps, by these terms. A step that does not fit changes nothing."""
    here, last = Life(), None
    for step in steps:
        at = max(step.at, last) if last else step.at  # a message may be handled later than it came
        last = at
        here = _after(here, step, at, terms)
        if step.owner:
            here = replace(here, owner=step.owner)
    return here


def fits(here: Life, kind: str) -> bool:
    """Whether such a step may follow."""
    match kind:
        case does.CLOSED:
            return here.state == ANSWERED
        case does.REOPENED:
            return here.state in (ANSWERED, CLOSED) and not here.reopens
        case does.UNMERGED:
            return here.state == MERGED
        case does.ACCEPTED:
            return here.state == NEW
        case does.TOLD:
            return here.state in (*OPEN, ANSWERED)
        case (
            does.ESCALATED
            | does.ASSIGNED
            | does.RETURNED
            | does.ASKED
            | does.PROGRESS
            | does.ANSWERED
            | does.MERGED
            | does.SPLIT
        ):
            return here.is_open
        case _:
            return True


def _after(here: Life, step: Step, at: datetime, terms: Terms) -> Life:
    if not fits(here, step.kind):
        return here
    match step.kind:
        case does.RECEIVED:
            return replace(here, deadlines=_round(1, at, terms))
        case does.REOPENED:
            deadlines = (*here.deadlines, *_round(2, at, terms))
            return replace(here, state=NEW, reopens=1, deadlines=deadlines, final_at=None)
        case does.RETURNED:
            return replace(here, returns=here.returns + 1)
        case does.ACCEPTED | does.PROGRESS:
            return _worked_on(here, at, terms, step.kind == does.PROGRESS)
        case does.ASKED:
            met = _met(here.deadlines, at, terms, (FIRST, NEWS))
            return replace(here, state=WAITING, deadlines=_paused(met, at, terms))
        case does.TOLD | does.GONE:
            here = replace(here, has_person=here.has_person and step.kind == does.TOLD)
            if here.state != WAITING:
                return here
            deadlines = _resumed(here.deadlines, at, terms)
            return replace(here, state=IN_WORK, deadlines=_news(deadlines, here, at, terms))
        case does.ANSWERED:
            deadlines = _met(_resumed(here.deadlines, at, terms), at, terms, (FIRST, NEWS, CLOSE))
            final = terms.office.after(at, terms.final) if here.has_person else at
            return replace(here, state=ANSWERED, deadlines=deadlines, final_at=final)
        case does.CLOSED:
            return replace(here, state=CLOSED, closures=(*here.closures, at), final_at=None)
        case does.MERGED:
            return replace(
                here, state=MERGED, before=here.state, deadlines=_paused(here.deadlines, at, terms)
            )
        case does.UNMERGED:
            deadlines = here.deadlines if here.before == WAITING else _resumed(here.deadlines, at, terms)
            return replace(here, state=here.before, deadlines=deadlines)
        case does.ESCALATED:
            deadlines = tuple(
                replace(one, escalated=True) if one.due and one.due <= at else one for one in here.deadlines
            )
            return replace(here, level=here.level + 1, deadlines=deadlines)
        case _:
            return here


def _worked_on(here: Life, at: datetime, terms: Terms, news: bool) -> Life:
    deadlines = _met(_resumed(here.deadlines, at, terms), at, terms, (FIRST, NEWS) if news else (FIRST,))
    here = replace(here, state=IN_WORK, deadlines=deadlines)
    return replace(here, deadlines=_news(deadlines, here, at, terms))


def _news(deadlines: tuple[Deadline, ...], here: Life, at: datetime, terms: Terms) -> tuple[Deadline, ...]:
    """With one that says by when the person hears more, unless one runs."""
    if any(one.kind == NEWS and one.is_open for one in deadlines):
        return deadlines
    return (*deadlines, _started(NEWS, here.reopens + 1, at, terms.news, terms))


def _round(number: int, at: datetime, terms: Terms) -> tuple[Deadline, ...]:
    return (_started(FIRST, number, at, terms.first, terms), _started(CLOSE, number, at, terms.close, terms))


def _started(kind: str, number: int, at: datetime, span: timedelta, terms: Terms) -> Deadline:
    return Deadline(kind, number, at, span, terms.office.after(at, span))


def _met(
    deadlines: tuple[Deadline, ...], at: datetime, terms: Terms, kinds: tuple[str, ...]
) -> tuple[Deadline, ...]:
    return tuple(
        replace(one, due=None, since=None, met_at=at, in_time=one.due is None or at <= one.due)
        if one.is_open and one.kind in kinds
        else one
        for one in deadlines
    )


def _paused(deadlines: tuple[Deadline, ...], at: datetime, terms: Terms) -> tuple[Deadline, ...]:
    """What runs waits, with the working time that is left; what has passed stays passed."""
    found = []
    for one in deadlines:
        if one.is_open and one.since is not None and one.due is not None and one.due > at:
            left = one.left - terms.office.between(one.since, at)
            one = replace(one, since=None, left=left, due=None)
        found.append(one)
    return tuple(found)


def _resumed(deadlines: tuple[Deadline, ...], at: datetime, terms: Terms) -> tuple[Deadline, ...]:
    return tuple(
        replace(one, since=at, due=terms.office.after(at, one.left))
        if one.is_open and one.since is None
        else one
        for one in deadlines
    )
