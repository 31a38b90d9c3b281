"""`report`, as the staff read it: who came, what was asked, what found no answer, and what became of the pushes."""

from __future__ import annotations

import csv
import re
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from guides_cast import WHOLE
from ledger_cast import NOON, begin, follow, settle, take, worker

from commands import report
from commands.report import show
from models.base import Store
from models.delivery import NOT_LIVE
from models.interaction import interactions
from models.ledger import Outcome, Owed

FEBRUARY = (date(2027, 2, 1), date(2027, 2, 28))
TITLES = {"lantern": "正月十五闹元宵"}


def test_staff_read_who_came_and_what_was_asked(store: Store) -> None:
    follow(store, [worker(1), worker(2)], subscribed_at=NOON)
    follow(store, [worker(3)], subscribed=False, unsubscribed_at=NOON)
    heard(store, worker(1), "入会", topic="guide:join")
    heard(store, worker(2), "入会", topic="guide:join")
    heard(store, worker(2), "元宵", topic="campaign:lantern")
    heard(store, "gh_mphelper", "", topic="mass-finished")

    told = read(store)

    assert "盘锦市总工会　2027-02-01 至 2027-02-28（北京时间）" in told
    assert row(told, "现在关注", below=1) == ["2", "2", "1", "2"]
    assert row(told, "收到的消息和点击", below=2) == ["3", "0", "0"]
    assert row(told, "怎样加入工会") == ["服务大厅", "怎样加入工会", "2", "2"]
    assert row(told, "正月十五闹元宵") == ["活动", "正月十五闹元宵", "1", "1"]


def test_words_that_found_no_answer_are_ranked_and_ways_of_writing_them_count_together(store: Store) -> None:
    for words in ("降温费？", "降温费", "降温费！", "降温费", "停车在哪"):
        heard(store, worker(len(words)), words, missed=True)

    told = read(store)

    assert row(told, "降温费") == ["降温费", "4", "2"]
    assert told.index("降温费") < told.index("停车在哪")


def test_numbers_of_people_are_unreadable(store: Store) -> None:
    heard(store, worker(1), "我叫王五，电话13800138000，身份证 211121199001011234", missed=True)

    told = read(store)

    assert "13800138000" not in told
    assert "211121199001011234" not in told
    assert "138****00" in told


@pytest.mark.parametrize(
    "number",
    [
        "138 1234 5678", "138-1234-5678", "+86 138-1234-5678", "+8613812345678", "86 13812345678", "138.1234.5678", "138—1234—5678",
        "１３８１２３４５６７８", "138\u200b1234\u200b5678", "6222 0200 1234 5678 901", "6222-0200-1234-5678", "211121 19900101 123X",
        "2111211990 0101 123x", "(0427) 282-3456", "138\n1234\n5678",
    ],
)  # fmt: skip
def test_a_number_is_unreadable_however_it_is_written(store: Store, number: str) -> None:
    heard(store, worker(1), f"打我电话{number}行吗", missed=True)

    told = read(store)

    (line,) = [line for line in told.splitlines() if "打我电话" in line]
    assert "****" in line
    assert not re.search(r"\d{4}", unicodedata.normalize("NFKC", line))


def test_what_would_move_the_cursor_or_turn_the_writing_never_reaches_the_terminal(store: Store) -> None:
    heard(store, worker(1), "\x1b[2J降温\u202e费\u2066\x07\u200f\x9b31m", missed=True)

    told = read(store)

    assert "降温费" in told
    assert not [sign for sign in told if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf")]


def test_every_push_of_the_period_balances_and_says_why_some_got_nothing(store: Store) -> None:
    follow(store, [worker(n) for n in range(5)])
    owed = [worker(0), worker(1), worker(2), Owed(worker(3), NOT_LIVE)]
    push = begin(store, owed, name="lantern/festival")
    first, second, _ = take(store, push)
    settle(store, Outcome((first.id,), "sent", far_id="m1"))
    settle(store, Outcome((second.id,), "failed", reason="他拒收本公众号的消息", errcode=43004))

    told = read(store)

    cells = row(told, "lantern/festival")
    assert cells[:4] == ["lantern/festival", "2027-02-20", "12:00", "模板消息"]
    assert cells[-6:] == ["4", "1", "1", "1", "0", "1"]
    assert "他拒收本公众号的消息" in told
    assert "还没有正式开通" in told


def test_what_lies_outside_the_days_is_left_out_and_the_last_day_is_in(store: Store) -> None:
    heard(store, worker(1), "太早", missed=True, at=datetime(2027, 1, 31, 15, 59, tzinfo=UTC))
    heard(store, worker(1), "第一刻", missed=True, at=datetime(2027, 1, 31, 16, 0, tzinfo=UTC))
    heard(store, worker(1), "最后一刻", missed=True, at=datetime(2027, 2, 28, 15, 59, 59, tzinfo=UTC))
    heard(store, worker(1), "太晚", missed=True, at=datetime(2027, 2, 28, 16, 0, tzinfo=UTC))

    told = read(store)

    assert "第一刻" in told
    assert "最后一刻" in told
    assert "太早" not in told
    assert "太晚" not in told


def test_the_file_opens_right_in_a_spreadsheet_and_runs_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    for number, words in enumerate(
        ("=1+1", "+HYPERLINK(1)", "-2", "@SUM(A1)", "＝1", " =1", "\t=1", '好,的"引号"')
    ):
        heard(sqlite_store, worker(number), words, missed=True)
    file = tmp_path / "二月.csv"

    assert show(sqlite_store, "工会", *FEBRUARY, TITLES, WHOLE, file, lambda _: None) == 0

    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        cells = [cell for line in csv.reader(opened) for cell in line]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "＝"))]
    assert "'=1+1" in cells
    assert '好,的"引号"' in cells


def test_the_excel_file_has_a_sheet_for_each_table_and_runs_nothing(
    sqlite_store: Store, tmp_path: Path
) -> None:
    for number, words in enumerate(("=1+1", "https://union.example", "007", "降温费")):
        heard(sqlite_store, worker(number), words, missed=True)
    file = tmp_path / "二月.xlsx"

    assert show(sqlite_store, "工会", *FEBRUARY, TITLES, WHOLE, None, lambda _: None, file) == 0

    with ZipFile(file) as opened:
        parts = {name: opened.read(name).decode() for name in opened.namelist() if name.endswith(".xml")}
    sheets = "".join(text for name, text in parts.items() if "/worksheets/" in name)
    assert re.findall(r'<sheet name="(\d) ', parts["xl/workbook.xml"]) == list("123456789")
    assert "<f>" not in sheets
    assert "hyperlink" not in sheets
    assert all(f"<t>{words}</t>" in sheets for words in ("=1+1", "https://union.example", "007", "降温费"))


def test_a_long_ranking_is_cut_on_the_screen_and_whole_in_the_file(
    sqlite_store: Store, tmp_path: Path
) -> None:
    for number in range(report.LISTED + 5):
        heard(sqlite_store, worker(number), f"问题{number:03d}号", missed=True)
    file = tmp_path / "out.csv"

    told = read(sqlite_store, file)

    assert "另有 5 行" in told
    assert file.read_text("utf-8-sig").count("问题") == report.LISTED + 5


def test_a_file_that_cannot_be_written_is_said_in_plain_words(sqlite_store: Store, tmp_path: Path) -> None:
    lines: list[str] = []

    assert show(sqlite_store, "工会", *FEBRUARY, TITLES, WHOLE, tmp_path, lines.append) == 1

    assert "没有存成" in lines[-1]


def test_days_in_the_wrong_order_are_wrong_usage(sqlite_store: Store) -> None:
    assert (
        show(sqlite_store, "工会", date(2027, 2, 2), date(2027, 2, 1), TITLES, WHOLE, None, lambda _: None)
        == 2
    )


# --- cast --------------------------------------------------------------------------------------------------------


def heard(
    store: Store, openid: str, words: str, *, topic: str = "", missed: bool = False, at: datetime = NOON
) -> None:
    with store.writing() as connection:
        number = connection.exec_driver_sql("SELECT COUNT(*) FROM interactions").scalar()
        connection.execute(
            interactions.insert().values(
                dedupe_key=f"key-{number}", openid=openid, msg_type="text", content=words, sent_at=at, received_at=at,
                state="answered", topic=topic or ("near:guide:join" if missed else None), missed=missed,
            )
        )  # fmt: skip


def read(store: Store, file: Path | None = None) -> str:
    lines: list[str] = []
    assert show(store, "盘锦市总工会", *FEBRUARY, TITLES, WHOLE, file, lines.append) == 0
    return "\n".join(lines)


def row(told: str, words: str, below: int = 0) -> list[str]:
    """The cells of the first line with these words, or of the line that many below it."""
    lines = told.splitlines()
    return lines[next(n for n, line in enumerate(lines) if words in line) + below].replace(",", "").split()


def test_words_answered_by_a_guess_stand_with_what_was_offered_and_chosen(store: Store) -> None:
    for number in range(3):
        heard(store, worker(number), "孩子和钱", topic="near:ab12:guide:wages+guide:childcare")
    heard(store, worker(1), "2", topic="guide:childcare#ab12")
    heard(store, worker(2), "退休？", topic="guide:retirement-steps?cd34")

    told = read(store)

    assert row(told, "孩子和钱")[:4] == ["孩子和钱", "3", "3", "单位拖欠工资怎么办、孩子没人看：寒暑假托管"]
    assert "孩子没人看：寒暑假托管 1 次" in told
    assert row(told, "退休？")[3] == "到点了退休手续怎么办"
    assert "到点了退休手续怎么办" in told
