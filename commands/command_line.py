"""What a person types, read in plain Chinese: commands, their deeds, what each takes, and what is said when it is wrong."""

from __future__ import annotations

import argparse
import difflib
import errno
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from ground.days import SHANGHAI, minute
from menus.directory import BadDirectory
from models.base import StoreError, named
from models.keyring import KeyTrouble
from models.schema import CannotUpgrade
from models.sealed import no_key

GOOD, PROBLEM, WRONG_USE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Take:
    """One argument of a command, and how argparse takes it."""

    name: str
    words: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it is for, its deeds with what they take, what it takes itself."""

    words: str
    deeds: Mapping[str, tuple[str, tuple[Take, ...]]] = field(default_factory=dict)
    takes: tuple[Take, ...] = ()


def day(text: str) -> date:
    """A day as it is typed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"没有“{text}”这一天，日子写成 2027-02-21 的样子") from None


def instant(text: str) -> datetime:
    """A moment of Shanghai as it is typed."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"“{text}”不是时间，写成 2027-01-31T20:00 的样子（北京时间）"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def number(text: str) -> int:
    """The number of a row as it is typed."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise argparse.ArgumentTypeError(f"“{text}”不是编号")
    return int(text)


@dataclass(slots=True)
class Options:
    """What was typed."""

    config: Path | None = None
    deed: str = ""
    file: Path = Path()
    name: str = ""
    openid: str = ""
    mark: str = ""
    unit: str = ""
    code: str = ""
    saying: str = ""
    sayings: Path | None = None
    facts: bool = False
    links: bool = False
    ids: Sequence[int] = ()
    wait: bool = False
    waiting: bool = False
    yes: bool = False
    agree: bool = False
    from_: date | None = None
    to: date | None = None
    identity: Path | None = None
    unproved: bool = False
    csv: Path | None = None
    xlsx: Path | None = None
    what: str = ""
    words: Sequence[str] = ()
    until: datetime | None = None
    digest: str = ""
    out: Path = Path()
    person: str = ""
    duties: Sequence[str] = ()
    dry_run: bool = False
    skip: bool = False
    faults: Path | None = None
    to_code: str = ""
    scope: str = ""


CAMPAIGN = Take("name", "活动的代号", {"metavar": "活动"})
PUSH = Take("name", "推送的名字，写成 活动/推送", {"metavar": "活动/推送"})
LOGIN = Take("name", "登录名", {"metavar": "登录名"})
YES = Take("--yes", "看过了，不用再问", {"action": "store_true"})
FILE = Take("file", "备份文件", {"type": Path, "metavar": "备份文件"})
IDENTITY = Take("--identity", "加密的备份用哪个私钥文件打开", {"type": Path, "metavar": "FILE"})
UNPROVED = Take("--unproved", "没有签名、或者找不到钥匙的备份也恢复", {"action": "store_true"})
UNION = Take("name", "单位的代码", {"metavar": "代码"})
INTO = Take("to_code", "到哪个单位，写它的代码", {"metavar": "到哪个代码"})
LIST = (
    Take("file", "名单文件，CSV 或 XLSX", {"type": Path, "metavar": "名单"}),
    Take(
        "--dry-run",
        "只试读，说出会改什么、哪些行不对，不写进数据库",
        {"action": "store_true", "dest": "dry_run"},
    ),
    Take("--skip", "跳过不对的行，导入其余的", {"action": "store_true"}),
    Take("--faults", "把不对的行全部存成表格（CSV）", {"type": Path, "metavar": "FILE"}),
)
DAY = {"type": day, "metavar": "YYYY-MM-DD"}

# fmt: off
COMMANDS: Mapping[str, Command] = {
    "demo": Command("启动全套演示：微信是模拟的，数据放在 var/"),
    "serve": Command("启动网页服务，接收微信消息"),
    "work": Command("启动推送进程：到点发送"),
    "run": Command("一台机器上同时启动网页服务和推送进程"),
    "check": Command("检查配置文件和办事指南，列出未来两年的推送", takes=(
        Take("--facts", "把办事指南里每个数字、期限和它的依据列成表", {"action": "store_true"}),
        Take("--links", "另外打开每个链接试一试，打不开的说出来（要联网）", {"action": "store_true"}),
    )),
    "menu": Command("公众号菜单", {
        "check": ("检查菜单是否合乎微信的规定", ()),
        "diff": ("看本地菜单和线上菜单哪里不同", ()),
        "publish": ("把本地菜单发布到公众号", ()),
        "rollback": ("退回上一次的菜单", ()),
    }),
    "push": Command("推送", {
        "list": ("看最近的和接下来的推送", (
            Take("--waiting", "只列出等您处理的，和该做什么", {"action": "store_true"}),
        )),
        "preview": ("看一次推送的内容和对象，不发送", (PUSH,)),
        "test": ("只发给一个人看看，不记入账本", (PUSH, Take("openid", "收的人的编号", {"metavar": "编号"}))),
        "approve": ("批准一次推送（先给您看一遍，再问一次）", (PUSH, YES)),
        "withdraw": ("收回您对一次推送的批准", (PUSH,)),
        "start": ("现在就发（先给您看一遍，再问一次）", (PUSH, YES, Take("--wait", "等到发完，显示进度", {"action": "store_true"}))),
        "pause": ("暂停", (PUSH,)),
        "resume": ("继续，或者收回对下一次的取消", (PUSH,)),
        "cancel": ("取消正在发的，或者取消下一次", (PUSH, YES)),
    }),
    "campaign": Command("职工参加的活动", {
        "list": ("看有哪些、开着没有、多少人参加", ()),
        "show": ("看一个活动的规则、参加情况和可以做的事", (CAMPAIGN,)),
        "extend": ("改截止时间", (CAMPAIGN, Take("until", "到什么时候，写成 2027-01-31T20:00", {"type": instant, "metavar": "时间"}))),
        "export": ("导出成表格文件", (CAMPAIGN, Take("--out", "放到哪个文件夹", {"type": Path, "required": True, "metavar": "DIR"}))),
        "do": ("办一件事，会记下是谁办的", (
            CAMPAIGN, Take("what", "哪件事，用 campaign show 看", {"metavar": "事"}),
            Take("words", "这件事要写的内容", {"nargs": "*", "metavar": "内容"}),
        )),
    }),
    "recount": Command("把公布的选票文件重新数一遍，谁都可以数，不用数据库", takes=(
        Take("file", "公布的文件", {"type": Path, "metavar": "文件"}),
        Take("--digest", "结果页上公布的校验码", {"default": ""}),
    )),
    "follower": Command("关注者", {
        "import": ("从微信取来全部关注者（断了再运行会接着取）", ()),
    }),
    "union": Command("单位：市、县区到企业的组织", {
        "list": ("看有哪些单位，各有多少会员", ()),
        "import": ("导入单位名单：先试读，再导入", LIST),
        "move": ("把一个单位连同下级移到另一个单位下面", (UNION, INTO)),
        "merge": ("把一个单位并入另一个", (UNION, INTO)),
        "close": ("撤销一个单位", (UNION,)),
    }),
    "member": Command("会员", {
        "import": ("导入会员名单：先试读，再导入（断了再运行会接着做）", LIST),
    }),
    "halt": Command("立刻停止一切发送"),
    "unhalt": Command("恢复发送"),
    "alarm": Command("警报：要有人处理的事", {
        "list": ("看还没有了结的警报", ()),
        "clear": ("处理好了，了结一条", (Take("mark", "那一条最前面的四个字符", {"metavar": "四个字符"}),)),
        "test": ("试着告诉 [alarms] 里写的每个人", ()),
        "look": ("看一遍有没有出事，有就告诉人（定时运行）", ()),
        "fell": ("一个服务停了，告诉人（由 systemd 运行）", (Take("unit", "服务的名字", {"metavar": "服务"}),)),
    }),
    "db": Command("数据库", {
        "upgrade": ("升级数据库结构", ()),
        "backup": ("备份，并当场验证能恢复", ()),
        "verify": ("验证一份备份", (FILE, IDENTITY)),
        "restore": ("用一份备份恢复", (FILE, IDENTITY, UNPROVED)),
    }),
    "key": Command("封存个人信息的钥匙", {
        "make": ("做第一把，并把现有的个人信息封存起来", ()),
        "list": ("看有哪几把，哪一把在用", ()),
        "rotate": ("换一把新的，并把现有的个人信息换成用它封存", (YES,)),
        "seal": ("接着封存上一次没有做完的", ()),
    }),
    "retention": Command("职工说过的话留多久，现在到期的有多少；看过同意了才会删", takes=(
        Take("--agree", "看过了，同意到期就删（会记下是谁同意的）", {"action": "store_true"}), YES,
    )),
    "report": Command("一段时间的统计：关注、来信、没答上的话、推送", takes=(
        Take("--from", "从哪天起（默认三十天前）", {"dest": "from_", **DAY}),
        Take("--to", "到哪天止（默认今天）", DAY),
        Take("--csv", "同时存成表格文件（CSV）", {"type": Path, "metavar": "FILE"}),
        Take("--xlsx", "同时存成 Excel 文件，每张表一页", {"type": Path, "metavar": "FILE"}),
    )),
    "talk": Command("看一句话由谁来回答，为什么；或者试一份说法表", takes=(
        Take("saying", "职工说的话", {"nargs": "?", "default": "", "metavar": "一句话"}),
        Take("--file", "说法表（CSV）：phrase,group,expected", {"type": Path, "metavar": "FILE", "dest": "sayings"}),
    )),
    "replay": Command("把没有答好的消息重新处理一遍", takes=(
        Take("ids", "只处理这几条（默认全部）", {"nargs": "*", "type": number, "metavar": "ID"}),
    )),
    "staff": Command("工作人员：谁能登录工作台", {
        "add": ("加一位，得到一个只能用一次的链接", (
            LOGIN, Take("--name", "姓名", {"dest": "person", "default": "", "metavar": "姓名"}),
            Take("--duty", "分工，可以写几次：lead push campaign letter guide，或者单独的 system security audit", {
                "dest": "duties", "action": "append", "required": True, "metavar": "分工"}),
            Take("--scope", "只管哪个单位和它的下级，写单位代码（不写就是全部）", {"default": "", "metavar": "代码"}),
        )),
        "list": ("看有哪些人，各有什么分工", ()),
        "lock": ("锁上一位，马上退出", (LOGIN,)),
        "reset": ("给一位新的链接，原来的密码和手机作废", (LOGIN,)),
    }),
    "audit": Command("操作记录", {
        "list": ("看最近的操作", ()),
        "verify": ("从头验证，一条也没有改过、删过", ()),
    }),
    "doctor": Command("检查整套系统，或者解释一个微信错误代码", takes=(
        Take("code", "微信的错误代码，例如 40164", {"nargs": "?", "default": "", "metavar": "代码"}),
    )),
}
# fmt: on


def called() -> str:
    """What staff type for this program: where it is installed for them, the command that installing has made."""
    return "gonghui" if shutil.which("gonghui") else "app.py"


def parse(words: Sequence[str]) -> tuple[str, Options]:
    """The command's name and what was typed for it. Ends the program with code 2 for a wrong line, 0 after --help."""
    anywhere: Any = argparse.ArgumentParser(add_help=False)  # as Parser, it would name its groups twice
    anywhere.add_argument("-h", "--help", action="help", help="显示用法")
    anywhere.add_argument(
        "--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="配置文件（默认 config.toml）"
    )
    program = called()
    parser = Parser(program, description="工会公众号平台", parents=[anywhere])
    every = parser.add_subparsers(title="命令", dest="command", required=True, metavar="命令", prog=program)
    for name, command in COMMANDS.items():
        one = every.add_parser(name, help=command.words, description=command.words, parents=[anywhere])
        _add(one, command.takes)
        if command.deeds:
            deeds = one.add_subparsers(
                title="做什么", dest="deed", required=True, metavar="做什么", prog=f"{program} {name}"
            )
            for deed, (about, takes) in command.deeds.items():
                _add(deeds.add_parser(deed, help=about, description=about, parents=[anywhere]), takes)
    typed = vars(parser.parse_args(words))
    return typed.pop("command"), Options(**typed)


def _add(parser: argparse.ArgumentParser, takes: Sequence[Take]) -> None:
    for take in takes:
        parser.add_argument(take.name, help=take.words, **take.options)


class Help(argparse.HelpFormatter):
    """The usage under a Chinese name."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "用法：" if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """argparse that speaks Chinese."""

    def __init__(self, prog: str | None = None, **options: Any) -> None:
        super().__init__(prog, **options, formatter_class=Help, add_help=False, allow_abbrev=False)
        self._positionals.title, self._optionals.title = "要写的", "可以加的"

    def error(self, message: str) -> NoReturn:
        words = f"命令写得不对：{_spoken(message)}"
        raise refuse(self.format_usage().rstrip(), words, f"看用法：{self.prog} --help", code=WRONG_USE)


SPOKEN = (
    (r"argument .*?: invalid choice: '(.*?)' \(choose from (.*)\)", "没有 {0} 这个命令{near}"),
    (r"the following arguments are required: (.*)", "后面还要写 {0}"),
    (r"unrecognized arguments: (.*)", "不认识 {0}"),
    (r"argument (\S+): expected one argument", "{0} 后面还要写内容"),
    (r"argument (?:.*?): (.*)", "{0}"),
)


def _spoken(message: str) -> str:
    """What argparse says, in Chinese, with the nearest name."""
    for pattern, words in SPOKEN:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            first, *names = found.groups()
            close = difflib.get_close_matches(first, re.findall(r"[a-z]+", names[0]), 1) if names else []
            return words.format(first, near=f"，是不是 {close[0]}？" if close else "")
    return message


# --- what is said when something is wrong --------------------------------------------------------------------------


def refuse(*words: str, code: int = PROBLEM) -> SystemExit:
    """Says what is in the way; to be raised."""
    print("\n".join(words), file=sys.stderr)
    return SystemExit(code)


REASONS = {
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EISDIR: "这是文件夹，不是文件",
    errno.ENOTDIR: "路径里有一段不是文件夹",
    errno.ENOSPC: "磁盘满了",
    errno.EROFS: "磁盘只能读，不能写",
    errno.EADDRINUSE: "已经被别的程序占用",
    errno.EADDRNOTAVAIL: "这台机器没有这个地址",
}


DATABASE_AWAY = "请检查 [database] url、数据库服务和磁盘空间。"
TORN = "文件坏了，或者不是数据库。请停下服务，用最近的一份备份恢复：db restore 备份文件。"
BARRED = "没有权限打开或者写它，请看文件和文件夹的主人是不是运行本系统的用户。"
DATABASE = {
    "SQLITE_NOTADB": TORN,
    "SQLITE_CORRUPT": TORN,
    "SQLITE_CANTOPEN": BARRED,
    "SQLITE_READONLY": BARRED,
    "SQLITE_FULL": "磁盘满了，请先腾出地方。",
}


def why(error: OSError) -> str:
    """What the system refused, in Chinese where we know it."""
    return REASONS.get(error.errno or 0, error.strerror or type(error).__name__)


def in_words(run: Callable[[], int]) -> int:
    """Run a command; what goes wrong outside the program is said in words. The exit code."""
    try:
        code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise refuse("中断了。") from None
    except BrokenPipeError:  # whoever reads our words, such as `head`, has had enough of them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except (BadDirectory, CannotUpgrade, KeyTrouble) as error:
        raise refuse(str(error)) from None
    except StoreError as error:
        if words := no_key(error):
            raise refuse(words) from None
        name = named(error)
        raise refuse(f"数据库用不了（{name}）：{DATABASE.get(name, DATABASE_AWAY)}") from None
    except OSError as error:
        raise refuse(f"{error.filename or '有个文件'} 读写不了：{why(error)}。") from None
    return code


class LogLine(logging.Formatter):
    """A log line in Beijing time, with what stands in `extra`."""

    USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Beijing time, as in everything else that staff read."""
        return f"{datetime.fromtimestamp(record.created, SHANGHAI):%Y-%m-%d %H:%M:%S}"

    def format(self, record: logging.LogRecord) -> str:
        extra = ((name, value) for name, value in vars(record).items() if name not in self.USUAL)
        more = "".join(
            f" {name}={minute(value) if isinstance(value, datetime) else value}" for name, value in extra
        )
        first, newline, rest = super().format(record).partition("\n")
        return f"{first}{more}{newline}{rest}"


def log_to_stderr() -> None:
    """Warnings of everybody; what is worth more is switched on by room."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogLine("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
