"""What WeChat tells afterwards of our own sending; nobody is answered."""

from __future__ import annotations

from handlers.turn import Turn
from models import delivery
from wx.messages import MassFinished, TemplateFinished

LONGEST_ID = 64  # what the books hold of a far end's id; WeChat's own are numbers of up to 20 digits
MOST = 2**31 - 1  # more than any account has followers


def mass(turn: Turn) -> None:
    """MASSSENDJOBFINISH: the counts of a mass message."""
    body = turn.message.body
    if isinstance(body, MassFinished) and body.msg_id:
        sent, failed, total, filtered = (
            min(n, MOST) for n in (body.sent, body.failed, body.total, body.filtered)
        )
        far_id, status = body.msg_id[:LONGEST_ID], body.status
        delivery.finish_mass(turn.connection, far_id, status, sent, failed, total, filtered, turn.now)
        turn.topic = "mass-finished"


def template(turn: Turn) -> None:
    """TEMPLATESENDJOBFINISH: what became of one template message."""
    body = turn.message.body
    if isinstance(body, TemplateFinished) and body.msg_id:
        delivery.finish_template(turn.connection, body.msg_id[:LONGEST_ID], body.status, turn.now)
        turn.topic = "template-finished"
