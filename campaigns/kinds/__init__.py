"""Every kind of taking part, by its word in the config file. A new one is a module here, one in models/, and one line below."""

from collections.abc import Mapping

from campaigns.kind import Kind
from campaigns.kinds import evaluation, live_record, opinion, poll, quiz, request, riddle, sign_up, wish

KINDS: Mapping[str, Kind] = {
    "evaluation": evaluation.KIND,
    "live-record": live_record.KIND,
    "opinion": opinion.KIND,
    "poll": poll.KIND,
    "quiz": quiz.KIND,
    "request": request.KIND,
    "riddle": riddle.KIND,
    "sign-up": sign_up.KIND,
    "wish": wish.KIND,
}

__all__ = ["KINDS"]
