"""One period of a campaign on each kind of database: it opens once, its rules stand still, and the clock alone closes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from models import audit, consent, draft, edition, entry, holder, schema, session, wish
from models.base import Store
from models.edition import Edition, Opening
from models.follower import followers

NOON = datetime(2027, 1, 10, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WANG, LI = "oWang", "oLi"


def opening(opens_at: datetime = NOON, days: int = 10, **more: Any) -> Opening:
    rules = {"per_person": 3}
    return Opening("wish", "wish", "春节发福利", opens_at, opens_at + days * DAY, rules, **more)


def opened(store: Store, wanted: Opening, now: datetime) -> Edition | None:
    with store.writing() as connection:
        return edition.open_anew(connection, wanted, now)


class TestAnEdition:
    def test_opens_once_however_many_processes_find_it_due(self, store: Store) -> None:
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: opened(store, opening(), NOON), range(6)))

        assert len({one.id for one in found if one}) == 1
        with store.reading() as connection:
            assert len(edition.of(connection, "wish")) == 1

    def test_keeps_its_days_when_the_file_says_others(self, store: Store) -> None:
        first = opened(store, opening(), NOON)
        again = opened(store, opening(NOON + DAY), NOON + 2 * DAY)

        assert first is not None
        assert again is None
        with store.reading() as connection:
            assert edition.latest(connection, "wish") == first

    def test_is_followed_by_the_next_one_when_its_time_is_over(self, store: Store) -> None:
        first = opened(store, opening(), NOON)
        overlapping = opened(store, opening(NOON + 5 * DAY), NOON + 11 * DAY)
        second = opened(store, opening(NOON + 10 * DAY), NOON + 11 * DAY)

        assert first is not None
        assert second is not None
        assert overlapping is None
        assert second.id != first.id
        with store.reading() as connection:
            states = [one.state for one in edition.of(connection, "wish")]
        assert states == ["open", "closed"]

    def test_takes_what_was_received_before_the_end_although_a_job_has_closed_it(self, store: Store) -> None:
        first = opened(store, opening(), NOON)
        assert first is not None
        with store.writing() as connection:
            assert edition.close(connection, first, first.closes_at + DAY)
            assert not edition.close(connection, first, first.closes_at + DAY)
            late = edition.latest(connection, "wish")

        assert late is not None
        assert late.takes(first.closes_at - timedelta(microseconds=1))
        assert not late.takes(first.closes_at)
        assert not late.takes(NOON - timedelta(microseconds=1))

    def test_is_extended_with_a_trace_and_never_after_its_end(self, store: Store) -> None:
        first = opened(store, opening(), NOON)
        assert first is not None
        later = first.closes_at + DAY
        with store.writing() as connection:
            assert edition.extend(connection, first, later, "cli:zhang", NOON + DAY)
            assert not edition.extend(connection, first, later + DAY, "cli:zhang", NOON + DAY)
            longer = edition.latest(connection, "wish")
            assert longer is not None
            assert not edition.extend(connection, longer, later + 9 * DAY, "cli:zhang", later)

        assert longer.closes_at == later
        assert "cli:zhang" in longer.extended
        assert longer.rules_hash == first.rules_hash

    def test_of_testers_does_not_count_once_the_account_is_live(self, store: Store) -> None:
        trial = opened(store, opening(live=False), NOON)
        real = opened(store, opening(), NOON + DAY)

        assert trial is not None
        assert real is not None
        assert real.live
        with store.reading() as connection:
            reasons = {one.id: (one.state, one.reason) for one in edition.of(connection, "wish")}
        assert reasons == {trial.id: ("annulled", "not live"), real.id: ("open", "")}


class TestTheAudit:
    def test_holds_each_deed_and_shows_where_one_was_changed(self, store: Store) -> None:
        self._note(store, 0)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: self._note(store, number), range(1, 12)))
        with store.reading() as connection:
            assert audit.broken(connection) is None
            assert len(audit.of(connection, "wish/1")) == 12

        with store.writing() as connection:
            row = connection.execute(
                sa.select(audit.audit.c.id).order_by(audit.audit.c.id).offset(5)
            ).scalar()
            connection.execute(audit.audit.update().where(audit.audit.c.id == row).values(staff="cli:other"))

        with store.reading() as connection:
            assert audit.broken(connection) == row

    def _note(self, store: Store, number: int) -> None:
        with store.writing() as connection:
            audit.note(connection, "cli:zhang", "hide", "wish/1", {"reason": f"第 {number} 次"}, NOON)


class TestWhatNamesAPerson:
    def test_has_a_way_to_forget_and_to_tell_in_every_table_of_the_schema(self) -> None:
        naming = {
            table.name
            for table in schema.known().sorted_tables
            if any(column.name in holder.NAMES for column in table.columns)
        }

        assert naming == {each.table.name for each in holder.HOLDERS}

    def test_is_told_to_them_and_gone_when_they_ask_for_it(self, store: Store) -> None:
        first = opened(store, opening(), NOON)
        assert first is not None
        for openid in (WANG, LI):
            self._lives(store, first.id, openid)
        with store.writing() as connection:
            told = holder.export(connection, WANG)
            holder.erase(connection, WANG, None)
            left = holder.export(connection, WANG)
            others = holder.export(connection, LI)
            people = entry.people(connection, first.id)

        assert all(
            told[title] for title in ("没填完的", "同意过的", "参加过的", "网页登录", "心愿", "支持过的心愿")
        )
        assert {title for title, rows in left.items() if rows} == {
            "关注"
        }  # whether they follow must be known
        assert others["心愿"][0]["words"] == "想要一场电影"
        assert people == 2  # the counts still balance

    def _lives(self, store: Store, edition_id: int, openid: str) -> None:
        """Does a little of everything."""
        with store.writing() as connection:
            person = {"openid": openid, "subscribed": True, "first_seen_at": NOON, "last_seen_at": NOON}
            connection.execute(followers.insert().values(person))
            draft.keep(connection, openid, edition_id, draft.Draft({"words": "半句"}, "d", NOON))
            consent.give(connection, openid, edition_id, "wish-1", NOON)
            entry.write(
                connection,
                entry.New(edition_id, openid, "k", "chat", NOON, "收到", receipt=entry.new_receipt()),
            )
            session.begin(connection, openid, NOON)
            wish.make(connection, edition_id, openid, "想要一场电影", 3, wish.OPEN, NOON)


class TestACode:
    @pytest.fixture
    def code(self, store: Store) -> str:
        with store.writing() as connection:
            code = session.ask_code(connection, "browser", "/h5/me", NOON)
        assert code is not None
        return code

    def test_signs_in_the_browser_that_shows_it_once(self, store: Store, code: str) -> None:
        with store.writing() as connection:
            assert session.type_code(connection, WANG, code, NOON) is True
            assert session.type_code(connection, LI, code, NOON) is False
            assert session.use(connection, "another browser", code, NOON) is None
            found = session.use(connection, "browser", code, NOON)
            again = session.use(connection, "browser", code, NOON)

        assert found is not None
        assert (found.openid, found.target) == (WANG, "/h5/me")
        assert again is None

    def test_is_over_after_ten_minutes_and_cannot_be_guessed(self, store: Store, code: str) -> None:
        with store.writing() as connection:
            assert session.type_code(connection, WANG, code, NOON + timedelta(minutes=10)) is False
            for wrong in range(5):
                assert session.type_code(connection, LI, f"wrong{wrong}", NOON) is False
            assert session.type_code(connection, LI, code, NOON) is None
