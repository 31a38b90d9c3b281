"""The durable design that is usually written: Flask, wechatpy, the SQLAlchemy ORM, and one commit per message."""

import datetime
import hashlib
import os

import sqlalchemy as sa
from flask import Flask, abort, request
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature

TOKEN = os.environ["BENCH_TOKEN"]
REPLY = os.environ["BENCH_REPLY"]
URL = os.environ["BENCH_DATABASE"]
engine = sa.create_engine(URL, pool_size=16)
crypto = WeChatCrypto(TOKEN, os.environ["BENCH_AES_KEY"], os.environ["BENCH_APP_ID"])
application = Flask(__name__)


class Base(DeclarativeBase):
    pass


class Follower(Base):
    __tablename__ = "followers"
    openid: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    subscribed: Mapped[bool]
    last_seen_at: Mapped[datetime.datetime]


class Interaction(Base):
    __tablename__ = "interactions"
    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    openid: Mapped[str] = mapped_column(sa.String(64), index=True)
    msg_type: Mapped[str] = mapped_column(sa.String(32))
    content: Mapped[str] = mapped_column(sa.Text)
    received_at: Mapped[datetime.datetime]
    raw: Mapped[str] = mapped_column(sa.Text)
    reply: Mapped[str] = mapped_column(sa.Text)


if engine.dialect.name == "sqlite":

    @sa.event.listens_for(engine, "connect")
    def durable(connection, record):
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 30000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def take_the_lock_at_once(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


if __name__ == "__main__":  # run once, before the server starts
    Base.metadata.create_all(engine)


def stored(xml: str, message) -> str:
    """The reply, once follower, interaction and reply are committed."""
    key = hashlib.sha256(
        f"{message.source}{message._data.get('CreateTime')}{message.id}".encode()
    ).hexdigest()
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    with Session(engine) as session, session.begin():
        known = session.scalar(sa.select(Interaction).where(Interaction.dedupe_key == key))
        if known is not None:
            return known.reply
        follower = session.get(Follower, message.source)
        if follower is None:
            follower = Follower(openid=message.source, subscribed=True)
            session.add(follower)
        follower.last_seen_at = now
        reply = create_reply(REPLY, message).render()
        session.add(
            Interaction(
                dedupe_key=key,
                openid=message.source,
                msg_type=message.type,
                content=getattr(message, "content", ""),
                received_at=now,
                raw=xml,
                reply=reply,
            )
        )
    return reply


@application.route("/wx", methods=["POST"])
def wechat() -> str:
    timestamp, nonce = request.args.get("timestamp", ""), request.args.get("nonce", "")
    try:
        check_signature(TOKEN, request.args.get("signature", ""), timestamp, nonce)
        if request.args.get("encrypt_type", "raw") == "raw":
            xml = request.get_data(as_text=True)
            return stored(xml, parse_message(xml))
        xml = crypto.decrypt_message(request.data, request.args.get("msg_signature", ""), timestamp, nonce)
    except (InvalidSignatureException, InvalidAppIdException):
        abort(403)
    return crypto.encrypt_message(stored(xml, parse_message(xml)), nonce, timestamp)
