"""Uploaded files and drafts (platform guide, 素材管理 and 草稿箱)."""

import re
from datetime import timedelta
from typing import Any

from wx.simulator.world import Errcode, Json, Media, World

LIFE = timedelta(days=3)
KINDS: dict[str, tuple[int, tuple[str, ...]]] = {  # bytes at most, endings
    "image": (10 * 1024 * 1024, ("bmp", "png", "jpeg", "jpg", "gif")),
    "voice": (2 * 1024 * 1024, ("mp3", "wma", "wav", "amr")),
    "video": (10 * 1024 * 1024, ("mp4",)),
    "thumb": (64 * 1024, ("jpg", "jpeg")),
}
INLINE_BYTES, INLINE = 1024 * 1024, ("jpg", "jpeg", "png")
PICTURES_KEPT, ARTICLES_KEPT, DRAFTS_KEPT, MEDIA_KEPT = 100, 500, 500, 20_000
MOST_ARTICLES = 8
CONTENT_CHARS = 20_000
LENGTHS = {"title": (32, 45003), "author": (16, 45003), "digest": (128, 45004)}


def upload(world: World, kind: str, filename: str, data: bytes, *, for_ever: bool) -> Json:
    """Keeps a file for three days or for ever. Raises 40004, 40005, 40006."""
    if kind not in KINDS:
        raise Errcode(40004, "invalid media type")
    most, endings = KINDS[kind]
    _check(filename, data, most, endings)
    media_id = world.media_id()
    until = None if for_ever else world.now() + LIFE
    world.media[media_id] = Media(kind, filename, len(data), until)
    _keep(world.media, MEDIA_KEPT)
    url = _picture(world, media_id, data) if kind in ("image", "thumb") else ""
    if for_ever:
        return {"media_id": media_id, "url": url}
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: media_id, "created_at": int(world.now().timestamp())}


def picture(world: World, filename: str, data: bytes) -> Json:
    """Keeps a picture for an article's text."""
    _check(filename, data, INLINE_BYTES, INLINE)
    return {"url": _picture(world, world.media_id(), data)}


def download(world: World, media_id: Any) -> Json:
    """A picture's bytes, as {"data": …}. Raises 40007 for what is not there any more."""
    name = found(world, media_id, "image")
    if name not in world.pictures:
        raise Errcode(40007, "invalid media_id")
    return {"data": world.pictures[name]}


def found(world: World, media_id: Any, *kinds: str) -> str:
    """The id of a file that is there, of one of these kinds. Raises 40007."""
    media = world.media.get(media_id) if isinstance(media_id, str) else None
    if media is None or media.kind not in kinds or (media.until and media.until <= world.now()):
        raise Errcode(40007, "invalid media_id")
    return str(media_id)


def picture_url(world: World, media_id: str) -> str:
    """Where the phone finds a picture."""
    return f"{world.base_url}/simulator/picture/{media_id}"


def add_draft(world: World, articles: Any) -> Json:
    """Keeps a draft. Raises 40007 for a cover that is not permanent, 45002 … 45166 for its words."""
    if not isinstance(articles, list) or not 1 <= len(articles) <= MOST_ARTICLES:
        raise Errcode(45008, "article size out of limit")
    draft = [_article(world, article) for article in articles]
    media_id = world.media_id()
    world.drafts[media_id] = draft
    _keep(world.drafts, DRAFTS_KEPT)
    return {"media_id": media_id}


def publish(world: World, media_id: Any, *, keep_draft: bool = False) -> list[Json]:
    """The cards of a draft, with addresses; the draft is gone after that. Raises 40007."""
    draft = world.drafts.get(media_id) if isinstance(media_id, str) else None
    if draft is None:
        raise Errcode(40007, "invalid media_id")
    if not keep_draft:
        del world.drafts[media_id]
    cards = []
    for article in draft:
        name = world.media_id()[:22]
        world.articles[name] = article
        _keep(world.articles, ARTICLES_KEPT)
        cards.append(
            {
                "title": article["title"],
                "description": article.get("digest") or _first_words(article["content"]),
                "picurl": picture_url(world, article["thumb_media_id"]),
                "url": f"{world.base_url}/s/{name}",
            }
        )
    return cards


def _article(world: World, given: Any) -> Json:
    article: Json = dict(given) if isinstance(given, dict) else {}
    for name, (most, errcode) in LENGTHS.items():
        value = article.get(name, "")
        if not isinstance(value, str) or len(value) > most:
            raise Errcode(errcode, f"{name} size out of limit")
    content = article.get("content")
    if not article.get("title"):
        raise Errcode(45003, "title size out of limit")
    if not isinstance(content, str) or not content.strip():
        raise Errcode(45166, "invalid content")
    if len(content) >= CONTENT_CHARS:
        raise Errcode(45002, "content size out of limit")
    cover = found(world, article.get("thumb_media_id"), "image", "thumb")
    if world.media[cover].until is not None:
        raise Errcode(40007, "invalid media_id")
    return article | {"content": _cleaned(world, content)}


def _cleaned(world: World, content: str) -> str:
    """Scripts go, and so do pictures that were not uploaded for it."""
    content = re.sub(r"(?is)<script.*?</script>", "", content)
    ours = re.escape(f"{world.base_url}/simulator/picture/")
    return re.sub(rf"(?i)<img\b(?![^>]*\bsrc=[\"']{ours})[^>]*>", "", content)


def _first_words(content: str) -> str:
    return re.sub(r"\s+|<[^>]*>", "", content)[:54]


def _check(filename: str, data: bytes, most: int, endings: tuple[str, ...]) -> None:
    if filename.rpartition(".")[2].lower() not in endings:
        raise Errcode(40005, "invalid file type")
    if not 0 < len(data) <= most:
        raise Errcode(40006, "invalid media size")


def _picture(world: World, media_id: str, data: bytes) -> str:
    world.pictures[media_id] = data
    _keep(world.pictures, PICTURES_KEPT)
    return picture_url(world, media_id)


def _keep(memory: dict[str, Any], most: int) -> None:
    while len(memory) > most:
        del memory[next(iter(memory))]
