"""The question before what cannot be taken back."""

from __future__ import annotations

import sys

from commands.command_line import WRONG_USE, refuse

YES = ("yes", "y", "是")


def sure(yes: bool) -> bool:
    """Whether it shall be done: `--yes` was typed, or somebody at the terminal says so. Ends the program with code 2
    where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise refuse(
            "这一步要先确认：请核对上面的内容，没有问题就在命令后面加上 --yes 再运行一次。", code=WRONG_USE
        )
    try:
        answer = input("确定吗？确定请输入 yes 再按回车，不确定直接按回车：")
    except EOFError:
        return False
    return answer.strip().lower() in YES
