"""A program: the production server with pages that take and give much. MODE DATABASE PORT PROCESSES LIMITS"""

import hashlib
import io
import json
import sys
from collections.abc import Iterator

from flask import Flask, Response, request

from benchmarks.inside import webhook
from models.base import Store
from web.paths import PATHS
from web.server import ClientLimits, Server

ROW = "2027-03-05,盘锦市总工会,一件心愿,已经办好,1234567890\r\n"
MB = 1024 * 1024


def rows(size: int) -> Iterator[bytes]:
    """So many bytes of a table, made row by row."""
    block = (ROW * 200).encode()
    while size > 0:
        yield block[:size]
        size -= len(block)


def site() -> Flask:
    """A photo is taken, a list imported, a table exported; /h5/small is any other page."""
    app = Flask("lane")

    @app.post("/h5/photo")
    def photo() -> dict[str, object]:
        file = request.files["photo"]
        return {"sha256": hashlib.file_digest(file.stream, "sha256").hexdigest()}

    @app.post("/console/import")
    def import_() -> dict[str, object]:
        digest, lines = hashlib.sha256(), 0
        for line in io.BufferedReader(request.stream):  # type: ignore[type-var]  # by itself it reads byte by byte
            digest.update(line)
            lines += 1
        return {"sha256": digest.hexdigest(), "lines": lines}

    @app.get("/console/export/year")
    def export() -> Response:
        size = request.args.get("bytes", 200 * MB, type=int)
        answer = Response(rows(size), mimetype="text/csv")
        if "length" in request.args:
            answer.content_length = request.args.get("length", type=int)
        return answer

    @app.get("/console/export/broken")
    def broken() -> Response:
        def some() -> Iterator[bytes]:
            yield from rows(2 * MB)
            raise RuntimeError("in the middle")

        return Response(some(), mimetype="text/csv")

    @app.get("/h5/small")
    def small() -> str:
        return "small"

    return app


if __name__ == "__main__":
    mode, database, port, processes, limits = sys.argv[1:]
    hook = webhook(Store(database), mode)
    allowed = ClientLimits(**json.loads(limits))
    Server(site(), hook, f"127.0.0.1:{port}", int(processes), allowed, PATHS).run()
