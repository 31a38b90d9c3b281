"""The tree: lists of 3,300 unions and 200,000 members taken in, in which time and memory, and how fast they are looked through."""

import csv
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from xlsxwriter import Workbook

from benchmarks.compare import say
from benchmarks.databases import database
from models import binding, intake, member, month, schema, union
from models.base import Connection, Store
from models.follower import followers
from models.intake import File
from models.listing import Wanted

NOW = datetime(2027, 6, 1, 4, tzinfo=UTC)
UNIONS, COUNTIES, TOWNS, BOUND = 3_300, 5, 60, 100_000
MOST_S, MOST_MB, MOST_MS = 120, 300, 300
ROUNDS, PAGE = 10, 50
COUNTY = "C3"


def show(number: int, stores: list[str], postgres: str) -> int:
    """Prints the figures of each store; 1 where something took longer or more than it may."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, number)
        return max(_shown(store, folder, postgres) for store in stores)


def _shown(kind: str, folder: Path, postgres: str) -> int:
    with ExitStack() as stack:
        url = stack.enter_context(database(kind, folder, "bench_tree", postgres))
        schema.upgrade(Store(url))
        ok = True
        for noun, file, dry in (
            ("unions", "unions.csv", True), ("unions", "unions.csv", False),
            ("members", "members.csv", True), ("members", "members.csv", False), ("members", "members.csv", False),
            ("members", "members.xlsx", True), ("members", "members.xlsx", False),
        ):  # fmt: skip
            ok &= _taken(kind, url, folder, noun, file, dry)
        store = Store(url, keys=folder / "keys")
        stack.callback(store.close)
        _bind(store)
        return 0 if ok and _looked_through(store) <= MOST_MS else 1


def _taken(kind: str, url: str, folder: Path, noun: str, file: str, dry: bool) -> bool:
    """In a process of its own, whose memory is its alone."""
    context = get_context("spawn")
    with context.Pool(1) as pool:
        took, peak, words = pool.apply(_take, (url, folder, noun, file, dry))
    deed = "looked over" if dry else "taken in"
    print(f"{kind}: {file} {deed} in {took:.1f} s, {peak:.0f} MB at most. {words}", flush=True)
    return took <= MOST_S and peak <= MOST_MB


def _take(url: str, folder: Path, noun: str, file: str, dry: bool) -> tuple[float, float, str]:
    store, read = Store(url, keys=folder / "keys"), intake.unions if noun == "unions" else intake.members
    if store.keyring is not None:
        store.keyring.make()
    begun = time.perf_counter()
    with (folder / file).open("rb") as data:
        report = read(store, File(file, data), NOW, dry=dry)
    took = time.perf_counter() - begun
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, report.words


def _looked_through(store: Store) -> float:
    """The slowest middle of all, in ms."""
    with store.reading() as connection:
        county = union.coded(connection, COUNTY)
        assert county
        looks: dict[str, Callable[[Connection], object]] = {
            "the tree with its totals": lambda c: (union.every(c), month.totals(c)),
            "members, the newest": lambda c: member.listed(c, "", Wanted(), PAGE),
            "members of a county": lambda c: member.listed(c, county.path, Wanted(), PAGE),
            "members of a county, page 100": lambda c: member.listed(c, county.path, Wanted(page=100), PAGE),
            "a member by phone": lambda c: member.listed(c, "", Wanted(find="13800000077"), PAGE),
            "those who left": lambda c: member.listed(c, county.path, Wanted(state="left"), PAGE),
        }
        return max(_middle(connection, name, act) for name, act in looks.items())


def _middle(connection: Connection, name: str, act: Callable[[Connection], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        act(connection)
        took.append(1000 * (time.perf_counter() - begun))
    took.sort()
    print(f"  {name}: {took[ROUNDS // 2]:.1f} ms, the slowest of {ROUNDS} {took[-1]:.1f} ms", flush=True)
    return took[ROUNDS // 2]


def _bind(store: Store) -> None:
    """Half of the followers belong somewhere."""
    dice = random.Random(2)
    with store.reading() as connection:
        numbers = [one.id for one in union.every(connection)]
    for first in range(0, BOUND, 2000):
        names = [f"o{n:07}" for n in range(first, first + 2000)]
        people = [
            {"openid": name, "subscribed": True, "first_seen_at": NOW, "last_seen_at": NOW} for name in names
        ]
        rows = [
            {"openid": name, "union_id": dice.choice(numbers), "how": binding.SCAN, "since": NOW}
            for name in names
        ]
        with store.writing() as connection:
            connection.execute(followers.insert(), people)
            connection.execute(binding.bindings.insert(), rows)
    say("followers are bound")


def _write(folder: Path, number: int) -> None:
    """The lists, CSV and XLSX."""
    dice = random.Random(1)
    codes = ["city", *(f"C{n}" for n in range(COUNTIES)), *(f"T{n}" for n in range(TOWNS))]
    tree: list[Sequence[str]] = [("单位代码", "单位名称", "上级代码"), ("city", "市总工会", "")]
    tree += [(f"C{n}", f"{n} 区总工会", "city") for n in range(COUNTIES)]
    tree += [(f"T{n}", f"{n} 街道总工会", f"C{n % COUNTIES}") for n in range(TOWNS)]
    while len(tree) <= UNIONS:
        code = f"E{len(tree)}"
        tree.append((code, f"第 {len(tree)} 企业工会", dice.choice(codes[6:])))
        codes.append(code) if dice.random() < 0.2 else None
    names = [line[0] for line in tree[1:]]
    people: list[Sequence[str]] = [("单位代码", "姓名", "手机号", "会员编号")]
    people += [(dice.choice(names), f"职工{n}", f"138{n:08}", f"PJ{n:07}") for n in range(number)]
    for name, rows in (("unions", tree), ("members", people)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows)
    with Workbook(folder / "members.xlsx") as book:  # its words in a table of their own, as Excel writes them
        page = book.add_worksheet()
        for line, row in enumerate(people):
            for column, cell in enumerate(row):
                page.write_string(line, column, cell)
    say(f"{len(names)} unions and {number} members are written down")
