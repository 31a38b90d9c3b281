"""What staff read for a state: one wording for README, manual, `push list`, `report` and the board."""

from collections.abc import Mapping

COMING = "coming"  # a push that has no row yet: the timetable makes it when its time comes

PUSHES: Mapping[str, str] = {
    COMING: "还没到时间",
    "due": "正在准备名单",
    "sending": "正在发送",
    "paused": "已暂停",
    "finished": "已发完",
    "missed": "错过了，没有发",
    "cancelled": "已取消",
}

EDITIONS: Mapping[str, str] = {
    "open": "开着",
    "closed": "已结束",
    "published": "已公布",
    "annulled": "已作废",
}

ENDINGS: Mapping[str, str] = {
    "finished": PUSHES["finished"],
    "partly": "已发完，有没发成的",
    "vain": "一份也没有发成",
    "unsent": "都跳过了，没有发",
    "nobody": "没有人可发",
}
"""What a finished push came to, by the name of its ending."""

DELIVERIES: Mapping[str, str] = {
    "planned": "还没发",
    "sending": "正在发",
    "sent": "已发",
    "failed": "没发成",
    "skipped": "没有发",
    "unknown": "不知道是否送到",
}

BOOKS = (*(DELIVERIES[state] for state in ("sent", "failed", "skipped", "unknown")), "还没发完")
"""What a push's copies add up from, in the order in which it is always told."""


def ending(state: str, copies: Mapping[str, int]) -> str:
    """What a push came to: one of ENDINGS when it is finished, else its state. `copies` are its copies by their state."""
    if state != "finished":
        return state
    sent, skipped = copies.get("sent", 0), copies.get("skipped", 0)
    if copies.get("failed", 0) or copies.get("unknown", 0):
        return "partly" if sent else "vain"
    return "finished" if sent else "unsent" if skipped else "nobody"


def said(state: str, copies: Mapping[str, int]) -> str:
    """The same in words."""
    name = ending(state, copies)
    return ENDINGS.get(name) or PUSHES.get(name, name)
