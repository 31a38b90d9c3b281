"""`serve`, `work` and `run`: what is looked at before they begin, and their processes."""

from __future__ import annotations

import logging

from commands import backup
from commands.command_line import GOOD, PROBLEM, Options, refuse, why
from commands.config import risks
from commands.parts import STATE, Parts, filled
from commands.supervise import supervise
from jobs.approval import note_setting
from menus.reading import load
from models import last_address, resealing, use

ROOMS = ("wx", "models", "menus", "campaigns", "channels", "handlers", "jobs", "commands", "web")
log = logging.getLogger("app")


def serve(options: Options, parts: Parts) -> int:
    """Answer WeChat and browsers."""
    prepare(parts)
    return parts.serve()


def work(options: Options, parts: Parts) -> int:
    """Send what comes due."""
    prepare(parts, listens=False)
    return parts.work()


def run(options: Options, parts: Parts) -> int:
    """Both, on one machine."""
    prepare(parts)
    return supervise({"web": parts.serve, "work": parts.work})


def prepare(parts: Parts, *, listens: bool = True) -> None:
    """Nothing is missing, the address is free, the schema is up to date; or the program ends with words."""
    config, bind = parts.config, parts.config.server.bind
    for room in ROOMS:
        logging.getLogger(room).setLevel(logging.INFO)
    filled(parts, "还不能启动")
    try:
        if listens:
            parts.try_to_listen()
    except OSError as fault:
        told = f"{bind} 用不了：{why(fault)}。请停下那个程序，或在配置文件里换一个：[server] bind。"
        raise refuse(told) from None
    for words in risks(config, parts.environ):
        log.warning("危险的设置：%s", words)
    load()  # a fault in the service directory is said before anything starts
    try:
        parts.held = use.occupy(parts.store)
    except use.InUse as fault:
        raise refuse(str(fault)) from None
    if backup.upgrade(parts.store, parts.backups, parts.clock.now(), config.backup.encrypt_to) != GOOD:
        raise SystemExit(PROBLEM)
    if resealing.lacking(parts.store):
        log.warning(
            "没有封存个人信息的钥匙：诉求、意见这些个人信息先不收。请写 [data] key_file，再运行 key make。"
        )
    note_setting(parts.store, config.account.approvals, parts.clock.now())
    parts.store.close()  # its connections must not be shared by processes to come
    last_address.remember(STATE, config.database.url.get_secret_value())
