"""No work at all: one constant from Flask, the most that a Flask application can answer on a server."""

import os

from flask import Flask, request

application = Flask(__name__)
answer = f"<xml><Content><![CDATA[{os.environ['BENCH_REPLY']}]]></Content></xml>"


@application.route("/wx", methods=["POST"])
def constant() -> str:
    request.get_data()  # an unread body slows the next request of the connection
    return answer
