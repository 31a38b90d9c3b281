"""What a stranger's message costs before it is refused: the nastiest bodies that 64 kB hold, against the envelope in safe mode.

Two strangers: one without the token, whom the query's `signature` refuses before the body is looked at; and one who saw a
query go by within the last minutes and sends it again with a body of their own, whom `msg_signature` refuses.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from benchmarks import messages
from web.webhook import MAX_BODY
from wx.envelope import Envelope, Forged
from wx.messages import BadMessage

GATE_US, MSG_SIGNATURE_US = 20.0, 200.0
ROUNDS = 50  # the least of them counts, in processor time: what else the machine does is not the envelope's
NOW_S = 1_800_000_000.0
STAMP, NONCE = str(int(NOW_S)), "486452656"

HEAD = b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName>"
BEGIN, END = b"<Encrypt><![CDATA[", b"]]></Encrypt>"


def _filled(part: bytes, head: bytes = b"", tail: bytes = b"") -> bytes:
    """As many of `part` as a body holds between head and tail."""
    return head + part * ((MAX_BODY - len(head) - len(tail)) // len(part)) + tail


def bodies() -> dict[str, bytes]:
    """Name → body."""
    deep = (MAX_BODY - 60) // 7
    return {
        "nested elements": b"<a>" * deep + b"</a>" * deep,
        "nested elements about an Encrypt": b"<a>" * (deep - 9) + BEGIN + b"x" + END + b"</a>" * (deep - 9),
        "nested elements without an end": _filled(b"<a>"),
        "elements side by side": _filled(b"<a/>", b"<xml>", b"</xml>"),
        "fields side by side": _filled(b"<a>1</a>", b"<xml>", b"</xml>"),
        "attributes": b"<xml " + b" ".join(b'a%d=""' % n for n in range(6000)) + b"/>",
        "one long attribute": _filled(b"x", b'<xml a="', b'"/>'),
        "references": _filled(b"&#65;", b"<xml><Encrypt>", b"</Encrypt></xml>"),
        "entities that grow": b'<!DOCTYPE x [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n + 1, n, n) for n in range(1800))
        + b"]><xml>&a99;</xml>",
        "a DOCTYPE that does not end": _filled(b"[", b"<!DOCTYPE x "),
        "comments": _filled(b"<!---->", b"<xml>", b"</xml>"),
        "CDATA sections": _filled(b"<![CDATA[]]>", b"<xml><Encrypt>", b"</Encrypt></xml>"),
        "Encrypts that begin": _filled(b"<Encrypt>"),
        "Encrypts that begin and end": _filled(b"<Encrypt></Encrypt>", b"<xml>", b"</xml>"),
        "a long Base64": _filled(b"AAAA", HEAD + BEGIN, END + b"</xml>"),
        "a long text not in UTF-8": _filled(b"\xff", HEAD + BEGIN, END + b"</xml>"),
        "a long text of three bytes a sign": _filled("工".encode(), HEAD + BEGIN, END + b"</xml>"),
        "blanks behind": _filled(b" ", HEAD + BEGIN + b"AAAA" + END + b"</xml>", b"x"),
        "blanks between": _filled(b"\n", b"<xml>", b"<ToUserName>"),
        "nothing but blanks": _filled(b" "),
        "zeros": _filled(b"\0"),
        "another alphabet": _filled("<Encrypt>".encode("utf-16")),
    }


def _signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _query(signature: str) -> str:
    return (
        f"signature={signature}&timestamp={STAMP}&nonce={NONCE}&openid=o1&encrypt_type=aes"
        f"&msg_signature={_signature('another', 'text')}"
    )


def queries() -> dict[str, str]:
    """Queries that the gate refuses: one like WeChat's own, and the longest."""
    return {
        "as WeChat writes it": _query("0" * 40),
        "of percents": "signature=" + "%41" * 600,
        "of ampersands": "&" * 2000,
        "of many names": "&".join(f"a{n}=1" for n in range(400)),
        "very long": _query("0" * 40) + "&x=" + "y" * 8000,
    }


def refused_us(door: Envelope, query: str, body: bytes, rounds: int = ROUNDS) -> float:
    """Microseconds until this is refused, the least of some rounds. Raises ValueError when it is not refused."""
    return min(_once(lambda: door.open(query, body, NOW_S)) for _ in range(rounds))


def _once(open_it: Callable[[], object]) -> float:
    begun = time.thread_time_ns()
    try:
        open_it()
    except (Forged, BadMessage):
        return (time.thread_time_ns() - begun) / 1000
    raise ValueError("a forgery was let in")


def envelope() -> Envelope:
    """The account's, in safe mode."""
    return Envelope(
        mode="safe",
        token=messages.TOKEN,
        app_id=messages.APP_ID,
        freshness_s=300,
        aes_key=messages.ENCODING_AES_KEY,
    )


def measured() -> dict[str, tuple[float, float]]:
    """Name → microseconds where the gate refuses, and where only msg_signature is wrong; of a query, for both the gate's."""
    door, good = envelope(), _query(_signature(messages.TOKEN, STAMP, NONCE))
    found = {}
    for name, body in bodies().items():
        found[name] = refused_us(door, _query("0" * 40), body), refused_us(door, good, body)
    for name, query in queries().items():
        found[f"a query {name}"] = (refused_us(door, query, bodies()["nested elements"]), 0.0)
    return found


def show() -> int:
    """Prints the table; 1 when something costs more than it may."""
    found = measured()
    print("Microseconds until a stranger's 64 kB are refused, safe mode:\n")
    print("| what | the gate refuses | only msg_signature is wrong |\n|---|--:|--:|")
    for name, (gate, inner) in found.items():
        print(f"| {name} | {gate:.1f} | {f'{inner:.1f}' if inner else ''} |")
    most = max(gate for gate, _ in found.values()), max(inner for _, inner in found.values())
    print(
        f"| **the most** (allowed: {GATE_US:.0f}, {MSG_SIGNATURE_US:.0f}) | **{most[0]:.1f}** | **{most[1]:.1f}** |"
    )
    return int(most[0] > GATE_US or most[1] > MSG_SIGNATURE_US)
