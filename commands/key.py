"""`key`: the keys by which personal data are sealed. Every deed is audited; no key is ever shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tqdm import tqdm

from commands.asking import sure
from commands.command_line import GOOD, PROBLEM, Options, refuse
from commands.deed import staff as who
from commands.parts import Parts, lacks
from models import audit, resealing
from models.base import Store
from models.keyring import Keyring, NoKey

KEEP = "请马上把它拷一份，锁进保险柜：没有它，备份里的个人信息谁也打不开。不要和备份放在一起。"


def run(options: Options, parts: Parts) -> int:
    """What was typed after `key`."""
    store, now = parts.store, datetime.now(UTC)
    if words := lacks(store):
        raise refuse(words)
    keyring = store.keyring
    assert keyring is not None
    deeds: Mapping[str, Callable[[], int]] = {
        "make": lambda: make(store, keyring, now),
        "list": lambda: key_list(keyring),
        "rotate": lambda: rotate(store, keyring, now, yes=options.yes),
        "seal": lambda: seal(store, now),
    }
    return deeds[options.deed]()


def make(store: Store, keyring: Keyring, now: datetime) -> int:
    """The first key, and everything that lay in clear is sealed by it."""
    if not keyring.make():
        print(f"已经有钥匙了：{keyring.path}。要换一把新的，请运行 key rotate。")
        return PROBLEM
    _note(store, "make key", keyring, now)
    print(f"做好了：{keyring.path}。{KEEP}")
    return seal(store, now)


def key_list(keyring: Keyring) -> int:
    """Which keys there are, by name."""
    keys = keyring.keys()
    if keys is None:
        print("还没有钥匙，不能存个人信息。请在配置文件里写 [data] key_file，再运行 key make。")
        return PROBLEM
    print(f"钥匙文件：{keyring.path}")
    for name in keys.ciphers:
        print(f"{name}　{'在用' if name == keys.writes else '只用来打开以前封存的'}")
    return GOOD


def rotate(store: Store, keyring: Keyring, now: datetime, *, yes: bool) -> int:
    """A new key writes from now on; everything is sealed anew by it, in portions."""
    if keyring.keys() is None:
        raise NoKey("还没有钥匙，请先运行 key make。")
    print("会加一把新钥匙，以后都用它封存，再把现有的个人信息一批一批换成新的。服务不用停。")
    print("原来的钥匙还要留着：以前的备份要用它打开。")
    if not sure(yes):
        return GOOD
    name = keyring.add()
    _note(store, "rotate key", keyring, now)
    print(f"新钥匙 {name} 在用了。{KEEP}")
    return seal(store, now)


def seal(store: Store, now: datetime) -> int:
    """Go on with what is not sealed by the key in use."""
    with tqdm(unit="行", disable=None, leave=False) as bar:
        messages = store.keyring is not None and store.keyring.messages
        told = resealing.bring_up(store, now, bar.update, messages=messages)
    print(f"个人信息都封存好了（这一次换了 {told.rows:,} 行）。")
    if told.lost:
        print(f"有 {told.lost} 处打不开：钥匙不在，或者被人改过。请查看日志，和最近的备份对一对。")
        return PROBLEM
    return GOOD


def _note(store: Store, deed: str, keyring: Keyring, now: datetime) -> None:
    keys = keyring.keys()
    assert keys is not None
    with store.writing() as connection:
        audit.note(connection, who(), deed, f"key/{keys.writes}", {}, now)
