"""WeRoBot as its manual shows it: one text handler; sessions in SQLite only when BENCH_DATABASE names a file."""

import os

from werobot import WeRoBot
from werobot.session.sqlitestorage import SQLiteStorage

database = os.environ.get("BENCH_DATABASE", "")
robot = WeRoBot(token=os.environ["BENCH_TOKEN"])
robot.config["SESSION_STORAGE"] = SQLiteStorage(database) if database else False
if os.environ["BENCH_MODE"] == "safe":
    robot.config["APP_ID"] = os.environ["BENCH_APP_ID"]
    robot.config["ENCODING_AES_KEY"] = os.environ["BENCH_AES_KEY"]
reply = os.environ["BENCH_REPLY"]


def echo(message: object) -> str:
    return reply


def count(message: object, session: dict[str, int]) -> str:
    session["count"] = session.get("count", 0) + 1
    return reply


robot.handler(count if database else echo)
application = robot.wsgi
