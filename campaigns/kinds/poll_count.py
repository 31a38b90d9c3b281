"""What the worker does for a poll, a portion at a time: seals ballots, shows the chain's head, counts; and how it stands, in words."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from campaigns.kind import Setting
from campaigns.kinds.poll_rules import Rules
from ground import photo as photos
from ground.days import SHANGHAI
from ground.sorted_file import write_sorted
from models import ballot, candidate, edition, photo, poll
from models.base import Connection, Store
from models.candidate import numbers
from models.edition import Edition
from models.poll import Poll, Tally

AT_ONCE = 8  # photos
log = logging.getLogger(__name__)
RIPE = timedelta(
    seconds=15
)  # longer than a transaction lasts: no ballot with a lower id is still to be committed


def tended(store: Store, found: Edition, rules: Rules, now: datetime, setting: Setting) -> None:
    """Every few seconds, in transactions of its own. `rules` as the config file has them now."""
    _store_photos(store, found, rules, now)
    _seal(store, found, rules, now)
    with store.reading() as connection:
        here = poll.get(connection, found.id)
    if found.state == edition.OPEN:
        _show_head(store, here, now)
        return
    if here.posted_to is not None and here.posted_to <= now and here.key:
        with store.writing() as connection:
            poll.destroy_key(connection, found.id)
    count(store, found, now)


def _store_photos(store: Store, found: Edition, rules: Rules, now: datetime) -> None:
    """Store what photos are missing, a few at a time; only those of the list with which the edition was opened."""
    if json.loads(found.rules)["candidates"]["digest"] != rules.candidates.digest:
        return
    names = {line.number: line.photo for line in rules.candidates.lines}
    with store.reading() as connection:
        every = candidate.of_edition(connection, found.id)
    for one in [one for one in every if not one.photo and names.get(one.number)][:AT_ONCE]:
        try:
            read = photos.read(rules.candidates.photo(names[one.number]).read_bytes())
        except (photos.NoPhoto, OSError) as fault:
            log.warning(
                "a candidate's photo cannot be read: %s", type(fault).__name__, extra={"number": one.number}
            )
            continue
        with store.writing() as connection:
            key = photo.add(connection, found.id, None, read, photo.SHOWN, now)
            candidate.show_photo(connection, one, key or "")


def _seal(store: Store, found: Edition, rules: Rules, now: datetime) -> None:
    over = (
        found.state != edition.OPEN
    )  # nothing more can come: whatever is there is sealed, also what came late
    before, after = (now + RIPE, 0) if over else (now - RIPE, None)
    with store.reading() as connection:
        if over and poll.tallied(connection, found.id):
            return
        if not over and not ballot.is_more(connection, found.id):
            return
    while True:
        with store.writing() as connection:
            last = ballot.seal(connection, found.id, before, counts=rules.shows == "now", after=after)
        if last is None:
            return
        after = last if over else None


def _show_head(store: Store, here: Poll, now: datetime) -> None:
    day = f"{now.astimezone(SHANGHAI):%Y-%m-%d}"
    with store.reading() as connection:
        shown = poll.shown_heads(connection, here.edition_id)
    if here.head and (not shown or shown[0][0] < day):
        with store.writing() as connection:
            poll.show_head(connection, here, day)


# --- counting ----------------------------------------------------------------------------------------------------


def count(store: Store, found: Edition, now: datetime) -> None:
    """Count what counts, once it is over, and again when ballots were annulled since."""
    with store.reading() as connection:
        last = next(iter(poll.tallied(connection, found.id)), None)
        void = ballot.annulled(connection, found.id)
        if last is not None and last.annulled == len(void):
            return
        reasons = "，".join(
            f"{reason} {number} 张" for reason, number in ballot.reasons(connection, found.id)
        )
        tally = tallied(connection, found.id, now, f"作废：{reasons}" if last is not None else "")
    with store.writing() as connection:
        if len(ballot.annulled(connection, found.id)) == tally.annulled:  # else it is counted again, later
            poll.note_tally(connection, found.id, tally)


def tallied(connection: Connection, edition_id: int, now: datetime, reason: str) -> Tally:
    """The ballots that count, counted, and the digests of both published files."""
    votes: dict[int, int] = {}

    def lines() -> Iterator[str]:
        for line in ballot_lines(connection, edition_id):
            for number in numbers(line):
                votes[number] = votes.get(number, 0) + 1
            yield line

    written, ballots_digest = write_sorted(lines(), Nowhere())
    _, receipts_digest = write_sorted(receipt_lines(connection, edition_id), Nowhere())
    void = len(ballot.annulled(connection, edition_id))
    return Tally(0, now, reason, written, void, votes, ballots_digest, receipts_digest)


def ballot_lines(connection: Connection, edition_id: int) -> Iterator[str]:
    """Of each ballot that counts whom it chose, and nothing else."""
    return (one.choices for one in ballot.counted(connection, edition_id))


def receipt_lines(connection: Connection, edition_id: int) -> Iterator[str]:
    """Of each ballot that counts its receipt's SHA-256 (hex), and nothing else."""
    return (receipt_hash(one.receipt) for one in ballot.counted(connection, edition_id))


def receipt_hash(receipt: str) -> str:
    """How a receipt stands in the published file."""
    return hashlib.sha256(receipt.encode()).hexdigest()


class Nowhere:
    """A file of which only the digest is wanted."""

    def write(self, data: bytes, /) -> None:
        """Forget it."""


# --- in words ----------------------------------------------------------------------------------------------------


def words(connection: Connection, found: Edition, rules: Rules, here: Poll, number: int) -> str:
    """The rules while it runs; afterwards how many ballots counted, what was annulled and why, and the digests."""
    every = "每人每天可以投一次" if rules.every == "day" else "每人可以投一次"
    most = f"，一共最多 {rules.in_all} 次" if rules.in_all else ""
    for_one = f"，给同一个候选最多 {rules.for_one} 次" if rules.for_one else ""
    span = f"{rules.most}" if rules.least == rules.most else f"{rules.least} 到 {rules.most}"
    lines = [f"{number} 个候选。{every}{most}{for_one}，每次选 {span} 个，投了就定了。"]
    tally = next(iter(poll.tallied(connection, found.id)), None) if found.state != edition.OPEN else None
    if tally is not None:
        return "".join([*lines, *_counted(connection, found, tally)])
    if rules.shows == "after":
        lines.append("截止以前，谁得了多少票谁也看不到。")
    shown = poll.last_head(connection, found.id) if here.head else None
    if shown:
        day, sealed, head = shown
        lines.append(f"{day} 公布的校验码（{sealed} 张票）：{head}。")
    return "".join(lines)


def _counted(connection: Connection, found: Edition, tally: Tally) -> Iterator[str]:
    yield f"一共 {tally.ballots} 张有效选票。"
    if tally.annulled:
        why = "，".join(f"{reason} {number} 张" for reason, number in ballot.reasons(connection, found.id))
        yield f"作废 {tally.annulled} 张：{why}。"
    yield f"选票文件的校验码：{tally.ballots_digest}。回执文件的校验码：{tally.receipts_digest}。"
