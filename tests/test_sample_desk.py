"""What a visitor of the demonstration finds at the desk: requests and opinions, and nothing that is late when the clock moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from test_sample import EXAMPLE

from campaigns.moderation import Moderation
from commands import sample_desk, sample_tree
from jobs import editions
from models import alarm, edition, member, opinion, scope, union
from models.base import Store
from models.scope import Wanted

MORNING = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def test_the_desk_holds_answered_requests_and_opinions_and_none_is_ever_late(sqlite_store: Store) -> None:
    assert EXAMPLE is not None
    for _ in range(2):  # a second start changes nothing
        sample_desk.lay(sqlite_store, EXAMPLE.campaigns, MORNING)
    later = MORNING + timedelta(days=30)
    wanted = [one for one in EXAMPLE.campaigns if one.kind in sample_desk.LAID]
    editions.tend(sqlite_store, wanted, later, Moderation(), live=True)

    with sqlite_store.reading() as connection:
        asked = scope.listed(connection, ["request"], "", Wanted())
        found = edition.latest(connection, "opinion")
        assert found
        said = opinion.of_edition(connection, found.id)
        assert alarm.standing(connection) == []
    assert sorted(one.state for one in asked) == ["closed", "closed", "closed", "waiting"]
    assert {one.owner for one in asked} >= {"职工服务中心", "权益保障部", "基层工作部"}
    assert sorted(one.state for one in said) == ["adopted", "adopted", "declined"]
    assert sum(one.shown for one in said) == 2


def test_the_desk_holds_a_city_its_counties_and_their_members_once(sqlite_store: Store) -> None:
    for _ in range(2):  # a second start changes nothing
        sample_tree.lay(sqlite_store, "某市总工会", MORNING)

    with sqlite_store.reading() as connection:
        every = union.every(connection)
        people = connection.execute(sa.select(sa.func.count()).select_from(member.members)).scalar_one()
    assert [one.name for one in every if one.parent_id is None] == ["某市总工会"]
    assert len(every) == 1 + 4 + 12
    assert people == sample_tree.PEOPLE
