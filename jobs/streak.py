"""A run of errors: so many copies of a push in a row that failed, and none that went out between them, that somebody has to look."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.policy import Verdict
from models.delivery import FAILED, REASONS, SENT, UNKNOWN


class Streak:
    """Counts for each push what this process sent of it. `most` 0: nobody counts."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._runs: dict[int, int] = {}

    def too_long(self, push_id: int, verdicts: Iterable[Verdict]) -> str:
        """Why the push is to be paused after these ends of calls, '' when it may go on; then it counts from 0 again."""
        run, why = self._runs.get(push_id, 0), ""
        for verdict in verdicts:
            outcome = verdict.outcome
            if outcome.state == SENT:
                run = 0
            elif outcome.state in (FAILED, UNKNOWN):
                run, why = run + len(outcome.ids), REASONS.get(outcome.reason, outcome.reason)
        if not self.most or run < self.most:
            self._runs[push_id] = run
            return ""
        self._runs.pop(push_id, None)
        return f"连着 {run} 份没有发成，先停下来，免得都发不成。最后一份是因为：{why}。"

    def forget(self, push_id: int) -> None:
        """The push is over."""
        self._runs.pop(push_id, None)
