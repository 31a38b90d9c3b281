"""职工之家: leisure and care. (Riddles, wishes, votes and the picture book are campaigns; the config file holds them.)"""

from datetime import date

from menus.guide import Guide

UPDATED = date(2026, 11, 23)
VALID_UNTIL = date(2027, 12, 31)

GUIDES = (
    Guide(
        id="mind",
        title="心里不痛快：心理关爱",
        item="LIFE",
        words=("心理", "心理关爱", "心理咨询", "压力大", "失眠", "抑郁", "焦虑", "心情不好", "心理健康", "不想活", "想死", "自杀"),
        who="所有职工和家属。",
        bring=(),
        how=(
            "和信得过的家人、工友说说，别一个人扛着。",
            "拨 12351，问工会的心理关爱服务。",
            "睡不着、提不起劲已经有些日子的，请到正规医院精神心理科看看，这和感冒发烧一样，可以治。",
        ),
        note="如果有伤害自己的念头，请马上告诉身边的人，让人陪着，立即去医院急诊。您的命比什么都要紧。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="culture",
        title="文体活动怎样参加",
        item="LIFE",
        words=("文体活动", "文体", "活动报名", "运动会", "比赛", "兴趣班", "书画", "摄影", "健身", "广场舞队", "唱歌", "跳舞", "打球"),
        who="所有职工，会员优先。",
        bring=("会员证（有就带上）",),
        how=(
            "活动通知发在本号，也会发到各单位工会。",
            "向单位工会报名，说明想参加哪一项。",
            "想看今年的大活动，回复“今年活动”。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="books",
        title="职工书屋：借书看书",
        item="LIFE",
        words=("职工书屋", "书屋", "借书", "看书", "读书", "图书", "电子书", "图书馆"),
        who="所有职工。",
        bring=("会员证或身份证",),
        how=(
            "先问单位工会有没有书屋，怎么借。",
            "对外开放的书屋地址：〔待填：职工书屋清单〕。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="rest",
        title="职工疗休养",
        item="LIFE",
        words=("疗休养", "疗养", "休养", "疗养院", "旅游", "度假"),
        who="在职职工，一线职工、劳模和先进优先。",
        bring=("身份证", "单位工会的推荐"),
        how=(
            "由单位工会统一组织报名，不接受个人直接报名。",
            "本年线路、名额和费用：〔待填：本年疗休养安排〕。",
        ),
        note="疗休养由工会组织，不会打电话推销。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="checkup",
        title="职工体检",
        item="LIFE",
        words=("体检", "健康体检", "查体", "身体检查", "两癌筛查", "两癌", "职业健康检查"),
        who="在职职工；接触有害因素的职工，单位必须安排职业健康检查。",
        bring=("身份证",),
        how=(
            "普通体检由单位安排，时间问单位工会或人事。",
            "接触职业病危害的，上岗前、在岗期间、离岗时都要检查，费用由单位出。",
            "单位不安排的，可以向单位工会反映或拨 12351。",
        ),
        source="《职业病防治法》第三十五条",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="match",
        title="婚恋交友：工会当红娘",
        item="LIFE",
        words=("婚恋", "交友", "婚恋交友", "相亲", "找对象", "红娘", "单身", "联谊", "脱单"),
        who="单身职工，自愿参加。",
        bring=("身份证", "单位工会出具的单身和在职说明（按活动要求）"),
        how=(
            "交友活动的通知发在本号和各单位工会。",
            "向单位工会报名。",
            "有问题拨 12351 问清主办方，认准工会通知。",
        ),
        note="第一次见面约在人多的地方；一开口就借钱、拉投资的要小心。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="discount",
        title="普惠优惠：会员专享",
        item="LIFE",
        words=("普惠", "优惠", "会员优惠", "电影票", "影票", "打折", "普惠服务", "会员福利", "福利", "消费券"),
        who="工会会员。",
        bring=("会员卡",),
        how=(
            "优惠活动的通知发在本号。",
            "合作商户和优惠办法：〔待填：普惠商户清单〕。",
        ),
        note="优惠不需要您转账、交押金；叫您先付款的不要信。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="small-wish",
        title="微心愿：说一个小愿望",
        item="LIFE",
        words=("微心愿", "小心愿", "小愿望", "圆梦", "认领心愿"),
        who="困难职工、困难家庭的孩子和一线职工。",
        bring=("心愿写清：要什么、为什么、谁用",),
        how=(
            "把心愿告诉单位工会，由单位工会核实后报上来。",
            "工会整理后，请爱心单位和个人认领。",
            "认领以后由工会转交，办成了会告诉您。",
        ),
        note="心愿要小而具体，比如一个书包、一副老花镜。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="childcare",
        title="孩子没人看：托管和爱心妈妈小屋",
        item="LIFE",
        words=("托管", "爱心托管", "孩子没人看", "暑期托管", "妈妈小屋", "母婴室", "带孩子", "看孩子"),
        who="双职工家庭和哺乳期女职工。",
        bring=("家长和孩子的身份证明", "会员证（有就带上）"),
        how=(
            "先问单位工会，有没有托管班或妈妈小屋。",
            "寒暑假托管班的通知发在本号和各单位工会。",
            "单位想办托管班或妈妈小屋，可以请单位工会向上级工会申请指导。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
)
