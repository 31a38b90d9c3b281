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
