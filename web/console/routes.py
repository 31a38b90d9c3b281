"""Which pages and deeds the desk has, and whose each is: the only list that is served below /console/."""

from __future__ import annotations

from models.staff import ANSWERING, AUDIT, CAMPAIGN, GUIDE, LEAD, PLAN, PUSH, SECURITY, SYSTEM, TEACH
from web.console import (
    check_in,
    editions,
    figures,
    halting,
    letters,
    listing,
    live,
    menu,
    occasion,
    opinions,
    pushes,
    requests,
    sign_in,
    synonyms,
    system,
    today,
    unions,
)
from web.console.lists import LISTS
from web.console.route import ANYBODY, STRANGERS, Route
from web.parts import Parts

STEER = (LEAD, PUSH)  # who moves a push
TELL = (LEAD, GUIDE)  # who looks after the menu
TEND = (LEAD, CAMPAIGN)  # who looks after an activity

# fmt: off
ROUTES = (
    Route("/sign-in", sign_in.ask, STRANGERS),
    Route("/sign-in", sign_in.enter, STRANGERS, post=True),
    Route("/begin/<secret>", sign_in.begin, STRANGERS),
    Route("/begin/<secret>", sign_in.enrol, STRANGERS, post=True),
    Route("/", today.first, ANYBODY, menu="今天", below=True),
    Route("/mine", sign_in.mine, ANYBODY, below=True),
    Route("/mine/end/<mark>", sign_in.end, ANYBODY, post=True, below=True),
    Route("/sign-out", sign_in.leave, ANYBODY, post=True, below=True),
    Route("/halt", halting.halt, PLAN, post=True, asks=halting.asks_halt),
    Route("/unhalt", halting.unhalt, (LEAD,), post=True, asks=halting.asks_unhalt, proof=True),
    Route("/year", pushes.year, PLAN, menu="全年"),
    Route("/calendar", pushes.this_month, PLAN),
    Route("/calendar/<int:number>", pushes.calendar, PLAN),
    Route("/plan/<campaign>/<push_id>", pushes.plan, PLAN),
    Route("/plan/<campaign>/<push_id>/start", pushes.start, STEER, post=True, asks=pushes.asks_start, proof=True),
    Route("/plan/<campaign>/<push_id>/test", pushes.test, STEER, post=True),
    Route("/plan/<campaign>/<push_id>/call-off", pushes.call_off, STEER, post=True, asks=pushes.asks_call_off),
    Route("/plan/<campaign>/<push_id>/take-back", pushes.take_back, STEER, post=True),
    Route("/plan/<campaign>/<push_id>/approve", pushes.approve, STEER, post=True, proof=True),
    Route("/plan/<campaign>/<push_id>/withdraw", pushes.withdraw, STEER, post=True),
    Route("/push/<int:number>", occasion.look, PLAN),
    Route("/push/<int:number>/progress", occasion.progress, PLAN, quiet=True),
    Route("/push/<int:number>/pause", occasion.pause, STEER, post=True),
    Route("/push/<int:number>/resume", occasion.resume, STEER, post=True, asks=occasion.asks_resume),
    Route("/push/<int:number>/cancel", occasion.cancel, STEER, post=True, asks=occasion.asks_cancel),
    Route("/edition/<int:number>", editions.look, PLAN),
    Route("/edition/<int:number>/do/<what>", editions.do, TEND, post=True),
    Route("/edition/<int:number>/extend", editions.extend, TEND, post=True, asks=editions.asks_extend),
    Route("/export/edition/<int:number>", editions.take, TEND, post=True),
    Route("/check-in/<int:number>", check_in.look, TEND),
    Route("/check-in/<int:number>/scan", check_in.scan, TEND, post=True),
    Route("/check-in/<int:number>/do/<what>", check_in.do, TEND, post=True),
    Route("/check-in/<int:number>/give", check_in.give, TEND, post=True),
    Route("/check-in/<int:number>/proof/<int:handout_id>", check_in.proof, TEND),
    Route("/live/<int:number>", live.look, TEND),
    Route("/live/<int:number>/post", live.post, TEND, post=True),
    Route("/live/<int:number>/do/<what>", live.do, TEND, post=True),
    Route("/photo/<int:number>/<size>", editions.picture, TEND),
    Route("/union/<code>", unions.look, PLAN, below=True),
    Route("/union/<code>/poster/<int:number>", unions.poster, PLAN, below=True),
    Route("/union/<code>/code", unions.make_code, (LEAD, CAMPAIGN), post=True, below=True),
    Route("/union/<code>/move", unions.move, (LEAD,), post=True, asks=unions.asks_move, below=True),
    Route("/union/<code>/merge", unions.merge, (LEAD,), post=True, asks=unions.asks_merge, proof=True, below=True),
    Route("/union/<code>/close", unions.close, (LEAD,), post=True, asks=unions.asks_close, proof=True, below=True),
    Route("/menu", menu.look, TELL, menu="菜单"),
    Route("/menu/publish", menu.publish, TELL, post=True, asks=menu.asks_publish, proof=True),
    Route("/menu/rollback", menu.rollback, TELL, post=True, asks=menu.asks_rollback, proof=True),
    Route("/menu/new", menu.new, TELL, post=True),
    Route("/menu/<int:number>", menu.edit, TELL),
    Route("/menu/<int:number>/save", menu.save, TELL, post=True),
    Route("/menu/<int:number>/publish", menu.publish_one, TELL, post=True, asks=menu.asks_publish_one, proof=True),
    Route("/menu/<int:number>/plan", menu.plan, TELL, post=True, asks=menu.asks_plan, proof=True),
    Route("/menu/<int:number>/cancel", menu.cancel, TELL, post=True),
    Route("/figures", figures.look, PLAN, menu="数据", below=True),
    Route("/figures/edition/<int:number>", figures.edition, PLAN, below=True),
    Route("/export/figures/<name>", figures.take, PLAN, post=True, below=True),
    Route("/export/figures/edition/<int:number>", figures.take_edition, PLAN, post=True, below=True),
    Route("/intake/unions", unions.ask_unions, (LEAD,)),
    Route("/intake/unions", unions.take_unions, (LEAD,), post=True),
    Route("/intake/members", unions.ask_members, (LEAD, CAMPAIGN), below=True),
    Route("/intake/members", unions.take_members, (LEAD, CAMPAIGN), post=True, below=True),
    Route("/request/<int:number>", requests.look, ANSWERING, below=True),
    Route("/request/<int:number>/do/<what>", requests.do, ANSWERING, post=True, below=True),
    Route("/request/<int:number>/photo/<size>", requests.picture, ANSWERING, below=True),
    Route("/opinion/<key>", opinions.look, ANSWERING),
    Route("/opinion/<key>/do/<what>", opinions.do, ANSWERING, post=True),
    Route("/letter/<int:number>", letters.look, ANSWERING),
    Route("/letter/<int:number>/answer", letters.answer, ANSWERING, post=True),
    Route("/letter/<int:number>/take", letters.take, ANSWERING, post=True),
    Route("/letter/<int:number>/finish", letters.finish, ANSWERING, post=True),
    Route("/letter/<int:number>/reopen", letters.reopen, ANSWERING, post=True),
    Route("/letter/<int:number>/hand-over", letters.hand_over, ANSWERING, post=True),
    Route("/letter/<int:number>/note", letters.note, ANSWERING, post=True),
    Route("/synonyms", synonyms.look, TEACH, menu="说法"),
    Route("/synonyms", synonyms.teach, TEACH, post=True),
    Route("/synonyms/<int:number>/take-back", synonyms.take_back, TEACH, post=True),
    Route("/system", system.look, (SYSTEM, AUDIT, LEAD), menu="系统"),
    Route("/system/verify", system.verify, (AUDIT, LEAD), post=True),
    Route("/alarm/<mark>", system.one_alarm, (LEAD, SYSTEM)),
    Route("/alarm/<mark>/clear", system.clear_alarm, (LEAD, SYSTEM), post=True),
    Route("/new-colleague", system.new_colleague, (SECURITY,)),
    Route("/new-colleague", system.add_colleague, (SECURITY,), post=True, proof=True),
    Route("/colleague/<login>", system.colleague, (SECURITY,)),
    Route("/colleague/<login>/reset", system.reset, (SECURITY,), post=True, asks=system.asks_reset, proof=True),
    Route("/colleague/<login>/lock", system.lock, (SECURITY,), post=True, asks=system.asks_lock, proof=True),
    Route("/colleague/<login>/hand-over", system.hand_over, (SECURITY,), post=True, asks=system.asks_hand_over, proof=True),
    Route("/colleague/<login>/duties", system.share_out, (SECURITY,), post=True, proof=True),
)
# fmt: on
DEMO = (Route("/sign-in/as/<login>", sign_in.enter_as, STRANGERS, post=True),)


def routes(parts: Parts) -> list[Route]:
    """Those of this house: under `demo` also the one-click door."""
    return [*ROUTES, *listing.routes(LISTS), *(DEMO if parts.demo else ())]
