"""The pages as a browser or a monitor asks for them: the start page, the health pages, and what did not work."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from phone_cast import LANTERN, ROWS, START, Watch, parts, webhook

from models import push
from models.base import Store
from models.delivery import deliveries
from models.follower import followers
from models.interaction import interactions
from web import Demo, Measure, create_app

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
JSON = "application/json"


def test_the_demonstration_shows_the_year_and_the_books(sqlite_store: Store) -> None:
    remember(sqlite_store)

    page = demo(sqlite_store).get("/").text

    assert "2027年2月18日 星期四 09:00" in page
    assert "把时间拨到下一次推送" in page
    assert re.search(r"is-next.*?正月十五闹元宵.*?下一次", page, re.DOTALL)
    assert "1—31日" in page
    assert "每天 10:00" in page
    assert "<dt>dedupe_key</dt><dd>key-1</dd>" in page
    assert "&lt;b&gt;工伤&lt;/b&gt;" in page
    assert "答：先看病，保存好病历" in page
    assert "群发 · 正月十五闹元宵" in page
    assert "不知道是否送到" in page


def test_the_demonstration_of_an_empty_house_has_words(sqlite_store: Store) -> None:
    house = replace(parts(sqlite_store, demo=Demo(NOWHERE, lambda: None)), year=tuple)

    page = create_app(house).test_client().get("/").text

    for words in ("还没有人说过话", "还没有发出过推送", "今年还没有安排推送", "今年的推送都到时间了"):
        assert words in page


def test_the_button_moves_the_clock_to_the_next_push(sqlite_store: Store) -> None:
    watch = Watch()
    there = Demo(NOWHERE, lambda: watch.moves_to(LANTERN))
    visitor = create_app(parts(sqlite_store, demo=there, clock=watch.clock())).test_client()
    assert visitor.get("/phone/api/board").json["now"].startswith("2027年2月18日")

    answer = visitor.post("/phone/api/clock", json={})

    assert answer.json["moved_to"] == LANTERN.isoformat()
    assert watch.clock().now() - LANTERN < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("headers", "body", "kind", "status"),
    [
        ({"Origin": "http://evil.example"}, "{}", JSON, 403),
        ({"Sec-Fetch-Site": "cross-site"}, "{}", JSON, 403),
        ({"Origin": "null"}, "{}", JSON, 403),
        ({}, "{}", "text/plain", 415),
        ({}, "[1]", JSON, 400),
        ({}, "{", JSON, 400),
    ],
    ids=["another origin", "another site", "a sandboxed page", "a plain form", "no object", "no JSON"],
)
@pytest.mark.parametrize("path", ["/phone/api/clock", "/phone/api/do", "/phone/api/workers"])
def test_only_the_phones_own_page_may_act(
    sqlite_store: Store, path: str, headers: dict[str, str], body: str, kind: str, status: int
) -> None:
    moved: list[bool] = []
    visitor = demo(sqlite_store, Demo(NOWHERE, lambda: moved.append(True)))

    answer = visitor.post(path, data=body, content_type=kind, headers=headers)

    assert answer.status_code == status
    assert answer.json["error"]
    assert moved == []


def test_a_simulated_wechat_that_is_gone_is_said_in_words(sqlite_store: Store) -> None:
    answer = demo(sqlite_store).get("/phone/api/workers")

    assert (answer.status_code, answer.json["error"]) == (
        502,
        "连不上模拟的微信。它可能正在启动，请稍等几秒再试。",
    )


@pytest.mark.parametrize(
    "path", ["cgi-bin/token", "simulator/log", "simulator/fault", "sns/oauth2/access_token", "../x"]
)
def test_the_browser_reaches_only_the_platforms_pages(sqlite_store: Store, path: str) -> None:
    assert demo(sqlite_store).get(f"/phone/far/{path}").status_code == 404


def test_without_the_demonstration_there_is_no_phone(client: FlaskClient) -> None:
    for path in ("/phone", "/phone/api/workers", "/phone/api/board", "/phone/far/s/x"):
        assert client.get(path).status_code == 404


def test_the_health_pages_say_what_is_so(sqlite_store: Store) -> None:
    reasons: list[str] = []
    visitor = create_app(replace(parts(sqlite_store), ready=lambda: reasons)).test_client()
    assert visitor.get("/readyz").json == {"ready": True, "reasons": [], "alarms": []}

    reasons.append("数据库连不上")

    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"ready": False, "reasons": ["数据库连不上"], "alarms": []}
    assert (visitor.get("/healthz").status_code, visitor.get("/healthz").text) == (200, "ok\n")
    assert "gonghui_ready 0.0" in visitor.get("/metrics").text


def test_the_numbers_are_those_of_the_tables(store: Store) -> None:
    remember(store)
    queue = Measure("gonghui_queue", "What waits", 7, (("kind", "mass"),))

    page = create_app(replace(parts(store), measures=lambda: [queue])).test_client().get("/metrics").text

    for line in (
        "gonghui_followers 1.0",
        'gonghui_interactions{state="answered"} 1.0',
        'gonghui_pushes{state="due"} 1.0',
        'gonghui_deliveries{state="unknown"} 1.0',
        'gonghui_queue{kind="mass"} 7.0',
    ):
        assert line in page.splitlines()
    assert "oWorker" not in page


def test_a_database_that_is_gone_is_a_number_and_a_page(store: Store) -> None:
    url = store.url.render_as_string(hide_password=False)
    gone = Store(
        url.replace(str(store.url.database), f"{store.url.database}_gone")
    )  # SQLite: a file without tables
    visitor = create_app(
        replace(parts(gone, demo=Demo(NOWHERE, lambda: None)), ready=lambda: ["数据库连不上"])
    ).test_client()

    assert "gonghui_ready 0.0" in visitor.get("/metrics").text
    broken = visitor.get("/")
    gone.close()

    assert broken.status_code == 500
    assert "系统出了点问题" in broken.text
    assert "Traceback" not in broken.text


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "没有找到这个页面"),
        ("GET", "/<script>alert(1)</script>", 404, "没有找到这个页面"),
        ("POST", "/", 405, "这个网址不能这样用"),
        ("DELETE", "/wx", 405, "这个网址不能这样用"),
        ("GET", "/static/../app.py", 404, "没有找到这个页面"),
    ],
)
def test_what_does_not_work_is_said_in_plain_chinese(
    client: FlaskClient, method: str, path: str, status: int, words: str
) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert words in answer.text
    assert "<script>alert" not in answer.text
    assert "Not Found" not in answer.text
    if status == 405:
        assert answer.headers["Allow"]


def test_every_page_says_what_a_browser_may_do_with_it(sqlite_store: Store) -> None:
    visitor = demo(sqlite_store)
    nonces = set()
    for path in ("/", "/phone", "/nowhere", "/healthz"):
        answer = visitor.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        nonce = re.search(r"'nonce-([\w-]+)'", policy)
        assert nonce
        nonces.add(nonce[1])
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert all(f'nonce="{nonce[1]}"' in script for script in scripts)
        assert not re.search(r"<[^>]+\s(on\w+|style)=", answer.text)
        assert not re.search(r"(src|href)=\"(https?:)?//", answer.text)
    assert len(nonces) == 4


# --- the cast ----------------------------------------------------------------------------------------------------


def demo(store: Store, there: Demo | None = None) -> FlaskClient:
    return create_app(parts(store, demo=there or Demo(NOWHERE, lambda: None))).test_client()


def remember(store: Store) -> None:
    """One follower, one word and its answer, one push with one delivery of unknown outcome."""
    with store.writing() as connection:
        connection.execute(
            followers.insert().values(
                openid="oWorker", subscribed=True, first_seen_at=START, last_seen_at=START
            )
        )
        connection.execute(
            followers.insert().values(
                openid="oGone", subscribed=False, first_seen_at=START, last_seen_at=START
            )
        )
        connection.execute(
            interactions.insert().values(
                dedupe_key="key-1",
                openid="oWorker",
                msg_type="text",
                content="<b>工伤</b>",
                sent_at=START,
                received_at=START,
                raw="<xml/>",
                reply="<xml><Content><![CDATA[先看病，保存好病历]]></Content></xml>",
                state="answered",
                missed=False,
            )
        )
        owed = push.owe(connection, push.Plan(ROWS[1].name, "mass", "all", "{}"), LANTERN, START)
        connection.execute(
            deliveries.insert().values(
                push_id=owed,
                channel="mass",
                recipient="all",
                state="unknown",
                attempts=1,
                reason="没有回音",
                updated_at=START,
            )
        )


@pytest.fixture
def client(sqlite_store: Store) -> FlaskClient:
    """The pages of a house that is no demonstration."""
    return create_app(parts(sqlite_store), webhook(sqlite_store, Watch().clock())).test_client()
