"""What nginx before us is set to: whether one stranger could take every place at the door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

NGINX = Path("/etc/nginx")
LEAST = 16_384  # connections of one worker, each of which takes two files
ZONE = "limit_conn gonghui_addresses"  # in the site since strangers are counted by address
AGAIN = "请再运行一次 bash /opt/gonghui/deploy/install 加上域名，然后 systemctl restart nginx。"


def gaps(folder: Path) -> Iterator[tuple[str, str]]:
    """What is too little, and what to do about it; nothing where our site is not nginx's."""
    site = _text(folder / "sites-enabled/gonghui.conf")
    if not site:
        return
    main = _text(folder / "nginx.conf")
    places, files = _number(main, "worker_connections"), _number(main, "worker_rlimit_nofile")
    if main and places < LEAST:
        yield f"同时只接 {places} 个连接，一个外人就能占满，微信的消息进不来", AGAIN
    elif main and files < 2 * places:
        yield f"一个进程只能打开 {files or '系统默认那么多'} 个文件，不够 {places} 个连接用", AGAIN
    if ZONE not in site:
        words = "网站的设置是旧的，没有限制一个地址能占多少连接"
        yield (
            words,
            f"请照着 /opt/gonghui/deploy/nginx/gonghui.conf 改好 {folder}/sites-available/gonghui.conf。",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _number(text: str, key: str) -> int:
    found = re.search(rf"^\s*{key}\s+(\d+)\s*;", text, re.MULTILINE)
    return int(found[1]) if found else 0
