"""From a parsed message to the row it becomes, and what it says of its sender."""

from __future__ import annotations

from datetime import UTC, datetime

from models.interaction import Arrival
from wx import messages as m
from wx.messages import Message

# Actions that open the customer-service window of one minute (platform guide, 客服消息): a tap on click or scan-code items,
# a scan, a follow. What a person says opens the one of 48 hours; a choice from a msgmenu counts as a tap.
TAPS = (m.Click, m.ScanCode, m.Scan, m.Subscribe)
SPOKEN = (m.Text, m.Image, m.Voice, m.Video, m.Location, m.Link, m.File)
# Says nothing of whether its sender follows: a job's result, or a notice that anybody may order on a page.
FROM_WECHAT = (
    m.MassFinished,
    m.TemplateFinished,
    m.Published,
    m.NoticesAnswered,
    m.NoticesChanged,
    m.NoticesSent,
    m.ProfileReset,
    m.Revoked,
    m.Cancelled,
    m.Verification,
)


def _content(body: m.Body) -> str | None:
    """What the person said, in words."""
    match body:
        case m.Text(content):
            return content
        case m.Voice(recognition=words):
            return words or None
        case m.Location(label=label):
            return label or None
        case m.Link(title=title):
            return title or None
        case _:
            return None


def arrival(message: Message, now: datetime) -> Arrival:
    """The message as it will be stored."""
    body = message.body
    sent_at = datetime.fromtimestamp(message.created, UTC) if message.created is not None else None
    row = Arrival(
        message.key, message.openid, message.type[:64], message.event[:64], message.event_key, None, message.msg_id[:64],
        sent_at, now, message.raw, message,
    )  # fmt: skip
    if type(body) is m.Text:
        row.content = body.content
        row.spoke, row.tapped = not body.menu_id, bool(body.menu_id)
        return row
    row.content = _content(body)
    row.spoke, row.tapped = isinstance(body, SPOKEN), isinstance(body, TAPS)
    row.personal = not isinstance(body, FROM_WECHAT) and not (
        row.msg_type == "event" and type(body) is m.Unknown
    )
    if isinstance(body, m.Subscribe | m.Unsubscribe):
        row.follows = isinstance(body, m.Subscribe)
    if isinstance(body, m.Subscribe | m.Scan):
        row.scene = body.scene or None
    if isinstance(body, m.Revoked | m.Cancelled):
        row.erases = body.openid
    return row
