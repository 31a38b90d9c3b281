"""A picture of a push as the sender reads it and as `check` looks at it: one reading for both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from channels.article import Image, images, is_plain
from channels.parcel import ChannelError, Content
from ground.address import parts_of
from ground.beside import OutsideError, beside
from ground.wide import shown


@dataclass(frozen=True, slots=True)
class Use:
    """What a picture is for: the kinds that WeChat takes there, by the ends of their names, and the most bytes."""

    kinds: tuple[str, ...]
    most: int


# platform guide, 上传图文消息内的图片 and 新增永久素材
INLINE = Use((".jpg", ".jpeg", ".png"), 1024 * 1024)
IMAGE = Use((".jpg", ".jpeg", ".png", ".gif", ".bmp"), 10 * 1024 * 1024)
COVER = IMAGE
MAGIC = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"<svg", ".svg"),
    (b"<!DO", ".html"),
    (b"<htm", ".html"),
    (b"%PDF", ".pdf"),
    (b"II*\0", ".tiff"),
    (b"MM\0*", ".tiff"),
)
OURS = (
    "qpic.cn",
    "qlogo.cn",
)  # where WeChat keeps pictures; those of anybody else it takes out of an article


class NotThere(ChannelError):
    """There is no such file; `name` as it was written, in one line."""

    def __init__(self, name: str) -> None:
        super().__init__(f"没有找到图片 {name}，请把它放到配置文件所在的文件夹里", permanent=True)
        self.name = name


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that WeChat takes: the end of the name that its content has, and the content."""

    kind: str
    data: bytes


def read(folder: Path, name: str, use: Use) -> Picture:
    """The picture of this name. Raises ChannelError in words that staff can act on."""
    short, ending = shown(name), Path(name).suffix.lower()
    if not name:
        raise ChannelError("有一张图片没有写文件名（正文里的图片写在 src 里）", permanent=True)
    if name.lower().startswith("data:"):
        words = (
            f"图片直接写在了正文里（{shown(name, 20)}），微信不收；请存成图片文件，放到配置文件所在的文件夹里"
        )
        raise ChannelError(words, permanent=True)
    if ending not in use.kinds:
        raise _strange(short, use, "")
    try:
        with beside(folder, name).open("rb") as file:
            data = file.read(use.most + 1)
    except OutsideError as fault:
        raise ChannelError(f"图片 {short}：{fault}", permanent=True) from None
    except (OSError, ValueError):
        raise NotThere(short) from None
    if not data:
        raise ChannelError(f"图片 {short} 是空的，请换一张", permanent=True)
    kind = _kind(data) or ending
    if kind not in use.kinds:
        raise _strange(short, use, kind)
    if len(data) > use.most:
        raise ChannelError(f"图片 {short} 太大，最多 {use.most // 1024} KB，请压缩后再推送", permanent=True)
    return Picture(kind, data)


def _strange(name: str, use: Use, kind: str) -> ChannelError:
    allowed = "、".join(kind.removeprefix(".") for kind in use.kinds)
    really = f"其实是 {kind.removeprefix('.')}，只改名字没有用；这个" if kind else "的"
    return ChannelError(f"图片 {name} {really}格式微信不收，请换成 {allowed}", permanent=True)


def _kind(data: bytes) -> str:
    """The kind that the content shows, '' where it shows none that we know."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    if data[4:8] == b"ftyp":
        return ".heic"
    return next((kind for start, kind in MAGIC if data.startswith(start)), "")


def outside(address: str) -> bool:
    """Whether the picture stands on a site, not in a file beside the config file."""
    return address.lower().startswith(("https://", "http://", "//"))


# --- what `check` asks -------------------------------------------------------------------------------------------


def faults(folder: Path, content: Content) -> Iterator[ChannelError]:
    """Everything that the sender of a mass message would refuse in its pictures."""
    for name, use in named(content):
        try:
            read(folder, name, use)
        except ChannelError as error:
            yield error


def named(content: Content) -> Iterator[tuple[str, Use]]:
    """The picture files that a push shows, and what for."""
    if image := content.get("image"):
        yield image, IMAGE
    if article := content.get("article"):
        yield article.get("cover", ""), COVER
        for image in _inside(article):
            if not outside(image.source):
                yield image.source, INLINE


def hints(content: Content) -> Iterator[str]:
    """What WeChat takes and shows otherwise than meant."""
    for image in _inside(content.get("article") or {}):
        if outside(image.source) and not (host := _host(image.source)).endswith(OURS):
            yield f"正文里的图片在别的网站（{shown(host)}），微信会去掉它；请把图片存到配置文件所在的文件夹里，只写文件名"
        if image.has("data-src"):
            yield "正文里有一张图片写了 data-src，微信不看它，只发 src 里的那一张；请核对以后删掉 data-src"


def _host(address: str) -> str:
    """Whose site it is; the address itself where that cannot be made out."""
    try:
        return parts_of(address).hostname or address
    except ValueError:
        return address


def _inside(article: Content) -> Sequence[Image]:
    text = article.get("content", "")
    return [] if is_plain(text) else list(images(text))
