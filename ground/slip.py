"""Why a TOML file cannot be read, line by line in Chinese, each slip of the keyboard with the remedy that fits it."""

import re
import tomllib
from collections.abc import Iterator

from ground.lines import last_begun
from ground.wide import key_hint, narrow

MOST = 20  # slips told of one file
SYNTAX = (
    ("Invalid value", "等号后面的值写法不对；文字要放在英文双引号里"),
    ("Expected '=' after a key", "名字后面应是英文等号 ="),
    ("Invalid initial character for a key part", "名字只能用英文字母、数字、- 和 _，前面不能有别的符号"),
    ("Unterminated string", "引号没有成对，少了后一半"),
    ("Illegal character", "引号没有成对，或者文字里夹了看不见的字符"),
    (
        "Expected newline or end of document",
        '这一行后面多了东西：文字（例如 "02-21 10:00"）要放在英文双引号里，某一天的时间要写到秒（2027-02-20T10:00:00），说明写在 # 后面',
    ),
    ("Cannot declare", "这张表前面已经写过一次"),
    ("Cannot overwrite a value", "这一项前面已经写过一次"),
    ("Cannot mutate immutable namespace", "这张表前面已经写完，不能再往里加"),
    ("Cannot redefine namespace", "这张表前面已经写过一次"),
    ("Duplicate inline table key", "花括号里有一项写了两次"),
    ("Unclosed array", "列表没有结束，少了 ]；每项之间用英文逗号"),
    ("Unclosed inline table", "花括号没有结束，少了 }；每项之间用英文逗号，并且写在同一行"),
    ("Expected ']", "方括号没有成对"),
    ('Expected \'"""\'', '三个双引号 """ 没有成对，少了后一半'),
    ("Invalid statement", "这一行看不懂；应是 名字 = 值（名字用英文字母），或 [表名]"),
    ("Found invalid character", "夹了不允许的字符"),
    ("Unescaped '\\'", "反斜杠 \\ 要写成 \\\\"),
    ("Invalid hex value", "反斜杠后面的写法不对；文字里的一个反斜杠 \\ 要写成 \\\\"),
    ("Escaped character", "反斜杠后面的写法不对"),
    ("Invalid date or datetime", "没有这个日期或时间"),
    ("Expected ", "引号没有成对，少了后一半"),  # after the other things that can be expected
)
TRUTH = frozenset(["true", "false", "yes", "no", "on", "off", "是", "否", "真", "假", "对", "错", "开", "关"])
HEADER = re.compile(r"\s*\[{1,2}\s*([^\[\]]*)")


def slips(text: str) -> Iterator[tuple[int, str]]:
    """Each line that TOML cannot read, with what is wrong and what to write; ends where the rest cannot be told apart."""
    lines = text.split("\n")
    for _ in range(MOST):
        try:
            tomllib.loads("\n".join(lines))
            return
        except RecursionError:
            yield 0, "括号套得太深，请检查方括号和花括号"
            return
        except ValueError as error:
            message = str(error)
        place = re.search(r"at line (\d+), column (\d+)", message)
        line, column = (int(place[1]), int(place[2])) if place else (last_begun(lines), 1)
        written = lines[line - 1] if line <= len(lines) else ""
        where = f"第 {column} 个字" if place else "从这一行开始，到文件末尾"
        yield line, f"{where}：{_words(message, written, column)}"
        if place is None or not _alone(lines, line):
            return
        lines[line - 1] = f'[["{line}"]]' if written.lstrip().startswith("[") else ""


def _alone(lines: list[str], line: int) -> bool:
    """Whether the broken line is a statement of its own, so that what follows can be read without it."""
    written = _outside(lines[line - 1])
    if '"""' in lines[line - 1] or "'''" in lines[line - 1]:
        return False
    if not HEADER.match(written) and any(written.count(a) != written.count(b) for a, b in ("[]", "{}")):
        return False
    try:
        tomllib.loads("\n".join(lines[: line - 1]))
    except ValueError:
        return False
    return True


def _words(message: str, written: str, column: int) -> str:
    rest = written[column - 1 :]
    here = rest.lstrip()[:1]
    words = next((words for start, words in SYNTAX if message.startswith(start)), "写法不合 TOML 的规则")
    if not narrow(here):
        if end := _ended_early(message, written, column):
            return (
                f"文字在第 {end} 个字的英文引号 {written[end - 1]} 那里就结束了；文字里面的引号请用中文的“ ”，"
                "或者把整段文字放在英文单引号 ' 里"
            )
        if message.startswith("Invalid value") and _word(rest).lower() in TRUTH:
            return "是与否只有两种写法：true（是）和 false（否），全部小写，不加引号"
    if message.startswith("Invalid initial") and not rest.strip():
        return "花括号里的内容要写在同一行，最后一项后面不加逗号"
    return f"{words}{_again(message, written)}{_key(message, written)}{_wide(message, written)}"


def _ended_early(message: str, written: str, column: int) -> int:
    """The column of a quotation mark inside the text that has ended it, 0 when none has: more text stands behind it."""
    if not message.startswith(("Expected newline", "Unclosed array", "Unclosed inline")):
        return 0
    before, rest = written[: column - 1].rstrip(), written[column - 1 :]
    if not before.endswith(("'", '"')) or not rest.strip() or rest.lstrip()[0] in "#=":
        return 0
    touches = len(before) == column - 1 and not rest[0].isspace()
    goes_on = before[-1] in rest and not rest.lstrip()[0].isascii()
    return len(before) if touches or goes_on else 0


def _word(rest: str) -> str:
    found = re.match(r"[^\s,\]}#，；]+", rest)
    return found[0] if found else ""


def _again(message: str, written: str) -> str:
    """A table that stands twice is often one more item of a list."""
    header = HEADER.match(written)
    if not header or not message.startswith(("Cannot declare", "Cannot overwrite", "Cannot redefine")):
        return ""
    return f"；如果它是又一项，每一项都要写成 [[{header[1].strip()}]]（两层方括号），前面那一处也一样"


def _key(message: str, written: str) -> str:
    if not message.startswith(("Invalid statement", "Invalid initial")):
        return ""
    header = HEADER.match(written.replace("【", "[").replace("】", "]"))
    name = header[1] if header else re.split(r"[=＝:：]", written)[0]
    return key_hint(name.rpartition(".")[2])


def _wide(message: str, written: str) -> str:
    """Names the first Chinese sign that stands where TOML wants its own; what stands inside a text is nobody's fault."""
    looked = written if message.startswith(("Unterminated", "Illegal")) else _outside(written)
    for sign in looked:
        right = (
            "="
            if sign == "：" and message.startswith(("Invalid statement", "Expected '='"))
            else narrow(sign)
        )
        if sign in "；，。、" and message.startswith("Expected newline"):
            return f"（多出来的是中文标点 {sign} ，请删掉；每一项单独写一行）"
        if right == "空格":
            return "（这一行有全角空格，请换成普通的空格）"
        if right and not sign.isalnum():
            return f"（这一行有中文标点 {sign} ，请换成英文的 {right} ）"
        if right:
            return f"（这一行有全角字符 {sign} ，请换成 {right} ）"
    return ""


def _outside(written: str) -> str:
    """The line without its texts and its comment."""
    kept, quote, skip = [], "", False
    for sign in written:
        if skip:
            skip = False
        elif quote:
            skip = sign == "\\" and quote == '"'
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "#":
            break
        else:
            kept.append(sign)
    return "".join(kept)
