"""wechatpy with Flask, after the echo example that wechatpy ships."""

import os

from flask import Flask, abort, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature

TOKEN = os.environ["BENCH_TOKEN"]
APP_ID = os.environ["BENCH_APP_ID"]
AES_KEY = os.environ["BENCH_AES_KEY"]
REPLY = os.environ["BENCH_REPLY"]
application = Flask(__name__)


@application.route("/wx", methods=["GET", "POST"])
def wechat() -> str:
    signature = request.args.get("signature", "")
    timestamp = request.args.get("timestamp", "")
    nonce = request.args.get("nonce", "")
    try:
        check_signature(TOKEN, signature, timestamp, nonce)
    except InvalidSignatureException:
        abort(403)
    if request.method == "GET":
        return request.args.get("echostr", "")
    if request.args.get("encrypt_type", "raw") == "raw":
        return create_reply(REPLY, parse_message(request.data)).render()
    crypto = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
    try:
        xml = crypto.decrypt_message(request.data, request.args.get("msg_signature", ""), timestamp, nonce)
    except (InvalidSignatureException, InvalidAppIdException):
        abort(403)
    return crypto.encrypt_message(create_reply(REPLY, parse_message(xml)).render(), nonce, timestamp)
