"""Every number, term and deadline that the directory states, with the rule that it stands on."""

from menus.directory import Directory
from menus.guide import Fact

COLUMNS = ("办事指南", "说的是", "依据", "条款", "自何时起", "核对于", "对照", "范围")


def rows(directory: Directory) -> list[tuple[str, ...]]:
    """A row for each fact, in the order of the directory, then one for each telephone number."""
    found = [(guide.title, *_fact(fact)) for guide in directory.guides for fact in guide.facts]
    return found + [
        ("电话", f"{one.number} {one.name}", one.source, "", "", str(one.date), "", "全国")
        for one in directory.numbers.values()
    ]


def table(directory: Directory) -> str:
    """The rows in Markdown."""
    head = [COLUMNS, tuple("---" for _ in COLUMNS)]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '／') for cell in row)} |" for row in (*head, *rows(directory))
    )


def _fact(fact: Fact) -> tuple[str, ...]:
    law = f"《{fact.law.strip('《》')}》"
    return (
        fact.says,
        law,
        fact.article,
        str(fact.version),
        str(fact.checked),
        "原文" if fact.compared else "待对照原文",
        "本地" if fact.local else "全国",
    )
