"""/wx: where WeChat brings messages and takes the answers.

`Webhook.answer(query, body) -> (status, body)` is the whole of it: open the envelope, parse, record with the answer, seal.
It serves under any WSGI server; in production the worker in `server/` takes the same steps (`arrive`, `ahead`, `handle`,
`seal`) for many messages in one transaction.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Blueprint, Response, request

from ground.text import visible
from handlers.arrival import arrival
from handlers.gathering import gather
from handlers.turn import House, Turn
from models import refused
from models.base import Connection, Store, StoreError, masked, timed_out, traced
from models.batch import Batch
from models.clock import Clock
from models.follower import Follower
from models.interaction import FAILED, Arrival, Handled
from models.recording import NOT_YET, Committer, Later, Ready, recorder_for
from wx import replies
from wx.envelope import SUCCESS, Check, Envelope, Forged, Opened
from wx.messages import BadMessage, Message, parse
from wx.refused import in_words

log = logging.getLogger(__name__)
MAX_BODY = 64 * 1024
TOLD_S = 60.0  # so often staff are told how many were refused
REFUSED = b"forbidden"  # one body for every reason: a forger learns nothing
ANSWER_S = 4.5  # WeChat hangs up after five
PATIENCE_S = 4.0  # of them for what is stored without a loop
BROKEN = "对不起，刚才没有办好。请稍后再发一次，或拨打职工服务热线 12351。"
BUSY = "系统正忙，请稍后再发一次。"

Handler = Callable[[Turn], "replies.Reply | None"]


class Webhook:
    """What stands behind /wx, built once per process by app.py."""

    def __init__(
        self, envelope: Envelope, store: Store, clock: Clock, house: House, handler: Handler, original_id: str
    ) -> None:
        self.store = store
        self.recorder = recorder_for(store)
        self.committer = Committer(store.writing, self.recorder, self)
        self.clock = clock
        self._envelope = envelope
        self._house = house
        self._handler = handler
        self._original_id = original_id
        self._refused: Counter[str] = Counter()  # by the check
        self._told_at = float("-inf")

    def echo(self, query: str) -> tuple[int, bytes]:
        """The verification GET: the echostr as it came."""
        try:
            return HTTPStatus.OK, self._envelope.echo(query, self.clock.now().timestamp()).encode()
        except Forged as error:
            self._refused[error.check] += 1
            return HTTPStatus.FORBIDDEN, REFUSED

    def refused(self) -> Counter[str]:
        """Once a minute: how many were refused since, by the check. The stranger learns nothing; staff must be able to see that
        it is WeChat itself who is refused."""
        found: Counter[str] = Counter()
        if self._refused and time.monotonic() - self._told_at >= TOLD_S:
            self._told_at = time.monotonic()
            found, self._refused = self._refused, found
        return found

    def tell(self, counts: Counter[str]) -> None:
        """Say so in the log, and to `doctor`."""
        log.warning("拒绝了 %d 条消息：%s", counts.total(), in_words(counts))
        try:
            with self.store.writing() as connection:
                refused.write(connection, counts, datetime.now(UTC))
        except (StoreError, OSError) as error:
            log.error("what was refused could not be noted: %s", type(error).__name__)

    def answer(self, query: str, body: bytes) -> tuple[int, bytes]:
        """Status and body for one POST. Never raises."""
        arrived = self.arrive(query, body)
        if isinstance(arrived[0], int):
            if counts := self.refused():
                self.tell(counts)
            return arrived
        opened, row = arrived
        try:
            (xml,) = self.committer.commit([row], time.monotonic() + PATIENCE_S)
        except (StoreError, OSError) as error:
            log.error("a message could not be stored: %s", type(error).__name__)
            return HTTPStatus.SERVICE_UNAVAILABLE, b""  # WeChat brings it again
        return HTTPStatus.OK, self.seal(opened, xml)

    def arrive(
        self, query: str, body: bytes, now: datetime | None = None
    ) -> tuple[Opened, Arrival] | tuple[int, bytes]:
        """The verified message on its way into the table, or the status and body that refuse it."""
        if len(body) > MAX_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b""
        now = now or self.clock.now()
        try:
            opened = self._envelope.open(query, body, now.timestamp())
            message = parse(opened.xml)
        except Forged as error:
            self._refused[error.check] += 1
            return HTTPStatus.FORBIDDEN, REFUSED
        except BadMessage:
            self._refused[Check.XML] += 1
            return HTTPStatus.BAD_REQUEST, b""
        if message.to != self._original_id and self._original_id:
            log.warning(
                "a message for %s reached the account %s", visible(message.to)[:64], self._original_id
            )
        return opened, arrival(message, now)

    def ahead(self, row: Arrival) -> Ready | None:
        """The message answered before the transaction, where its handler needs neither the database nor the follower; None
        where it must be answered inside. A handler that raises is called again there, where what it does is undone."""
        if row.follows is not None or row.erases:
            return None
        try:
            return self.recorder.ready(row, self.handle(NOT_YET, row, NOT_YET))
        except (Later, Exception):  # noqa: BLE001 - it may fail again, or not, where that is stored
            return None

    @staticmethod
    def gather(connection: Connection, rows: Sequence[Arrival], people: Mapping[str, Follower]) -> Batch:
        """What these messages, answered in one transaction, read together."""
        return gather(connection, rows, people)

    def handle(
        self, connection: Connection, row: Arrival, follower: Follower, batch: Batch | None = None
    ) -> Handled:
        """The handlers' answer, rendered. Runs inside the transaction that stores it, or before."""
        message: Message = row.message
        turn = Turn(message, follower, connection, row.received_at, self._house, batch)
        reply = self._handler(turn)
        return Handled(
            self._render(message, reply, row.received_at),
            turn.topic,
            turn.missed,
            turn.moved_to,
            hushed=turn.hushed,
        )

    @staticmethod
    def arrival(raw: str, received_at: datetime) -> Arrival:
        """A message that was stored, as it came in."""
        return arrival(parse(raw.encode()), received_at)

    def sorry(self, row: Arrival, error: Exception) -> Handled:
        """What is said, and stored as failed, when the handler of this message raised."""
        log.error("no answer for %s, key %s: %s", masked(row.openid), row.key[:12], traced(error))
        words = replies.Text(BUSY if timed_out(error) else BROKEN)
        return Handled(
            self._render(row.message, words, row.received_at), topic=type(error).__name__, state=FAILED
        )

    def seal(self, opened: Opened, xml: str) -> bytes:
        """The HTTP body of an answer."""
        if opened.cipher is None:
            return xml.encode() or SUCCESS
        return self._envelope.seal(opened, xml, self.clock.now().timestamp())

    @staticmethod
    def _render(message: Message, reply: replies.Reply | None, now: datetime) -> str:
        if reply is None:
            return ""
        return replies.render(reply, to=message.openid, sender=message.to, created=int(now.timestamp()))


def media_type(body: bytes) -> str:
    """An answer is XML, or a bare word."""
    return "text/xml; charset=utf-8" if body.startswith(b"<xml") else "text/plain; charset=utf-8"


def blueprint(webhook: Webhook) -> Blueprint:
    """The route, for any WSGI server and for the tests."""
    door = Blueprint("webhook", __name__)

    @door.get("/wx", provide_automatic_options=False)
    def verify() -> Response:
        status, body = webhook.echo(request.query_string.decode("latin-1"))
        return Response(body, status, content_type="text/plain; charset=utf-8")

    @door.post("/wx", provide_automatic_options=False)
    def receive() -> Response:
        body = request.stream.read(MAX_BODY + 1)
        status, words = webhook.answer(request.query_string.decode("latin-1"), body)
        return Response(words, status, content_type=media_type(words))

    return door
