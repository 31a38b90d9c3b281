"""Words as they are compared."""

import unicodedata


def normal(words: str) -> str:
    """Words as they are compared: half-width, lower case, without spaces, punctuation, emoji or [微笑]-like faces."""
    folded = unicodedata.normalize("NFKC", _without_faces(words)).lower()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LN")


def _without_faces(words: str) -> str:
    # WeChat sends its own faces as short names in brackets, e.g. [微笑]. A longer bracket is what a person wrote.
    if "[" not in words:
        return words
    head, *rest = words.split("[")
    kept = [head]
    for part in rest:
        name, closed, tail = part.partition("]")
        kept.append(tail if closed and len(name) <= 4 else "[" + part)
    return "".join(kept)
