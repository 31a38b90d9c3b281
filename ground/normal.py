"""Words as they are compared."""

import re
import unicodedata

# What WeChat's phones send for a face: /:rose, /::D, /:,@-D, /:8-), [微笑], [Facepalm]; and for a sticker a sentence of its own.
NAMES = (
    "handclap|basketb|showlove|ladybug|hiphot|circle|strong|coffee|footb|heart|break|share|kotow|shake|wipe|beer|rose|fade|cake|"
    "bome|shit|moon|gift|weak|love|jump|turn|skip|kiss|bye|dig|eat|pig|sun|hug|bad|lvu|xx|pd|oo|li|kn|jj|no|ok|oY|v"
)
FACE = re.compile(
    rf"/:(?:{NAMES}|[^\w\s]{{0,3}}[A-Za-z0-9]?[^\w\s/]{{0,3}})"
    # 【收到不支持的消息类型，暂无法显示】, [收到了一个表情，请在手机上查看], [该消息类型暂不能展示]
    r"|[【\[](?=[^】\]]{0,40}(?:消息类型|法显示|请在手机上查看|最新版本))[^】\]]{0,40}[】\]]"
)
MAY = re.compile(r"[\[【]|/:")
LATIN = re.compile(r"[A-Za-z][A-Za-z '\-]{0,15}")


def normal(words: str) -> str:
    """Words as they are compared: half-width, lower case, without spaces, punctuation, emoji or WeChat's own faces."""
    folded = unicodedata.normalize("NFKC", _without_faces(words)).lower()
    if folded.isalnum():  # most sentences from a phone: nothing to take out
        return folded
    return "".join([sign for sign in folded if unicodedata.category(sign)[0] in "LN"])


def _without_faces(words: str) -> str:
    if MAY.search(words) is None:
        return words
    head, *rest = FACE.sub("", words).split(
        "["
    )  # a longer bracket, or one in Chinese, is what a person wrote
    kept = [head]
    for part in rest:
        name, closed, tail = part.partition("]")
        kept.append(tail if closed and (len(name) <= 4 or LATIN.fullmatch(name)) else "[" + part)
    return "".join(kept)
