"""创新创业: suggestions, contests, model workers and craftsmen, learning, starting up."""

from datetime import date

from menus.guide import Guide

UPDATED = date(2026, 11, 23)
VALID_UNTIL = date(2027, 12, 31)

IDEAS = (
    Guide(
        id="idea",
        title="提合理化建议",
        item="IDEA",
        words=("合理化建议", "金点子", "提建议", "建议", "好点子", "出主意"),
        who="所有职工，一个人、一个班组都可以提。",
        bring=("写清：现在有什么问题、怎么改、改了有什么好处",),
        how=(
            "用几句话写下来，有图更好。",
            "交给班组长或单位工会。",
            "单位评审后决定是否采用；被采用的，按单位办法奖励。",
        ),
        note="点子不分大小，能省一度电、少走一步路都算数。涉及单位秘密的内容请不要发到网上。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="five-small",
        title="“五小”创新：小发明、小改造……",
        item="IDEA",
        words=("五小", "小发明", "小改造", "小革新", "小设计", "小建议", "发明", "技术革新", "五小活动", "小创新"),
        who="一线职工和班组。",
        bring=("成果说明：原来怎样、怎么改的、效果怎样", "照片、图纸或试用证明"),
        how=(
            "“五小”一般指小发明、小改造、小革新、小设计、小建议。",
            "成果先在单位工会登记、评选。",
            "单位工会择优推荐到上级工会参加评选。",
            "本年申报时间和表格：〔待填：本年五小成果申报通知〕。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="showcase",
        title="创新成果怎样展示和推广",
        item="IDEA",
        words=("创新成果", "成果展示", "成果", "专利", "申请专利", "创新", "职工创新"),
        who="有创新成果的职工和班组。",
        bring=("成果说明、照片或视频", "单位同意公开的意见"),
        how=(
            "把材料交给单位工会，由单位工会向上推荐。",
            "准备申请专利的，先申请、后公开，免得失去新颖性。",
            "推荐上来的成果，工会择优在本号等处宣传。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
)

CONTESTS = (
    Guide(
        id="vanguard",
        title="“先锋杯”劳动竞赛",
        item="CONTEST",
        words=("先锋杯", "劳动竞赛", "立功竞赛", "班组竞赛"),
        who="各单位、班组和职工。",
        bring=("单位的参赛方案", "竞赛成绩材料"),
        how=(
            "由单位工会统一报名，个人找单位工会参加。",
            "按竞赛方案比安全、比质量、比技术、比效益。",
            "年底由单位工会申报，上级工会评审表扬。",
        ),
        note="本年竞赛方案以市总工会通知为准，也可拨 12351 询问。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="skills",
        title="职工技能竞赛",
        item="CONTEST",
        words=("技能竞赛", "技能大赛", "技术比武", "比武", "技能比赛", "竞赛", "竞赛报名", "岗位练兵"),
        who="从事竞赛工种的在职职工。",
        bring=("身份证", "报名表", "技能证书（有就带上）"),
        how=(
            "先看本年开哪些工种，问单位工会或拨 12351。",
            "由单位工会盖章推荐报名。",
            "参加理论和实际操作比赛，成绩由主办方公布。",
        ),
        note="优胜者可按规定晋升技能等级、获得荣誉，具体以当次竞赛通知为准。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
)

MODELS = (
    Guide(
        id="model",
        title="劳动模范怎样评选",
        item="MODEL",
        words=("劳模", "劳动模范", "劳模评选", "评劳模", "五一劳动奖章", "劳动奖章", "推荐劳模", "先进"),
        who="在平凡岗位上干出成绩的职工，由群众推荐，一线职工优先。",
        bring=("先进事迹材料", "单位推荐意见"),
        how=(
            "单位职工群众评议，经职工代表大会或职工大会讨论通过。",
            "在单位公示，听取意见。",
            "逐级审核、再公示，最后由批准机关表彰。",
        ),
        note="个人不能自己花钱买名额；收钱“包评劳模”的都是骗子。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="studio",
        title="劳模和工匠人才创新工作室",
        item="MODEL",
        words=("创新工作室", "劳模工作室", "工作室", "工匠工作室", "劳模创新工作室", "师带徒", "传帮带"),
        who="有劳模或工匠带头、有团队、有攻关课题的单位。",
        bring=("带头人和团队名单", "课题和成果材料", "单位给予的场地、经费说明"),
        how=(
            "单位先建起来：有牌子、有制度、有活动、有成果。",
            "向上级工会申报命名，工会实地看、评审。",
            "普通职工想拜师学艺，可以请单位工会联系工作室。",
        ),
        note="申报条件每年可能不同，以当年通知为准。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="craftsman",
        title="工匠怎样选树",
        item="MODEL",
        words=("工匠", "大国工匠", "工匠评选", "工匠选树", "能工巧匠", "最美职工"),
        who="技艺高超、长期在一线、能带徒弟的职工。",
        bring=("技艺和成果材料", "获奖和技能证书", "单位推荐意见"),
        how=(
            "由单位工会推荐，也欢迎工友推荐。",
            "上级工会组织评审，结果公示。",
            "评上的，工会支持建工作室、带徒弟。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
)

LEARNING = (
    Guide(
        id="academy",
        title="工匠学院",
        item="LEARN",
        words=("工匠学院", "学院", "工匠培训", "技能学院"),
        who="想系统学技能的在职职工。",
        bring=("身份证", "会员证（有就带上）"),
        how=(
            "由单位工会组织报名。",
            "课程表和上课地点：〔待填：工匠学院课程表和地址〕。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="online",
        title="在家学：职工网上课堂",
        item="LEARN",
        words=("网课", "网上课堂", "网上学习", "在线学习", "线上培训", "直播课", "职工课堂"),
        who="所有职工。",
        bring=(),
        how=(
            "工会的网上课程由单位工会或本号通知。",
            "学习入口：〔待填：职工网上课堂入口〕。",
        ),
        note="别人转来的“工会网课”要你先交钱、填银行卡的，不要信。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="degree",
        title="提升学历，工会帮什么",
        item="LEARN",
        words=("学历提升", "学历", "圆梦计划", "求学圆梦", "上夜校", "夜校", "成人高考", "专升本"),
        who="想提升学历的在职职工和农民工。",
        bring=("身份证", "现有学历证书"),
        how=(
            "到有资质的学校报名，认准学校官方招生渠道。",
            "问单位工会或拨 12351，看本年有没有学历提升的补助或合作院校。",
        ),
        note="承诺“包过”“免考”的都不可信。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
)

STARTUP = (
    Guide(
        id="startup",
        title="创业扶持",
        item="STARTUP",
        words=("创业", "创业扶持", "创业帮扶", "开店", "做生意", "创业培训", "创业指导", "创业补贴", "自主创业"),
        who="想创业或刚起步的职工、下岗失业人员和返乡农民工。",
        bring=("身份证", "创业想法或计划", "营业执照（已经办了的）"),
        how=(
            "拨 12351，问最近的创业培训和指导。",
            "请工会介绍创业导师、劳模工匠帮着看项目。",
            "符合条件的，可向当地人力资源社会保障部门申请创业补贴。",
        ),
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
    Guide(
        id="loan",
        title="创业缺钱：小额贷款",
        item="STARTUP",
        words=("小额贷款", "贷款", "创业贷款", "担保贷款", "创业担保贷款", "贴息", "借钱"),
        who="符合条件的创业职工和下岗失业人员。",
        bring=("身份证", "营业执照", "经营场所和项目说明"),
        how=(
            "创业担保贷款向当地人力资源社会保障部门申请。",
            "工会可以帮您了解条件、准备材料，请拨 12351。",
            "贷款额度和贴息：〔待填：本地创业担保贷款额度和贴息办法〕。",
        ),
        note="放款前先收“手续费”“保证金”的是骗子。",
        updated=UPDATED,
        valid_until=VALID_UNTIL,
    ),
)

GUIDES = IDEAS + CONTESTS + MODELS + LEARNING + STARTUP
