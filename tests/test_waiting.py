"""Everything that waits for a person stands in one list, once, with what to do; when it is done the list is empty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from push_cast import Office, campaign, office

from campaigns.approval import Approvals
from commands import halt
from commands.steering import push_stop
from commands.waiting import waiting
from models import push
from models.delivery import deliveries

__all__ = ["office"]


def listed(office: Office, most: int = 0, **wanted: Any) -> tuple[int, list[str]]:
    """The exit code, and what is said."""
    said: list[str] = []
    approvals = Approvals(most, office.folder, live=True)
    return waiting(office.store, [campaign(**wanted)], approvals, office.time.now(), said.append), said


def test_nothing_waits_in_a_quiet_office(office: Office) -> None:
    office.hires(2)
    office.starts()
    office.works()

    assert listed(office) == (0, ["没有等您处理的。"])


def test_each_thing_that_waits_has_its_deed_and_is_said_once(office: Office) -> None:
    office.hires(3)
    unsure = office.starts(id="unsure")
    office.works()
    with office.store.writing() as connection:
        mine = deliveries.update().where(deliveries.c.push_id == unsure)
        connection.execute(mine.values(state="unknown", reason="no answer"))
    office.starts(id="blank", template={"id": "t" * 43, "data": {"thing1": "〔待填：时间〕"}})
    office.works()
    office.starts(id="late")
    office.time.passes(hours=2)
    office.works()
    halt.halt(office.store, office.time.now(), say=lambda words: None)

    code, said = listed(office, most=1, at=office.time.now() + timedelta(days=3))

    assert code == 1
    text = "\n".join(said)
    for what, deed in (
        ("所有推送都停着", "unhalt"),
        ("spring/blank", "push resume spring/blank；不发了：push cancel spring/blank"),
        ("spring/unsure", "打电话问一声"),
        ("还差 1 位同志批准", "push approve spring/greeting"),
        ("spring/late", "push start spring/late"),
    ):
        assert what in text
        assert deed in text
    assert text.count("spring/blank（") == 1
    assert len(said) == 1 + 2 * 5


def test_what_was_done_waits_no_more(office: Office) -> None:
    office.hires(3)
    push_id = office.starts(id="blank", template={"id": "t" * 43, "data": {"thing1": "〔待填：时间〕"}})
    office.works()
    assert listed(office)[0] == 1

    assert push_stop(office.store, "spring/blank", office.time.now(), lambda words: None) == 0

    assert office.stands(push_id).state == push.CANCELLED
    assert listed(office)[0] == 0
