"""The calls that we make to WeChat's API, each with a token that is good, a time limit and typed errors."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from pydantic import SecretStr

from wx import answers
from wx.errors import ApiError, HeldBack, NotSent, WeChatError
from wx.tokens import Keyring, MemoryTokens, Tokens
from wx.wire import Wire

__all__ = ["Api", "MemoryTokens", "Tokens"]

BAD_TOKEN = (40001, 40014, 42001)
WRONG_SECRET = 40125
NO_MENU = 46003

Json = dict[str, Any]
MayGo = Callable[[], bool]
T = TypeVar("T")


class Credentials(Protocol):
    """What of the account the client needs."""

    @property
    def app_id(self) -> str: ...
    @property
    def app_secret(self) -> SecretStr: ...
    @property
    def api_base(self) -> str: ...


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Api:
    """Calls WeChat's API for one account; threads may share it.

    Every call raises ApiError (refused), NotSent (certainly not done) or NoAnswer (perhaps done).
    """

    def __init__(
        self, account: Credentials, tokens: Tokens, now: Callable[[], datetime] = _wall_clock
    ) -> None:
        self._account = account
        self._keyring = Keyring(f"wx:{account.app_id}:token", tokens, self._stable_token, now)
        self._tickets = Keyring(f"wx:{account.app_id}:ticket", tokens, self._ask_ticket, now)
        self._mine = threading.local()

    @property
    def app_id(self) -> str:
        """Whose ids these are: what one account was given, another does not know."""
        return self._account.app_id

    def token(self) -> str:
        """The access token of now. Raises NotSent when WeChat cannot be reached, ApiError when it refuses."""
        return self._keyring.token()

    def ask_anew(self) -> None:
        """Forget that WeChat refused a token a moment ago: somebody has repaired what was wrong."""
        self._keyring.forgive()

    def get(self, path: str, **params: object) -> Json:
        """The answer of GET /cgi-bin/PATH."""
        return self._call("get", path, params)

    def post(self, path: str, body: Mapping[str, object], may_go: MayGo | None = None) -> Json:
        """The answer of POST /cgi-bin/PATH with a JSON body. `may_go` is asked before each request; HeldBack if it says no."""
        return self._call("post", path, {}, may_go, body=body)

    def upload(self, path: str, filename: str, data: bytes, **form: object) -> Json:
        """The answer of a file's upload; `type` goes into the address, other words into the form."""
        params = {"type": form.pop("type")} if "type" in form else {}
        return self._call("post", path, params, files={"media": (filename, data)}, form=form)

    # -- ways out ------------------------------------------------------------------------------------------

    def send_to_all(
        self, content: Json, *, client_id: str, tag_id: int | None = None, may_go: MayGo | None = None
    ) -> Json:
        """Accepts a mass message to everyone, or to a tag: {msg_id, msg_data_id for articles}.

        `content` is msgtype with its branch; `client_id` ≤ 32 ASCII bytes: a repeat within 24 h is ApiError 45065.
        """
        scope: Json = {"is_to_all": True} if tag_id is None else {"is_to_all": False, "tag_id": tag_id}
        return self.post("message/mass/sendall", {"filter": scope, **content, **_mass(client_id)}, may_go)

    def send_to_many(
        self, openids: Sequence[str], content: Json, *, client_id: str, may_go: MayGo | None = None
    ) -> Json:
        """Accepts a mass message to 2 … 10 000 openids; otherwise as send_to_all."""
        body = {"touser": list(openids), **content, **_mass(client_id)}
        return self.post("message/mass/send", body, may_go)

    def preview(self, openid: str, content: Json) -> Json:
        """Shows a mass message to one follower, outside the month's four."""
        return self.post("message/mass/preview", {"touser": openid, **content})

    def send_template(
        self,
        openid: str,
        template_id: str,
        words: Mapping[str, str],
        *,
        client_id: str,
        url: str = "",
        may_go: MayGo | None = None,
    ) -> str:
        """Accepts a template message and gives its msgid; a repeat of client_id within 10 min is sent once."""
        body: Json = {"touser": openid, "template_id": template_id, "client_msg_id": client_id}
        body["data"] = {key: {"value": value} for key, value in words.items()}
        if url:
            body["url"] = url
        return str(self.post("message/template/send", body, may_go).get("msgid", ""))

    def send_service(self, openid: str, content: Json, may_go: MayGo | None = None) -> None:
        """Sends a customer-service message; only inside the window that the follower's last act opened."""
        self.post("message/custom/send", {"touser": openid, **content}, may_go)

    # -- material ------------------------------------------------------------------------------------------

    def add_draft(self, articles: Sequence[Json]) -> str:
        """The media_id of a new draft; it dies when the draft has been sent."""
        return answers.text(self.post("draft/add", {"articles": list(articles)}), "media_id")

    def add_material(self, kind: str, filename: str, data: bytes) -> str:
        """The media_id of a permanent image, voice or thumb."""
        return answers.text(self.upload("material/add_material", filename, data, type=kind), "media_id")

    def upload_media(self, kind: str, filename: str, data: bytes) -> str:
        """A media_id that is good for three days."""
        answer = self.upload("media/upload", filename, data, type=kind)
        return answers.text(answer, "media_id" if answer.get("media_id") else "thumb_media_id")

    def media(self, media_id: str) -> bytes:
        """A file that somebody sent less than three days ago: 40007 for one that WeChat no longer has."""
        return answers.file(self.get("media/get", media_id=media_id))

    def upload_picture(self, filename: str, data: bytes) -> str:
        """The address of a picture that an article's text may show."""
        return answers.text(self.upload("media/uploadimg", filename, data), "url")

    # -- menu ----------------------------------------------------------------------------------------------

    def create_menu(self, menu: Mapping[str, object]) -> None:
        """Replaces the menu by {button: […]}."""
        self.post("menu/create", menu)

    def menu(self) -> Json | None:
        """{menu: {button: […]}, …} as made over the API, or None when there is no menu."""
        try:
            return self.get("menu/get")
        except ApiError as error:
            if error.errcode != NO_MENU:
                raise
            return None

    def delete_menu(self) -> None:
        """Deletes the menu and every personalised one."""
        self.get("menu/delete")

    def shown_menu(self) -> Json:
        """{is_menu_open, selfmenu_info}: also menus that were made in the console."""
        return self.get("get_current_selfmenu_info")

    # -- people --------------------------------------------------------------------------------------------

    def tags(self) -> list[Json]:
        """The account's tags: [{id, name, count}], id a whole number."""
        found = answers.objects(self.get("tags/get"), "tags")
        return [{**tag, "id": answers.number(tag, "id")} for tag in found]

    def followers(self) -> Iterator[str]:
        """The openids of everyone who follows, 10 000 per call."""
        return (openid for page, _ in self.follower_pages() for openid in page)

    def follower_pages(self, after: str = "") -> Iterator[tuple[list[str], str]]:
        """The same in pages, each with the place after which the next one begins; from such a place on."""
        return self._pages(
            lambda place: self.get("user/get", **({"next_openid": place} if place else {})), after
        )

    def total(self) -> int:
        """How many follow the account."""
        return answers.number(self.get("user/get"), "total")

    def tag_pages(self, tag_id: int) -> Iterator[list[str]]:
        """The openids of everyone with this tag, 10 000 per call, in no order."""
        pages = self._pages(lambda after: self.post("user/tag/get", {"tagid": tag_id, "next_openid": after}))
        return (page for page, _ in pages)

    def profiles(self, openids: Sequence[str]) -> list[Json]:
        """What WeChat tells of at most 100 followers: subscribe, subscribe_time, tagid_list, remark, …"""
        asked = [{"openid": openid, "lang": "zh_CN"} for openid in openids]
        return answers.objects(self.post("user/info/batchget", {"user_list": asked}), "user_info_list")

    def sign_in(self, code: str) -> Json:
        """Whose code of the sign-in page this is: {openid, scope, …}, in 快照页 also is_snapshotuser (platform guide, 网页授权).
        A code is good once: 40163 for a used one, 40029 for an old one."""
        asked = {
            "appid": self._account.app_id,
            "secret": self._account.app_secret.get_secret_value(),
            "code": code,
            "grant_type": "authorization_code",
        }
        address = f"{self._account.api_base.rstrip('/')}/sns/oauth2/access_token"
        return self._wire().exchange("get", address, params=asked)

    def follows(self, openid: str) -> bool:
        """Whether this person follows the account."""
        return bool(self.profiles([openid])[0].get("subscribe"))

    def ticket(self) -> str:
        """What pages are signed with for the JS-SDK; one for all processes, asked for every two hours."""
        return self._shelved(self._tickets.token)

    def create_code(self, scene: str) -> str:
        """What a permanent QR code of this scene holds, to be drawn; 100 000 of an account (platform guide, 生成带参数的二维码).
        `scene` is 1 to 64 characters, and comes back as the EventKey of whoever scans it."""
        asked = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}}
        return answers.text(self.post("qrcode/create", asked), "url")

    # -- for doctor ----------------------------------------------------------------------------------------

    def callback_addresses(self) -> list[str]:
        """Where WeChat's pushes come from."""
        return answers.texts(self.get("getcallbackip"), "ip_list")

    def api_addresses(self) -> list[str]:
        """Where WeChat's API lives."""
        return answers.texts(self.get("get_api_domain_ip"), "ip_list")

    def check_callback(self) -> Json:
        """How WeChat reaches our address: {dns: […], ping: […]}."""
        return self.post("callback/check", {"action": "all", "check_operator": "DEFAULT"})

    def quota(self, path: str) -> Json:
        """{daily_limit, used, remain} of one path, such as message/template/send."""
        return answers.inner(self.post("openapi/quota/get", {"cgi_path": f"/cgi-bin/{path}"}), "quota")

    # -- how a call is made --------------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, object],
        may_go: MayGo | None = None,
        **sent: Any,
    ) -> Json:
        def exchange(token: str) -> Json:
            if may_go is not None and not may_go():
                raise HeldBack
            return self._wire().exchange(method, path, params={"access_token": token, **params}, **sent)

        token = self._shelved(self._keyring.token)
        try:
            return exchange(token)
        except ApiError as error:
            if error.errcode not in BAD_TOKEN:
                raise
            refused = error
        other = self._shelved(lambda: self._keyring.another(token))
        if other is None:
            raise refused
        return exchange(other)

    @staticmethod
    def _shelved(found: Callable[[], T]) -> T:
        """A token; whatever befalls the shelf that it stands on (a database that is away), nothing has been sent."""
        try:
            return found()
        except WeChatError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the shelf is made of
            raise NotSent(f"no token: {type(error).__name__}") from None

    def _stable_token(self, force: bool) -> tuple[str, int]:
        body = {
            "grant_type": "client_credential",
            "appid": self._account.app_id,
            "secret": self._account.app_secret.get_secret_value(),
            "force_refresh": force,
        }
        try:
            answer = self._wire().exchange("post", "stable_token", params={}, body=body)
        except ApiError as error:
            if error.errcode != 40001:
                raise
            # Of this endpoint 40001 says "wrong AppSecret"; of all others it says "bad token".
            refused = ApiError(WRONG_SECRET, error.errmsg, error.rid)
        else:
            return answers.text(answer, "access_token"), answers.number(answer, "expires_in", 1)
        raise refused

    def _ask_ticket(self, _: bool) -> tuple[str, int]:
        answer = self.get("ticket/getticket", type="jsapi")
        return answers.text(answer, "ticket"), answers.number(answer, "expires_in", 1)

    def _wire(self) -> Wire:
        """This thread's own; a forked process must not speak on its parent's connection."""
        pid, wire = getattr(self._mine, "wire", (0, None))
        if wire is None or pid != os.getpid():
            wire = Wire(self._account.app_id, self._account.api_base)
            self._mine.wire = (os.getpid(), wire)
        return wire

    @staticmethod
    def _pages(page: Callable[[str], Json], after: str = "") -> Iterator[tuple[list[str], str]]:
        """All pages and where each ends. A list that comes back to where it has been is at its end, or it would never end."""
        been = {"", after}
        while True:
            openids, following = answers.page(page(after))
            if following == after and after:
                return
            yield openids, following
            if not openids or following in been:
                return
            been.add(following)
            after = following


def _mass(client_id: str) -> Json:
    return {"clientmsgid": client_id, "send_ignore_reprint": 0}
