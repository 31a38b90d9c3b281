"""A photo that people will see: what a phone took, turned upright, without its secrets, in two sizes; all else is refused in words.

Pillow does it, here only. Its own plugins are called by what the first bytes say, never by a name that somebody wrote: the kinds
below are the only ones that are ever decoded.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image, ImageFile, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 120_000_000  # of a JPEG, which is decoded at an eighth of its size where it is large
MOST_PIXELS_WHOLE = 36_000_000  # of the others, which are decoded whole
LEAST = 32  # pixels of a side
SIZES: Mapping[str, int] = {"large": 1280, "small": 480}  # name → the longer side, in pixels
MOST_OF_ONE = 300_000  # bytes of one size
QUALITIES = (85, 75, 60, 45, 30)
ALLOWED = "能收的是 JPG、PNG、WebP、GIF、BMP"
KINDS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"GIF8", GifImageFile),
    (b"BM", BmpImageFile),
)
OTHERS = (
    (b"%PDF", "PDF 文件"),
    (b"<svg", "SVG 图"),
    (b"<?xml", "网页或文档"),
    (b"<!DO", "网页"),
    (b"<htm", "网页"),
    (b"\x1aE\xdf\xa3", "视频"),
    (b"Rar!", "压缩包"),
    (b"7z\xbc\xaf", "压缩包"),
    (b"\x1f\x8b", "压缩包"),
    (b"\xd0\xcf\x11\xe0", "Office 文档"),
    (b"II*\0", "TIFF 图"),
    (b"MM\0*", "TIFF 图"),
)
HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")


class NoPhoto(ValueError):
    """It cannot be shown; the words say what was found and what can be sent instead."""


@dataclass(frozen=True, slots=True)
class Size:
    """A JPEG of at most `MOST_OF_ONE` bytes."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo in every size of SIZES. `digest`: SHA-256 hex of what was sent."""

    digest: str
    sizes: Mapping[str, Size]


def read(data: bytes) -> Photo:
    """The photo in its sizes. Takes up to a second and 150 MB. Raises NoPhoto."""
    if len(data) > MOST_BYTES:
        raise NoPhoto(f"照片有 {len(data) / 1024 / 1024:.0f} MB，最多 20 MB，请换一张小一点的。")
    kind = _kind(data)
    try:
        with kind(io.BytesIO(data)) as image:
            _fits(image)
            return Photo(hashlib.sha256(data).hexdigest(), dict(_sizes(image)))
    except NoPhoto:
        raise
    except Exception:  # noqa: BLE001 - a decoder given by a stranger raises whatever it likes
        raise NoPhoto("照片打不开，可能没有传完整，请再传一次或者换一张。") from None


def glance(data: bytes) -> None:
    """Whether it says of itself that it is a photo that can be shown; nothing is decoded. Raises NoPhoto."""
    try:
        with _kind(data)(io.BytesIO(data)) as image:
            _fits(image)
    except NoPhoto:
        raise
    except Exception:  # noqa: BLE001 - as above
        raise NoPhoto("照片打不开，请换一张。") from None


def _kind(data: bytes) -> type[ImageFile.ImageFile]:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImageFile
    for start, kind in KINDS:
        if data.startswith(start):
            return kind
    raise NoPhoto(f"{_named(data)}，不能当照片用。{ALLOWED}。")


def _named(data: bytes) -> str:
    """What it is instead."""
    if not data:
        return "这是一个空文件"
    if data[4:8] == b"ftyp":
        if data[8:12] in HEIC:
            return "这是苹果手机的 HEIC 照片（请在手机“设置—相机—格式”里选“兼容性最佳”，或者截一张屏再传）"
        return "这是 AVIF 图" if data[8:12] in (b"avif", b"avis") else "这是视频"
    if zipfile.is_zipfile(io.BytesIO(data)):
        return "这是压缩包或 Office 文档"
    found = next((words for start, words in OTHERS if data.lstrip()[: len(start)] == start), "")
    return f"这是{found}" if found else "这个文件不是照片"


def _fits(image: Image.Image) -> None:
    """What the heading says is looked at before anything is decoded: a small file may unpack to gigabytes."""
    width, height = image.size
    most = MOST_PIXELS if image.format == "JPEG" else MOST_PIXELS_WHOLE
    if width * height > most:
        raise NoPhoto(
            f"照片有 {width} × {height} 个像素，太大了（最多 {most // 1_000_000} 百万像素），请缩小或者截一张屏再传。"
        )
    if min(width, height) < LEAST:
        raise NoPhoto(f"照片只有 {width} × {height} 个像素，看不清（每边至少 {LEAST}），请换一张大一点的。")


def _sizes(image: Image.Image) -> dict[str, Size]:
    """Turned as the phone was held, then without anything but its colours: the place where it was taken is gone."""
    longest = max(SIZES.values())
    image.draft("RGB", (longest, longest))  # a JPEG is decoded small; it is never smaller than asked
    image.load()
    image.thumbnail((2 * longest, 2 * longest), Image.Resampling.BILINEAR)  # before the costly steps
    turned: Image.Image = image
    with suppress(Exception):  # its Exif may be broken while the photo is not
        turned = ImageOps.exif_transpose(image)
    plain = _on_white(turned)
    return {name: _size(plain, side) for name, side in SIZES.items()}


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGB", clear.size, "white")
        white.paste(clear, mask=clear.getchannel("A"))
        return white
    return image.convert("RGB")


def _size(image: Image.Image, side: int) -> Size:
    small = image.copy()
    small.info = {}  # neither place nor comment nor profile goes on
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        written = io.BytesIO()
        small.save(written, "JPEG", quality=quality, progressive=True, optimize=True)
        if written.tell() <= MOST_OF_ONE:
            break
    return Size(small.width, small.height, written.getvalue())
