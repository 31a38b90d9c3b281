"""Words of danger: the right number in the first line, whatever else is in the sentence; an alarm to staff, without words or name."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from guides_cast import WHOLE
from kind_cast import Union
from talk_cast import TABLES, Worker, house

from ground.normal import normal
from handlers.crisis import Dangers
from models import alarm
from models.base import Store
from wx import messages as m
from wx.replies import MAX_TEXT_BYTES

DANGERS = Dangers(WHOLE.crisis)

SAID = {
    "despair": (
        "我真的不想活了", "不 想 活 了", "wo bu xiang huo le", "不想货了，活着没意思了", "我想自刹", "我已經不想活了", "拿不到钱我就跳楼",
        "讨不回工资，我就从塔吊上跳下去", "老板再不给钱我就喝农药死在他们办公室", "没有我他们会过得更好", "站在楼顶上呢", "写好遗书了",
        "活了大半辈子，被厂里一脚踢开，家里又指着我吃药，想来想去真不如死了算了，你们说我还有啥活头",
    ),
    "fire": (
        "车间着火了", "著火了", "宿舍冒烟了快来人", "仓库爆炸了", "煤气泄漏了怎么办",
        "工地塌方了埋了三个人", "有人困在电梯里了", "下去清淤的人没上来",
        "che jian zhao huo le",
    ),
    "violence": (
        "有人拿着刀在车间", "老板带人来打我们了", "工头把我们锁在宿舍不让出去",
        "身份证手机都被收走了，大门有人看着不让出", "被骗到传销里出不来了",
        "我男人打我", "快来人救救我", "公司把人关在屋里逼签字",
    ),
    "accident": (
        "工友触电了", "我同事从架子上掉下来了", "机器把手绞进去了", "手指头切掉了血止不住", "老师傅突然倒地没反应了", "硫化氢中毒了",
        "被叉车压住腿了",
        "中暑昏过去了", "gongyou chudian le", "有人喘不过气快不行了",
    ),
    "fraud": (
        "我刚被骗了五万", "对方让我转到安全账户", "我把验证码告诉骗子了", "招工的收了钱就拉黑我了", "中介收了押金跑路了",
        "点了链接银行卡的钱没了",
        "冒充领导让我打钱我打了",
    ),
}  # fmt: skip
FIRST = {"despair": "12356", "fire": "119", "violence": "110", "accident": "120", "fraud": "96110"}

HARMLESS = """
消防演练几点开始|累死了想请假|笑死我了|想吃火锅|想死你了工会|打死也不去加班|热死了有没有降温费|火车晚点能报销吗|单位搞灭火演习|宿舍没暖气冻死我了
跳槽去别的厂要赔钱吗|跳广场舞比赛|秒杀优惠券|杀猪菜|死心塌地跟着干|困死了夜班太多|老板太抠气死我了|食堂几点开饿死了|生火做饭|安全生产月宣传片
消防证怎么考|防火培训算加班吗|电工证被扣了|手卡办不下来|打卡机坏了扣钱|打架斗殴被开除合法吗|着急上火|领导动不动就发火|打工人打工魂|救命恩人
这活干得要命|累得要死要活|打鸡血|火爆的招聘会|烧烤摊招人|高空作业津贴多少|登高证|爬架子的活给多少钱|触电培训|急救培训报名|心肺复苏培训|吃药报销
血压高能上夜班吗|献血有假吗|流血流汗不流泪|骗人的广告别信|怎么防电信诈骗|被辞退了怎么办|堵在路上迟到扣钱|公积金取不出来|没有办法了怎么办
我受不了夜班了|压力大|失眠|不想上班|不想干了|活太多干不完|干活累死人|死工资没提成|班长骂死我了|晕车能请假吗|眼睛花了|腰断了似的|跑断腿
忙得脚不沾地|烟花爆竹|爆炸性新闻|倒班|倒闭了|厂子倒了|楼塌房企|地震救灾捐款|献爱心|危险作业谁批|有限空间培训|煤气费报销|电费补贴|锁具厂招工吗
关机了打不通|关门了|把门关上|老板跑了|抓阄|抢红包|抢票|抢购|枪手替考|刀工比赛|打印合同|打官司|打欠条|打折卡|电风扇|夹心饼干|压岁钱|压工资
埋头苦干|埋单|淹没成本|落水管漏水|掉头发|掉链子|摔跤比赛|砸锅卖铁|砸了饭碗|烫发|烫手山芋|毒鸡汤|晕头转向|昏昏欲睡|气瓶检验|没心情|心累|心慌
心寒了|想辞职|想离婚|想回家|想哭|我哭死|太难了|加班崩溃了|人生好难|活着真好|活到老学到老|生活困难|救助金|救济|救护车费用谁出|急诊费报销
报警器坏了|110米|119消防日活动|焊工烧伤过去年认定的工伤几级|上吊桥|吊车证|吊装作业|跳高|跳远|河边钓鱼|江边散步|楼顶漏水|站岗|天台晒被子
被车撞了算工伤吗|住院花了三万能报多少|上班晕倒算工伤吗|怎么预防中暑|去年着火烧光了能救助吗|学急救证|手机摔下来坏了|电脑死机了|股票被套
我快被活埋在文件堆里了|天太热车间像火炉|食堂的饭难吃死了|排队排到死|打飞的回家|打地铺|打零工|打八折|打水漂的押金|打掉重来|捅娄子了|砍价|砍预算
刀切馒头|动刀子似的改制度|救场|救急的钱|求救助的材料|命苦|要了亲命的加班|玩命干活|拼命干|卖命给公司|命令|生命周期|生死合同有效吗|高空坠物怎么防|漏电保护器谁装
水电费|电死机|煤炭补贴|毒麻药品培训|解毒口服液报销吗|爆款|爆仓的快递活|炸鸡店招人|塌实干活|垮台|倒班费|倒休|压力锅|埋怨领导|掉工资|掉队|骗保是啥|转账发工资
公司快不行了会不会裁员|厂子要不行了|老人中风了能申请救助吗|我爸脑出血后遗症|孕吐厉害能请假吗|生孩子怕疼|快要生了我能歇几天|打针报销|打疫苗有假吗
""".strip().replace("\n", "|").split("|")  # fmt: skip


@pytest.mark.parametrize(("kind", "words"), [(kind, words) for kind, all_ in SAID.items() for words in all_])
def test_the_first_line_is_whom_to_call_however_it_is_written(kind: str, words: str) -> None:
    worker = Worker(house(live=True))

    reply = worker.says(words)

    assert FIRST[kind] in reply.splitlines()[0]
    assert worker.topic == f"crisis:{kind}"
    assert not re.search(r"回复.?数字|填写|姓名|带什么|谁能办", reply.split("\n\n")[0])
    assert len(reply.encode()) <= MAX_TEXT_BYTES


def test_harmless_words_with_the_same_signs_are_not_taken_for_danger() -> None:
    taken = [words for words in HARMLESS if DANGERS.find(normal(words))]

    assert len(HARMLESS) >= 200
    assert len(taken) <= len(HARMLESS) * 0.02, taken


def test_despair_about_wages_gets_both_halves_the_line_for_despair_first() -> None:
    reply = Worker(house(live=True)).says("想跳楼讨薪")

    first, _, second = reply.partition("\n\n")
    assert "12356" in first
    assert "12351" in first
    assert "工资" in second
    assert "12333" in second


def test_a_voice_whose_words_tell_of_danger_is_answered_so_too() -> None:
    assert "119" in (Worker().sends(m.Voice("m", "amr", "车间着火了。")) or "")


def test_danger_leaves_the_worker_where_they_stand() -> None:
    worker = Worker()
    worker.taps("LAW")
    worker.says("我不想活了")
    worker.says("4")

    assert worker.topic == "guide:injury"


def test_staff_get_an_alarm_at_once_without_words_or_name_once_for_a_person_and_an_hour() -> None:
    worker = Worker(house(live=True))
    worker.waits(timedelta(days=400))
    before = standing()

    worker.says("我不想活了，欠了三万")
    worker.says("真的不想活了")
    (name,) = standing() - before
    worker.waits(timedelta(hours=1))
    worker.says("不想活了")

    assert len(standing() - before) == 2
    assert name.startswith("crisis:")
    with TABLES.begin() as connection:
        words = {one.name: one.words for one in alarm.standing(connection)}[name]
    assert "想不开" in words
    assert "消息编号 k" in words
    assert not any(secret in words + name for secret in ("oWorker", "三万", "不想活"))


def standing() -> set[str]:
    with TABLES.begin() as connection:
        return {one.name for one in alarm.standing(connection)}


@pytest.mark.parametrize("kind", WHOLE.crisis.kinds, ids=lambda kind: kind.id)
def test_every_number_of_an_emergency_has_its_source_and_stands_in_the_first_line(kind) -> None:  # type: ignore[no-untyped-def]
    assert kind.answer.splitlines()[0].find(kind.numbers[0]) >= 0
    assert set(re.findall(r"(?<!\d)\d{3,5}(?!\d)", kind.answer)) <= WHOLE.numbers.keys()


def test_inside_a_form_words_of_danger_come_first_and_the_form_waits_with_all_that_was_said(
    sqlite_store: Store,
) -> None:
    union = Union(sqlite_store)
    wang = union.phone("王师傅")
    wang.taps("WISH")
    wang.says("1")
    wang.says("1")

    reply = wang.says("我就想死了算了，啥也不要")

    assert "12356" in reply.splitlines()[0]
    assert "刚才填的还留着" in reply
    recap = wang.says("一张电影票")
    assert "一张电影票" in recap
    assert "想死" not in recap
    with sqlite_store.reading() as connection:
        assert any(one.name.startswith("crisis:") for one in alarm.standing(connection))
    union.close()
