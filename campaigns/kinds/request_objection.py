"""An objection to a posted result as a request: with a number, an owner and deadlines, where the union takes requests.

Whether it is upheld is decided where the result is (`poll_posted.settle`); that is also its answer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from campaigns.kind import Setting, Work, rules_of
from campaigns.kinds import request as requests
from campaigns.kinds.request_rules import Rules, terms, terms_of
from campaigns.kinds.request_staff import answered
from models import edition, entry, request, step
from models.base import Connection
from models.deadline import fits, life
from models.edition import Edition
from models.request import HELP, New, Request


def source_of(objection_id: int) -> str:
    """How the request names the objection that it was."""
    return f"objection:{objection_id}"


def taken(
    connection: Connection,
    poll: Edition,
    objection_id: int,
    openid: str | None,
    words: str,
    setting: Setting,
    now: datetime,
) -> Request | None:
    """The request that this objection becomes; None where the union takes none now."""
    found = edition.on(connection, "request", now, live=poll.live)
    if found is None:
        return None
    rules: Rules = rules_of(requests.KIND, found)
    text = f"对“{poll.title}”公示的结果有异议：{words}"
    new = New(
        found.id,
        found.campaign,
        openid,
        HELP,
        text,
        rules.first.name,
        rules.first.path,
        source=source_of(objection_id),
    )
    one = request.receive(connection, new, terms(rules, HELP, setting), now)
    if openid is not None:  # so that its person finds it among what is theirs
        told = f"异议 {one.number}"
        entry.write(connection, entry.New(found.id, openid, new.source or "", "page", now, told, one.number))
    return one


def settled(work: Work, objection_id: int, words: str) -> str | None:
    """The verdict is the request's answer; what was done, None where the objection is no request."""
    one = request.sourced(work.connection, source_of(objection_id))
    found = edition.get(work.connection, one.edition_id) if one else None
    one = request.hold(work.connection, one.id) if one else None
    if one is None or found is None:
        return None
    here = life(step.of(work.connection, one.id), terms_of(work.connection, one, work.setting))
    if not fits(here, step.ANSWERED):
        return f"{one.number} 已经办过了。"
    theirs = replace(work, edition=found, rules=rules_of(requests.KIND, found))
    return answered(theirs, one, words)
