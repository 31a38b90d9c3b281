"""What a worker reads: taps, words, numbers, pictures and silence, at the level of `handlers.answer`."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from talk_cast import START, WHOLE, YEAR, Worker, campaign, house

from handlers import EVENTS, TAPS, which
from handlers.book import TAG, book
from menus import tree
from menus.guide import Guide
from models.base import Store
from models.delivery import results
from wx import messages as m
from wx.replies import MAX_TEXT_BYTES

# --- the menu ----------------------------------------------------------------------------------------------------


def test_every_key_of_the_menu_is_answered_and_every_answer_is_in_the_menu() -> None:
    assert set(TAPS) == set(tree.keys(WHOLE.menu))


@pytest.mark.parametrize("key", tree.keys(WHOLE.menu))
@pytest.mark.parametrize("live", [False, True])
def test_each_of_the_fifteen_items_answers_with_something_to_go_on_with(key: str, live: bool) -> None:
    worker = Worker(house(live=live))

    reply = worker.taps(key)

    assert "回复 0 返回" in reply
    assert not worker.missed
    assert len(reply.encode()) <= MAX_TEXT_BYTES


def test_an_item_lists_its_guides_by_number() -> None:
    worker = Worker()

    assert "4 怎样退会" in worker.taps("JOIN")
    assert "向所在工会小组提出退会" in worker.says("4")
    assert worker.topic == "guide:quit"


def test_a_tap_on_a_menu_that_was_replaced_gets_words_and_the_home_page() -> None:
    worker = Worker()

    assert "1 入会转会" in worker.taps("OLD_KEY_OF_LAST_YEAR")
    assert worker.topic == "unknown-key"


# --- campaigns ---------------------------------------------------------------------------------------------------


def test_the_riddle_item_tells_the_campaigns_day_and_words_and_pretends_nothing() -> None:
    reply = Worker().taps("RIDDLE")

    assert "正月十五闹元宵" in reply
    assert "时间：2027年2月20日" in reply
    assert "下一次通知：2027年2月20日 10:00" in reply
    assert "怎么参加、在哪里参加，以活动通知为准" in reply


def test_on_the_day_a_poll_opens_next_years_notice_is_not_told() -> None:
    worker = Worker(now=datetime(2027, 2, 20, 4, 0, tzinfo=UTC))
    worker.house = house(
        year=[campaign("food", "美食评选", "poll", "评一评。", "02-20", at="2028-02-20T10:00:00")]
    )

    reply = worker.taps("POLL")

    assert "时间：2月20日" in reply
    assert "下一次通知" not in reply


def test_several_votes_are_a_list_to_choose_from_and_to_come_back_to() -> None:
    worker = Worker()

    assert "2 最美广场大妈　2027年10月3日至10月7日" in worker.taps("POLL")
    assert "【最美广场大妈】" in worker.says("2")
    assert "【特色盘锦美食】" in worker.says("1")
    assert "【投票评选】" in worker.says("0")


def test_the_years_list_holds_the_picture_book_and_leaves_out_the_staffs_own_work() -> None:
    reply = Worker().taps("YEAR")

    assert "1 年度画册　12月26日至12月30日" in reply
    assert "筹备" not in reply


def test_a_long_year_goes_on_behind_the_last_line_and_what_is_always_on_stands_last() -> None:
    many = [campaign(f"day{at}", f"活动{at}", "notice", "", f"2027-03-{at:02}") for at in range(1, 31)]
    worker = Worker(house(year=(campaign("request", "职工诉求", "notice", "", "01-01", "12-31"), *many)))

    first, second, third = worker.taps("YEAR"), worker.says("15"), worker.says("15")
    assert "14 活动14　" in first
    assert "15 后面的活动" in first
    assert "1 活动15　" in second
    assert "3 职工诉求　" in third
    assert "【职工诉求】" in worker.says("3")
    assert "1 活动29　" in worker.says("0")
    assert "1 活动1　" in worker.says("0")
    assert max(len(words.encode()) for words in (first, second, third)) <= MAX_TEXT_BYTES


def test_a_year_without_campaigns_says_so() -> None:
    assert "还没有定下来" in Worker(house(year=())).taps("WISH")


@pytest.mark.parametrize("words", ["盘锦美食", "特色盘锦美食", "最美广场大妈", "春节发福利"])
def test_a_campaign_is_found_by_its_name(words: str) -> None:
    worker = Worker()

    worker.says(words)

    assert worker.topic in {"campaign:food", "campaign:dance", "campaign:spring"}
    assert not worker.missed


def test_a_campaign_that_was_taken_out_of_the_config_leads_home() -> None:
    worker = Worker()
    worker.taps("POLL")
    worker.house = house(year=YEAR[:1])

    assert "想办什么事" in worker.says("1")


@pytest.mark.parametrize("blank", ["〔待填：截止日期〕", "〔待填〕", "〔待填 截止日期"])
def test_on_a_live_account_a_campaigns_line_with_a_blank_is_left_out(blank: str) -> None:
    half = (YEAR[1].model_copy(update={"about": f"过年您最想要什么？\n截止时间：{blank}。"}),)

    assert "待填" in Worker(house(year=half)).taps("WISH")
    live = Worker(house(live=True, year=half)).taps("WISH")
    assert "待填" not in live
    assert "过年您最想要什么？" in live


def test_a_campaign_that_was_added_to_the_config_is_told_of_within_seconds() -> None:
    campaigns = [YEAR[2]]
    worker = Worker(house(year=campaigns))
    worker.taps("POLL")
    campaigns.append(YEAR[3])
    worker.waits(timedelta(seconds=10))

    assert "特色盘锦美食" in worker.taps("POLL")


def test_the_longest_campaign_still_fits_into_one_message() -> None:
    long = campaign("x", "名" * 60, "poll", "字" * 500, "2027-10-03", "2027-10-07", at="2027-10-03T10:00:00")
    many = tuple(long.model_copy(update={"id": f"x{n}"}) for n in range(40))

    assert len(Worker(house(year=(long,))).taps("POLL").encode()) <= MAX_TEXT_BYTES
    assert len(Worker(house(year=many)).taps("POLL").encode()) <= MAX_TEXT_BYTES


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("工伤", "guide:injury"),
        ("退会", "guide:quit"),
        ("　退会。", "guide:quit"),
        ("ＩＤ", ""),
        ("12351", "guide:hotline"),
        ("１２３５１", "guide:hotline"),
        ("工伤了怎么办", "guide:injury"),
        ("我想退会怎么办理", "guide:quit"),
        ("老板拖欠工资三个月了", "guide:wages"),
        ("请问怎么加入工会啊", "guide:join"),
        ("孩子没人看咋整", "guide:childcare"),
        ("服务大厅", "服务大厅"),
        ("灯谜", "campaign:lantern"),
        ("画册", "YEAR"),
        ("拖欠工资我不想活了", "crisis:despair"),
    ],
)
def test_words_lead_to_the_entry_a_worker_means(words: str, topic: str) -> None:
    worker = Worker()

    worker.says(words)

    assert topic == "" or worker.topic == topic
    assert worker.missed == (topic == "")


def test_what_may_mean_several_things_is_asked_back_with_at_most_three_choices() -> None:
    worker = Worker()

    reply = worker.says("手续怎么走啊")

    assert worker.topic.startswith("near:")
    assert "您想问的是哪一件" in reply
    assert "4 " not in reply
    assert "12351" in reply
    worker.says("1")
    assert worker.topic.startswith("guide:")
    assert "您想问的是哪一件" in worker.says("0")


def test_a_guess_says_that_it_is_one_and_what_else_it_may_have_been() -> None:
    worker = Worker()

    reply = worker.says("老婆坐月子我想请假伺候")

    assert reply.startswith("您问的可能是这件：")
    assert worker.topic == "guide:paternity-leave"
    assert "不是的话，可以点：" in reply


def test_words_that_fit_nothing_get_an_honest_word_and_the_doors_and_are_counted() -> None:
    worker = Worker()

    reply = worker.says("量子纠缠的问题")

    assert "这个我不会" in reply
    assert all(door in reply for door in ("12351", "12345", "服务大厅"))
    assert not re.search(r"^1 ", reply, re.MULTILINE)
    assert worker.missed


def test_two_questions_in_one_message_are_both_answered() -> None:
    worker = Worker()

    reply = worker.says("入会要什么材料？会费多少？另外年假几天？")

    assert "【会费交多少、怎么交】" in reply
    assert "【带薪年休假有几天】" in reply
    worker.says("1")
    assert worker.topic.startswith("guide:")


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("ruhui", "guide:join"),
        ("gong shang", "guide:injury"),
        ("chanjia jitian", "guide:maternity-leave"),
        ("退會", "guide:quit"),
        ("我要退會，怎麼辦手續", "guide:quit"),
        ("工 伤 怎 么 办", "guide:injury"),
        ("困南补助", "guide:hardship"),
        ("Ｔｕｉｈｕｉ", "guide:quit"),
    ],
)
def test_pinyin_traditional_signs_blanks_and_slips_are_understood(words: str, topic: str) -> None:
    worker = Worker()

    worker.says(words)

    assert worker.topic == topic


def test_a_number_that_belongs_to_a_person_is_never_repeated_and_the_question_answered_all_the_same() -> None:
    worker = Worker()

    reply = worker.says("我的银行卡号6222 0000 0000 1111 222，困难补助打到这上面")

    assert "请不要在聊天里发" in reply
    assert "6222" not in reply
    assert "困难" in reply


@pytest.mark.parametrize(
    "words", ["量子", "asdf", "?？", "1100", "a" * 2048, "字" * 680, "]]>", "𠮷", "\u200b"]
)
def test_nobody_is_met_with_silence_whatever_they_say(words: str) -> None:
    assert "12351" in Worker().says(words)


def test_a_face_is_greeted_with_the_home_page_and_not_counted() -> None:
    worker = Worker()

    for face in ("😀", "[微笑]", "👍🏻👍🏻", ""):
        assert "1 入会转会" in worker.says(face)
        assert not worker.missed


@pytest.mark.parametrize("words", ["你好", "您好！", "在吗？", "hello"])
def test_a_greeting_is_returned_with_the_home_page(words: str) -> None:
    assert "您好" in Worker().says(words)


def test_thanks_leave_the_worker_where_they_stand() -> None:
    worker = Worker()
    worker.taps("JOIN")

    assert "不客气" in worker.says("谢谢")
    assert "怎样退会" in worker.says("4")


@pytest.mark.parametrize("words", ["人工", "转人工", "帮我转人工好吗", "客服"])
def test_nobody_is_promised_a_person_while_nobody_reads(words: str) -> None:
    reply = Worker().says(words)

    assert "没有人值守" in reply
    assert "12351" in reply


def test_a_complaint_is_told_whom_to_call() -> None:
    reply = Worker().says("我要投诉你们")

    assert "投诉" in reply
    assert "12333" in reply
    assert "12351" in reply


def test_who_wants_no_more_messages_is_told_how_to_leave() -> None:
    assert "不再关注" in Worker().says("退订")


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("guide", WHOLE.guides, ids=lambda guide: guide.id)
def test_every_name_of_every_entry_leads_to_it_in_one_message(guide: Guide, live: bool) -> None:
    worker = Worker(house(live=live))

    for words in (guide.title, *guide.words):
        reply = worker.says(words)
        # a name that tells of danger is answered with whom to call, and then with the entry
        assert worker.topic == f"guide:{guide.id}" or worker.topic.startswith("crisis:")
        assert guide.title in reply
        assert len(reply.encode()) <= MAX_TEXT_BYTES
        assert not (live and "待填" in reply)


def test_on_a_live_account_a_line_with_a_blank_is_left_out_and_the_entry_answers_all_the_same() -> None:
    worker = Worker(house(live=True))

    assert "会员卡" in worker.taps("JOIN")
    assert "挂失" in worker.says("会员卡")
    assert all("待填" not in page.reply.content for page in book(worker.house).pages.values())


def test_the_demonstration_shows_a_sample_where_a_local_fact_is_missing() -> None:
    shown = replace(house(live=True), demo=True)

    assert any("示例" in page.reply.content for page in book(shown).pages.values())
    assert all("待填" not in page.reply.content for page in book(shown).pages.values())


def test_an_answer_is_short_and_the_whole_of_it_is_one_number_away() -> None:
    worker = Worker(house(live=True))

    reply = worker.says("年假")
    assert reply.startswith("【带薪年休假有几天】")
    assert len(TAG.sub("", reply)) < 300
    assert "依据：" not in reply
    assert "回复 1 看全部" in reply
    assert "依据：《职工带薪年休假条例》" in worker.says("1")


def test_what_people_ask_next_can_be_tapped() -> None:
    worker = Worker(house(live=True))

    found = re.search(r"msgmenucontent=([^&]+)&msgmenuid=([^\"]+)", worker.says("年假"))

    assert found
    worker.sends(m.Text(found[1], found[2]))
    assert worker.topic == found[2]


def test_the_numbers_of_the_list_stay_in_force_but_one_shows_the_whole() -> None:
    worker = Worker(house(live=True))
    worker.taps("LAW")
    worker.says("2")
    second = worker.topic
    worker.says("4")

    assert worker.topic == "guide:injury"
    worker.says("2")
    assert worker.topic == second
    assert "【维权与法律】" in worker.says("0")


def test_an_entry_with_a_page_of_its_own_names_it_instead_of_a_number() -> None:
    shown = replace(house(live=True), guide_pages=True)

    assert "https://union.example/guide/annual-leave" in Worker(shown).says("年假")


@pytest.mark.parametrize(
    ("words", "topic"), [("返回", "LAW"), ("上一页", "LAW"), ("首页", "home"), ("菜单", "home")]
)
def test_words_that_mean_a_number_work_as_it_does(words: str, topic: str) -> None:
    worker = Worker()
    worker.taps("LAW")
    worker.says("4")
    worker.says(words)

    assert worker.topic == topic


def test_an_entry_past_its_day_is_shown_with_the_advice_to_ask_first() -> None:
    worker = Worker(now=datetime(2027, 12, 31, 15, 59, tzinfo=UTC))

    assert "已过核对日期" not in worker.says("工伤")
    worker.waits(timedelta(minutes=2))
    assert "已过核对日期" in worker.says("工伤")


# --- numbers -----------------------------------------------------------------------------------------------------


def test_an_account_without_a_menu_is_walked_by_numbers_from_home_to_a_guide_and_back() -> None:
    worker = Worker(house(has_menu=False))

    assert "菜单" not in worker.says("00")
    assert "【服务大厅】" in worker.says("7")
    assert "【维权与法律】" in worker.says("3")
    assert "上班受了伤" in worker.says("4")
    assert "【维权与法律】" in worker.says("0")
    assert "【服务大厅】" in worker.says("0")
    assert "想办什么事" in worker.says("0")


def test_who_went_to_an_item_from_home_comes_back_home() -> None:
    worker = Worker()
    worker.says("00")
    worker.says("1")

    assert "想办什么事" in worker.says("0")


@pytest.mark.parametrize("words", ["2", "２", "②", "2.", "二", "第2项", " 2 ", "2️⃣"])
def test_a_number_may_be_written_in_any_way(words: str) -> None:
    worker = Worker()
    worker.says("00")
    worker.says(words)

    assert worker.topic == "AID"


def test_the_numbers_of_a_list_stay_in_force_under_the_guide_that_was_opened() -> None:
    worker = Worker()
    worker.taps("JOIN")
    worker.says("1")
    worker.says("2")

    assert worker.topic == "guide:transfer"


def test_a_number_that_is_not_on_the_page_is_told_which_are() -> None:
    worker = Worker()
    worker.taps("JOIN")

    assert "1 到 7" in worker.says("9")
    worker.says("4")
    assert worker.topic == "guide:quit"


def test_after_half_an_hour_of_silence_a_number_starts_from_home_again() -> None:
    worker = Worker()
    worker.taps("LAW")
    worker.waits(timedelta(minutes=31))

    assert "从头来" in worker.says("2")
    worker.says("2")
    assert worker.topic == "AID"


def test_a_number_after_a_short_pause_still_counts() -> None:
    worker = Worker()
    worker.taps("LAW")
    worker.waits(timedelta(minutes=29))
    worker.says("4")

    assert worker.topic == "guide:injury"


def test_the_dialogue_goes_on_after_a_restart() -> None:
    before = Worker()
    before.taps("LAW")

    after = Worker(house(), dialogue=before.dialogue)
    after.says("4")

    assert after.topic == "guide:injury"


@pytest.mark.parametrize("stored", ["x", "a|b|c", "a|b|c|x", "gone|gone|guide:gone|29934780", "|||"])
def test_a_stored_place_that_no_longer_means_anything_leads_home(stored: str) -> None:
    worker = Worker(dialogue=stored)

    assert "1 " in worker.says("1")
    assert "想办什么事" in worker.says("00")


# --- follows, scans, and what is no text -----------------------------------------------------------------------------


def test_a_new_follower_is_welcomed_with_nine_numbers_and_examples() -> None:
    worker = Worker()
    reply = worker.sends(m.Subscribe())

    assert reply is not None
    assert reply.startswith("您好，欢迎关注！")
    assert [str(number) for number in range(1, 10) if f"\n{number} " in reply] == list("123456789")
    assert "工伤" in reply
    assert "12351" in reply


def test_who_comes_back_is_welcomed_back() -> None:
    reply = Worker(unsubscribed_at=START).sends(m.Subscribe())

    assert reply is not None
    assert reply.startswith("欢迎回来")


@pytest.mark.parametrize("scene", ["JOIN", "guide:injury", "campaign:lantern"])
def test_a_code_that_names_a_page_brings_the_page(scene: str) -> None:
    followed, scanned = Worker(), Worker()

    welcome, page = followed.sends(m.Subscribe(scene, "t")), scanned.sends(m.Scan(scene, "t"))

    assert welcome is not None
    assert page is not None
    assert page in welcome
    assert scanned.topic == followed.topic == scene


@pytest.mark.parametrize("scene", ["poster-2027", "", "x" * 500, "near:guide:join"])
def test_any_other_code_brings_the_home_page_or_a_list(scene: str) -> None:
    assert "1 " in (Worker().sends(m.Subscribe(scene, "t")) or "")
    assert "1 " in (Worker().sends(m.Scan(scene, "t")) or "")


@pytest.mark.parametrize(
    "body",
    [
        m.Image("http://mmbiz.example/1", "m1"),
        m.Voice("m2", "amr"),
        m.Voice("m2", "amr", "。"),
        m.Video("m3", "t3"),
        m.Location(41.12, 122.07, 15, "盘锦"),
        m.Link("标题", "说明", "https://example.cn/"),
        m.File("表.xlsx", "", "k", "md5", 10),
    ],
    ids=lambda body: type(body).__name__,
)
def test_what_is_no_text_is_received_politely_and_shown_another_way(body: m.Body) -> None:
    reply = Worker().sends(body)

    assert reply
    assert "12351" in reply or "文字" in reply


def test_a_voice_whose_words_wechat_understood_is_answered_like_words() -> None:
    worker = Worker()
    worker.sends(m.Voice("m", "amr", "工伤。"))

    assert worker.topic == "guide:injury"


def test_a_choice_from_a_menu_message_opens_the_page_it_names_or_counts_as_words() -> None:
    worker = Worker()

    worker.sends(m.Text("看看灯谜", "RIDDLE"))
    assert worker.topic == "campaign:lantern"
    worker.sends(m.Text("工伤", "101"))
    assert worker.topic == "guide:injury"


def test_a_code_scanned_while_the_phone_waits_gets_words_and_any_other_none() -> None:
    assert Worker().sends(m.ScanCode("K", "qrcode", "x", True))
    assert Worker().sends(m.ScanCode("K", "qrcode", "x", False)) is None


@pytest.mark.parametrize(
    "body",
    [
        m.Unsubscribe(),
        m.View("https://union.example/"),
        m.MiniProgram("pages/index"),
        m.Place(41.1, 122.0, 30.0),
        m.Pictures("K", 1),
        m.PickedPlace("K", 41.1, 122.0, 15, "盘锦", ""),
        m.Published("1", 0, "a", (), ()),
        m.NoticesSent(()),
        m.ServiceSession("kf"),
        m.Revoked("oWorker", "wx", "1"),
        m.Cancelled("oWorker", ""),
        m.Unknown(),
    ],
    ids=lambda body: type(body).__name__,
)
def test_where_wechat_takes_no_words_there_are_none_and_the_dialogue_stays(body: m.Body) -> None:
    worker = Worker()
    worker.taps("LAW")
    before = worker.dialogue

    assert worker.sends(body) is None
    assert worker.dialogue == before


def test_what_became_of_our_sending_is_kept_and_nobody_is_answered(sqlite_store: Store) -> None:
    worker = Worker()
    with sqlite_store.writing() as connection:
        told = m.MassFinished("9" * 80, "sendsuccess", 10, 10, 9, 10**18)
        assert worker.sends(told, connection) is None
        assert worker.sends(m.TemplateFinished("42", "success"), connection) is None

    with sqlite_store.reading() as connection:
        rows = {row.far_id: row.status for row in connection.execute(results.select())}
    assert rows == {"9" * 64: "sendsuccess", "42": "success"}


def test_every_kind_of_message_that_may_be_answered_is_in_the_table() -> None:
    silent = {type(body) for body in (m.Unsubscribe(), m.View(""), m.Place(None, None, None), m.Unknown())}

    assert not silent & EVENTS.keys()
    assert {m.Text, m.Image, m.Voice, m.Video, m.Location, m.Link, m.File} <= EVENTS.keys()


# --- for staff -------------------------------------------------------------------------------------------------------


def test_staff_see_which_entry_would_answer_which_lost_and_why() -> None:
    lines = which(house(), "工伤了怎么办", START).splitlines()

    assert "上班受了伤" in lines[0]
    assert "像“" in lines[0]
    assert re.search(r"· .+：像“.+”（.+）（0\.\d\d 分）", lines[1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("工伤", "就是它的叫法"),
        ("量子纠缠的问题", "老实说不会"),
        ("手续怎么走啊", "让职工选"),
        ("你好", "就是它的叫法"),
        ("3", "数字"),
        ("😀", "首页"),
        ("盘锦美食", "活动"),
        ("想跳楼讨薪", "再附上“单位拖欠工资怎么办”"),
        ("会费多少？年假几天？", "2 件事"),
    ],
)
def test_staff_learn_how_any_words_would_be_taken(words: str, said: str) -> None:
    assert said in which(house(), words, START)


def test_the_first_words_say_where_to_read_how_ones_data_are_kept_and_erased() -> None:
    worker = Worker(house(live=True))

    assert "回复“隐私”" in (worker.sends(m.Subscribe()) or "")
    reply = worker.says("隐私")
    assert "取消关注" in reply
    worker.taps("HOTLINE")
    assert "您的信息怎么保护" in worker.says("0") or "您的信息怎么保护" in worker.taps("HOTLINE")
