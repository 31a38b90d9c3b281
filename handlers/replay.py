"""After a fix: the messages whose handler failed are handled again, each once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.arrival import arrival
from models import replay as failures
from models.base import Store, traced
from models.recording import Answer
from wx.messages import parse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many messages are answered now, and how many failed again."""

    answered: int
    failed: int


def replay(store: Store, answer: Answer, ids: Sequence[int] | None = None) -> Replayed:
    """Handle the failed messages (those of `ids`, or all) as if they had just come in, in a transaction each: what a
    handler does and `state = 'answered'` stand together or not at all. `answer` is `Webhook.handle`. The words are only
    stored: WeChat takes an answer for five seconds. A message whose sender has unfollowed is gone and stays as it is."""
    with store.reading() as connection:
        waiting = failures.failed(connection, ids)
    answered = failed = 0
    for number in waiting:
        try:
            answered += _handle_again(store, answer, number)
        except Exception as error:  # noqa: BLE001 - the handler still has a fault; the next message may not meet it
            failed += 1
            log.error("message %d failed again: %s", number, traced(error))
    return Replayed(answered, failed)


def _handle_again(store: Store, answer: Answer, number: int) -> bool:
    """Whether this call answered it: another one may have been faster."""
    with store.writing() as connection:
        found = failures.take(connection, number)
        if found is None:
            return False
        row = arrival(parse(found.raw.encode()), found.received_at)
        failures.settle(connection, number, answer(connection, row, found.follower))
        return True
