"""What a poll comes to: votes from every side, weighed, ranked by a rule that was written beforehand, and a list that keeps its quotas.

Plain values in, plain values out, in exact fractions; whoever has the published sheet can reckon it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from campaigns.kinds.poll_rules import SIDES, Quota
from models.poll import Votes

Sides = Mapping[str, Votes]
"""public, expert, union → candidate's number → votes or points."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A candidate as far as a result depends on it."""

    number: int
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """How a candidate stands. `score` is out of 100; `place` is shared by whoever is equal in everything; `chosen`: on the list."""

    number: int
    score: Fraction
    given: tuple[int, ...]  # by each side, as in SIDES
    place: int = 0
    chosen: bool = False


class NoList(ValueError):
    """No list of these candidates keeps the quotas; the words say so."""


def ranked(entrants: Iterable[Entrant], sides: Sides, weights: Mapping[str, int]) -> list[Place]:
    """Everybody in their order: by score, then by each side from the first, then by number; equals share a place."""
    every = list(entrants)
    standing = {one.number for one in every}
    totals = {
        side: sum(votes for number, votes in sides.get(side, {}).items() if number in standing)
        for side in SIDES
    }
    found = [_weighed(one.number, sides, weights, totals) for one in every]
    found.sort(key=lambda one: (*_order(one), one.number))
    places: list[Place] = []
    for at, one in enumerate(found, 1):
        same = bool(places) and _order(places[-1]) == _order(one)
        places.append(Place(one.number, one.score, one.given, places[-1].place if same else at))
    return places


def _weighed(number: int, sides: Sides, weights: Mapping[str, int], totals: Mapping[str, int]) -> Place:
    """Each side's part of its own whole, so that ten experts weigh as much as was said and not less than ten thousand people."""
    given = tuple(sides.get(side, {}).get(number, 0) for side in SIDES)
    parts = (
        Fraction(weights.get(side, 0)) * Fraction(votes, totals[side] or 1)
        for side, votes in zip(SIDES, given, strict=True)
    )
    return Place(number, sum(parts, Fraction(0)), given)


def _order(one: Place) -> tuple[Fraction | int, ...]:
    return (-one.score, *(-votes for votes in one.given))


def chosen(
    places: Sequence[Place], entrants: Iterable[Entrant], seats: int, quotas: Sequence[Quota]
) -> list[Place]:
    """The same with the list marked: from the best down, whoever can be taken so that the quotas can still be kept.

    Raises NoList where no list of that length keeps them.
    """
    groups = {one.number: frozenset(one.groups) for one in entrants}
    seats = min(seats, len(places))
    bounds = tuple(quota.bounds(seats) for quota in quotas)
    kinds = [tuple(quota.group in groups[one.number] for quota in quotas) for one in places]
    if not _can(tuple(kinds), seats, (0,) * len(quotas), bounds):
        raise NoList("这些候选里选不出满足比例要求的名单")
    taken: set[int] = set()
    have: tuple[int, ...] = (0,) * len(quotas)
    for at, (one, kind) in enumerate(zip(places, kinds, strict=True)):
        after = tuple(count + is_in for count, is_in in zip(have, kind, strict=True))
        if len(taken) < seats and _can(tuple(kinds[at + 1 :]), seats - len(taken) - 1, after, bounds):
            taken.add(one.number)
            have = after
    return [Place(one.number, one.score, one.given, one.place, one.number in taken) for one in places]


def _can(
    kinds: tuple[tuple[bool, ...], ...],
    seats: int,
    have: tuple[int, ...],
    bounds: tuple[tuple[int, int], ...],
) -> bool:
    """Whether so many of these kinds can still be taken that every quota is kept."""
    counts: dict[tuple[bool, ...], int] = {}
    for kind in kinds:
        counts[kind] = counts.get(kind, 0) + 1
    every = tuple(sorted(counts.items()))

    @cache
    def fits(at: int, left: int, got: tuple[int, ...]) -> bool:
        if any(count > most for count, (_, most) in zip(got, bounds, strict=True)):
            return False
        if left == 0:
            return all(count >= least for count, (least, _) in zip(got, bounds, strict=True))
        if at == len(every):
            return False
        kind, number = every[at]
        for take in range(min(number, left), -1, -1):
            more = tuple(count + take * is_in for count, is_in in zip(got, kind, strict=True))
            if fits(at + 1, left - take, more):
                return True
        return False

    return fits(0, seats, have)
