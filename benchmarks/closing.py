"""Closing an edition of riddles in which a million guesses were made, and ranking everybody: how long, and in how much memory."""

import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks.compare import say
from campaigns.campaign import Campaign
from campaigns.moderation import Moderation
from jobs import editions
from models import edition, riddle, schema, score
from models.base import Connection, Store

OPENS = datetime(2027, 1, 9, 16, tzinfo=UTC)
BATCH = 2_000
RIDDLES = 10
CAMPAIGN = {
    "id": "closing",
    "title": "元宵猜灯谜",
    "kind": "riddle",
    "from": "2027-01-10",
    "to": "2027-01-31",
    "riddle": {
        "bank": {
            "file": "made",
            "lines": [{"face": f"第 {n} 条", "target": "打一字", "answers": ["晶"]} for n in range(RIDDLES)],
        }
    },
}


def show(guesses: int) -> int:
    """Prints the figures; 1 when it took more than a minute or the ranks are wrong."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'closing.db'}")
        schema.upgrade(store)
        campaign = Campaign.model_validate(CAMPAIGN)
        editions.tend(store, [campaign], OPENS + timedelta(hours=1), Moderation(), live=True)
        people = guesses // RIDDLES
        _lay(store, people)
        say(f"{guesses} guesses of {people} people are laid")
        before = memory()
        start = time.perf_counter()
        editions.tend(store, [campaign], OPENS + timedelta(days=40), Moderation(), live=True)
        closed = time.perf_counter()
        with store.reading() as connection:
            wrong, last = _ranked(connection)
        ranked = time.perf_counter()
        with store.reading() as connection:
            number = score.rank(connection, 1, last)
            found = edition.get(connection, 1)
        one = time.perf_counter()
        store.close()
    state = found.state if found else "gone"
    print(f"closing {closed - start:.2f} s ({state}); ranking {people} people {ranked - closed:.2f} s;")
    print(
        f"the last one's rank ({number}) {1000 * (one - ranked):.0f} ms; {memory() - before:.1f} MB more memory"
    )
    return 1 if wrong or state != edition.CLOSED or ranked - start > 60 else 0


def memory() -> float:
    """The largest that this process has been, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ranked(connection: Connection) -> tuple[int, str]:
    """Ranks that are not what counting those before gives (looked at each thousandth), and the last place."""
    wrong, last = 0, ""
    for number, (rank, one) in enumerate(score.ranking(connection, 1)):
        last = one.place or ""
        wrong += number % 10_000 == 0 and score.rank(connection, 1, last) != rank
    return wrong, last


def _lay(store: Store, people: int) -> None:
    """Everybody guesses at each riddle once; every third guess is right."""
    with store.reading() as connection:
        ids = list(connection.execute(sa.select(riddle.riddles.c.id)).scalars())
    for first in range(0, people, BATCH):
        numbers = range(first, min(people, first + BATCH))
        with store.writing() as connection:
            connection.execute(riddle.attempts.insert(), [_guess(n, r) for n in numbers for r in ids])
            hits = [_guess(n, r) for n in numbers for r in ids if _hit(n, r)]
            solved = [
                {**{k: one[k] for k in ("openid", "riddle_id", "n", "at")}, "points": 10} for one in hits
            ]
            connection.execute(riddle.solves.insert(), solved)
            connection.execute(score.scores.insert(), [_score(n, ids) for n in numbers])


def _hit(person: int, riddle_id: int) -> bool:
    return (person * 7919 + riddle_id * 104_729) % 1000 < 334


def _at(person: int) -> datetime:
    return OPENS + timedelta(seconds=person * 7919 % 1_000_000)


def _guess(person: int, riddle_id: int) -> dict[str, object]:
    hit = _hit(person, riddle_id)
    values = {"openid": f"oBench{person:022}", "riddle_id": riddle_id, "n": 1, "words": "晶", "plain": "晶"}
    return {**values, "hit": hit, "at": _at(person)}


def _score(person: int, ids: list[int]) -> dict[str, object]:
    solved = sum(_hit(person, each) for each in ids)
    points, wrong, at = 10 * solved, len(ids) - solved, _at(person) if solved else None
    values = {
        "edition_id": 1,
        "openid": f"oBench{person:022}",
        "points": points,
        "solved": solved,
        "wrong": wrong,
    }
    more = {
        "reached_at": at,
        "place": riddle.place_of(points, wrong, at),
        "name": "",
        "name_state": "",
        "prize": "",
    }
    return {**values, **more}
