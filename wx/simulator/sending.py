"""What the platform accepts for delivery, and what it remembers of it.

Sources: platform guide, 群发, 模板消息, 客服消息.
"""

import hashlib
import json
from datetime import timedelta

from wx.simulator import material, template
from wx.simulator.world import Errcode, Event, Follower, Job, Json, Sent, World, text_of

TEXT_BYTES = 2048
CLIENT_ID_BYTES = 32
JOB_MEMORY = timedelta(hours=24)
RETRY_GAP = timedelta(minutes=1)
TEMPLATE_MEMORY = timedelta(minutes=10)
JOBS_KEPT = 2000
MOST_OPENIDS = 10_000
ASSISTANT = "oMassSendAssistant0000000000"  # results of mass messages come from nobody in particular
Shown = tuple[str, Json]  # an entry's kind and content


# -- mass ----------------------------------------------------------------------------------------------------


def to_all(world: World, body: Json) -> Json:
    """message/mass/sendall: everyone, or the followers with a tag."""
    scope = body.get("filter")
    if not isinstance(scope, dict) or not isinstance(scope.get("is_to_all"), bool):
        raise Errcode(47001, "data format error")
    to_everyone: bool = scope["is_to_all"]
    people = world.current()
    if not to_everyone:
        if scope.get("tag_id") not in world.tags:
            raise Errcode(40152, "invalid tag_id")
        people = [one for one in people if scope["tag_id"] in one.tags]
    return _mass(world, body, people, len(people), everyone=to_everyone)


def to_many(world: World, body: Json) -> Json:
    """message/mass/send: 2 … 10 000 openids. Raises 40130, 40032, 40003."""
    openids = body.get("touser")
    if not isinstance(openids, list) or len(openids) < 2:
        raise Errcode(40130, "invalid openid list size, at least two openid")
    if len(openids) > MOST_OPENIDS:
        raise Errcode(40032, "invalid openid list size")
    people = list({one.openid: one for one in map(world.known, openids)}.values())
    return _mass(world, body, [one for one in people if one.following], len(people), everyone=False)


def preview(world: World, body: Json) -> Json:
    """message/mass/preview: one person sees it; nothing is counted."""
    follower = world.known(body.get("touser"))
    if not follower.following:
        raise Errcode(43004, "require subscribe")
    shown = _mass_content(world, body, keep_draft=True)
    msg_id = world.msg_id()
    _deliver(world, "preview", follower, _content(body), msg_id, "", shown)
    return {"errmsg": "preview success", "msg_id": msg_id}


def _mass(world: World, body: Json, people: list[Follower], total: int, *, everyone: bool) -> Json:
    client_id = _client_id(body)
    job = _remembered(world, client_id)
    try:
        _allow(world, everyone=everyone)
        shown = _mass_content(world, body)
    except Errcode:
        job.failed_at = world.now()
        raise
    job.msg_id, job.at, job.failed_at = world.msg_id(), world.now(), None
    world.mass_days[world.day()] += 1
    if everyone:
        world.mass_days[world.month()] += 1
    good = world.mass_status == "send success"
    ready = [one for one in people if not one.blocks and _count_month(world, one, good)]
    content = _content(body)
    for one in ready if good else ():
        job.rows.append(_deliver(world, "mass", one, content, job.msg_id, client_id, shown))
    _finish_mass(world, job, total, len(ready), shown[1].get("articles", ()))
    answer: Json = {"errmsg": "send job submission success", "msg_id": job.msg_id}
    if body.get("msgtype") == "mpnews":
        answer["msg_data_id"] = job.msg_id + 1_000_000_000
    return answer


def _client_id(body: Json) -> str:
    """The developer's id, or by default a digest of scope and content. Raises 45067."""
    given = body.get("clientmsgid")
    if given:
        if not isinstance(given, str) or len(given.encode()) > CLIENT_ID_BYTES:
            raise Errcode(45067, "clientmsgid size out of limit")
        return given
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]


def _remembered(world: World, client_id: str) -> Job:
    """The job to fill. Raises 45065 with the msg_id when it was accepted, 45066 soon after a refusal."""
    now = world.now()
    job = world.jobs.get(client_id)
    if job and job.at and now - job.at < JOB_MEMORY:
        for row in job.rows:
            row.repeats += 1
        raise Errcode(45065, "clientmsgid exist", msg_id=job.msg_id)
    if job and job.failed_at and now - job.failed_at < RETRY_GAP:
        raise Errcode(45066, "same clientmsgid retry too fast, please retry after one minute")
    while len(world.jobs) >= JOBS_KEPT:
        del world.jobs[next(iter(world.jobs))]
    job = world.jobs[client_id] = Job()
    return job


def _allow(world: World, *, everyone: bool) -> None:
    now, limits = world.now(), world.limits
    if len(world.mass_at) == limits.mass_per_minute and now - world.mass_at[0] < timedelta(minutes=1):
        raise Errcode(42010, "operate too frequently, please retry later")
    world.mass_at.append(now)
    if world.account.kind == "subscription":
        if world.mass_days[world.day()] >= limits.mass_per_day:
            raise Errcode(45028, "has no masssend quota")
    elif everyone and world.mass_days[world.month()] >= limits.mass_per_month:
        raise Errcode(45028, "has no masssend quota")


def _count_month(world: World, follower: Follower, good: bool) -> bool:
    """Whether he may still receive one this month; the surplus is filtered out before sending."""
    if world.account.kind == "subscription":
        return True
    month, count = follower.massed
    count = count if month == world.month() else 0
    if count >= world.limits.mass_per_month:
        return False
    if good:
        follower.massed = (world.month(), count + 1)
    return True


def _finish_mass(world: World, job: Job, total: int, ready: int, cards: tuple[Json, ...]) -> None:
    good = world.mass_status == "send success"
    urls = [{"ArticleIdx": at, "ArticleUrl": card["url"]} for at, card in enumerate(cards, 1)]
    world.events.append(
        Event(
            ASSISTANT,
            {
                "Event": "MASSSENDJOBFINISH",
                "MsgID": job.msg_id,
                "Status": world.mass_status,
                "TotalCount": total,
                "FilterCount": ready,
                "SentCount": ready if good else 0,
                "ErrorCount": 0 if good else ready,
                "CopyrightCheckResult": {"Count": 0, "ResultList": [], "CheckState": 0},
                "ArticleUrlResult": {"Count": len(urls), "ResultList": urls},
            },
        )
    )


def _mass_content(world: World, body: Json, *, keep_draft: bool = False) -> Shown:
    """What a phone shows of a mass message. Raises 40007, 40008, 44004, 45002."""
    kind = body.get("msgtype")
    branch = body.get(kind) if isinstance(kind, str) else None
    if kind == "mpnews":
        cards = material.publish(world, text_of(body, "mpnews", "media_id"), keep_draft=keep_draft)
        return "news", {"articles": tuple(cards)}
    if kind == "text":
        return "text", {"text": _text(text_of(body, "text", "content"))}
    if kind == "image":
        many = body.get("images")
        ids = many.get("media_ids", []) if isinstance(many, dict) else []
        if keep_draft and isinstance(branch, dict):
            ids = [branch.get("media_id")]  # a preview shows a single one
        if not isinstance(ids, list) or not ids:
            raise Errcode(40007, "invalid media_id")
        pictures = [material.found(world, one, "image") for one in ids]
        return "image", {"url": material.picture_url(world, pictures[0])}
    if kind in ("voice", "mpvideo"):
        material.found(world, text_of(body, kind, "media_id"), "voice", "video")
        return ("voice" if kind == "voice" else "video"), {}
    raise Errcode(40008, "invalid message type")


# -- template ------------------------------------------------------------------------------------------------


def to_one_by_template(world: World, body: Json) -> Json:
    """message/template/send. A repeat of client_msg_id for the same openid within 10 min is not sent again."""
    follower = world.known(body.get("touser"))
    if not follower.following:
        raise Errcode(43004, "require subscribe")
    client_id = body.get("client_msg_id") or ""
    known = follower.heard.get(client_id) if client_id else None
    if known and world.now() - known.at < TEMPLATE_MEMORY:
        known.repeats += 1
        if world.repeat_answer == "error":
            raise Errcode(-1, "system error, duplicate client_msg_id")
        return {"msgid": known.msg_id if world.repeat_answer == "same" else world.msg_id()}
    template.check(world, body.get("template_id"), body.get("data"))
    text = template.shown(world, body["template_id"], body["data"])
    shown: Shown = ("template", {"text": text, "url": text_of(body, "url")})
    msg_id = world.msg_id()
    row = _deliver(world, "template", follower, _content(body), msg_id, str(client_id), shown)
    if client_id:
        follower.heard = {
            key: sent for key, sent in follower.heard.items() if world.now() - sent.at < TEMPLATE_MEMORY
        } | {client_id: row}
    world.events.append(
        Event(
            follower.openid,
            {"Event": "TEMPLATESENDJOBFINISH", "MsgID": msg_id, "Status": row.result},
        )
    )
    return {"msgid": msg_id}


# -- customer service ----------------------------------------------------------------------------------------


def to_one_by_service(world: World, body: Json) -> Json:
    """message/custom/send: no memory of what was sent; only in an open window."""
    follower = world.known(body.get("touser"))
    shown = _service_content(world, body)
    if follower.blocks:
        raise Errcode(48002, "user refuse to accept the msg")
    world.spend(follower)
    _deliver(world, "service", follower, _content(body), world.msg_id(), "", shown)
    return {}


def _service_content(world: World, body: Json) -> Shown:
    kind = body.get("msgtype")
    branch = body.get(kind) if isinstance(kind, str) else None
    if not isinstance(kind, str) or not isinstance(branch, dict):
        raise Errcode(40008, "invalid message type")
    if kind == "text":
        return "text", {"text": _text(text_of(branch, "content"))}
    if kind == "image":
        media_id = material.found(world, branch.get("media_id"), "image")
        return "image", {"url": material.picture_url(world, media_id)}
    if kind in ("voice", "video"):
        material.found(world, branch.get("media_id"), kind)
        return kind, {"text": text_of(branch, "title")}
    if kind == "news":
        articles = branch.get("articles")
        if not isinstance(articles, list) or len(articles) != 1:
            raise Errcode(45008, "article size out of limit")
        names = ("title", "description", "picurl", "url")
        return "news", {"articles": tuple({name: text_of(one, name) for name in names} for one in articles)}
    if kind == "msgmenu":
        items = tuple(
            {"id": str(one["id"]), "content": str(one["content"])} for one in branch.get("list", ())
        )
        return "menu", {
            "text": text_of(branch, "head_content"),
            "items": items,
            "tail": text_of(branch, "tail_content"),
        }
    raise Errcode(40008, "invalid message type")


# -- all -----------------------------------------------------------------------------------------------------


def _text(content: str) -> str:
    if not content:
        raise Errcode(44004, "empty content")
    if len(content.encode()) > TEXT_BYTES:
        raise Errcode(45002, "content size out of limit")
    return content


def _content(body: Json) -> Json:
    """The message itself, without to whom and under which id."""
    hidden = ("touser", "towxname", "filter", "clientmsgid", "client_msg_id", "send_ignore_reprint")
    return {key: value for key, value in body.items() if key not in hidden}


def _deliver(
    world: World, channel: str, follower: Follower, content: Json, msg_id: int, client_id: str, shown: Shown
) -> Sent:
    row = world.accept(channel, follower, content, msg_id, client_id)
    if not follower.blocks:
        kind, entry = shown
        world.show(follower, "account", kind, **entry)
    return row
