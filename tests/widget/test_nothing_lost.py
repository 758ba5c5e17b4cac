"""Nothing lost, nothing twice, and nothing that vanishes: the chat over cut lines, reloads, tabs and sleep."""

from __future__ import annotations

from playwright.sync_api import APIResponse, Page, Route, expect

from tests.running import RunningHub
from tests.widget.visiting import (
    BROWSER,
    HISTORY,
    NEWS,
    PATIENT,
    PICTURE,
    SAYING,
    Visit,
    answer,
    heard,
    kept,
    nothing_waits,
    on_the_desk,
    opened,
    said,
    say,
    soon,
    texts,
    ticket_of,
    word,
)

pytestmark = BROWSER


def test_offline_and_back_and_a_reload_between(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = opened(visit(trouble=True))
    say(page, name)
    kept(page, name)
    page.context.set_offline(True)
    say(page, "tanpa jaringan 1")
    say(page, "tanpa jaringan 2")
    expect(page.locator("[data-state=sending]")).to_have_count(2)
    expect(page.locator(".notice")).to_have_text("You are offline. What you write is sent as soon as you are back.")
    number = answer(hub, name, "Sementara itu")
    page.context.set_offline(False)
    nothing_waits(page)
    expect(said(page, "Sementara itu")).to_have_count(1, timeout=PATIENT)
    expect(page.locator(".notice")).to_be_hidden(timeout=PATIENT)
    # We are away, the shop is not: what is written stays over a reload, files too.
    page.context.route(f"{hub.url}/widget/messages/**", lambda route: route.abort())
    page.locator("input[type=file]").first.set_input_files(PICTURE)
    say(page, "sebelum muat ulang")
    say(page, "sesudahnya")
    page.get_by_label("Write a message").fill("belum selesai")
    expect(page.locator("[data-state=sending]")).to_have_count(2)
    page.reload()
    opened(page)
    expect(page.get_by_label("Write a message")).to_have_value("belum selesai")
    expect(page.locator("[data-state=sending]")).to_have_count(2)
    page.context.unroute(f"{hub.url}/widget/messages/**")
    nothing_waits(page)
    wanted = [name, "tanpa jaringan 1", "tanpa jaringan 2", "sebelum muat ulang", "sesudahnya"]
    assert on_the_desk(hub, number) == wanted
    # What was there before is read when the line is back.
    expect(said(page, "Sementara itu")).to_have_count(1, timeout=PATIENT)
    assert sorted(texts(page)) == sorted([*wanted, "Sementara itu"])


def test_the_web_process_is_killed_in_the_middle(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = opened(visit(trouble=True))
    say(page, name)
    kept(page, name)
    hub.kill("hub.server")
    say(page, "selagi mati 1")
    say(page, "selagi mati 2")
    hub.wait_ready()
    number = answer(hub, name, "Kami kembali")
    expect(said(page, "Kami kembali")).to_have_count(1, timeout=PATIENT)
    nothing_waits(page)
    assert on_the_desk(hub, number) == [name, "selagi mati 1", "selagi mati 2"]
    assert sorted(texts(page)) == sorted([name, "selagi mati 1", "selagi mati 2", "Kami kembali"])


def test_where_sockets_are_blocked_plain_requests_do(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = visit(trouble=True)
    page.route_web_socket("**/ws/widget/**", lambda socket: socket.close())
    opened(page)
    say(page, name)
    kept(page, name)
    answer(hub, name, "Tanpa soket")
    expect(said(page, "Tanpa soket")).to_have_count(1, timeout=PATIENT)


def test_whoever_is_told_to_wait_waits_and_a_lost_token_begins_anew(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = opened(visit(trouble=True))
    refused: list[Route] = []

    def twice(route: Route) -> None:
        if route.request.method != "POST" or len(refused) == 2:
            route.fallback()
            return
        refused.append(route)
        # The second is answered when the notice has been read.
        if len(refused) == 1:
            too_fast(route)

    def too_fast(route: Route) -> None:
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Retry-After",
            "Retry-After": "1",
        }
        route.fulfill(status=429, headers=headers, json={"detail": "Wait."})

    say(page, f"{name} 0")
    kept(page, f"{name} 0")
    page.route(f"{hub.url}/widget/messages/", twice)
    for number in range(1, 9):
        say(page, f"{name} {number}")
    soon(page, lambda: len(refused) == 2)
    expect(page.locator(".notice")).to_have_text("That was fast. The rest is sent in a moment.")
    too_fast(refused[1])
    nothing_waits(page)
    expect(page.locator(".notice")).to_be_hidden()
    # The same one both times, and nothing overtook it.
    assert [f"{name} 1" in str(one.request.post_data) for one in refused] == [True, True]
    wanted = [f"{name} {number}" for number in range(9)]
    with hub.api("bea") as api:
        assert on_the_desk(hub, ticket_of(api, name)) == wanted
    assert texts(page) == wanted
    # The token is taken back somewhere else, and something waits.
    page.evaluate(
        """async (hub) => {
          mayVanish();
          const name = Object.keys(localStorage).find((key) => key.split(":").length === 2);
          const kept = JSON.parse(localStorage.getItem(name));
          await fetch(hub + "/widget/session/", {method: "DELETE", headers: {Authorization: "Bearer " + kept.token}});
        }""",
        hub.url,
    )
    again = word()
    say(page, again)
    expect(heard(page)).to_contain_text("The chat has begun anew in this browser. What you wrote is kept and sent.")
    kept(page, again)
    assert texts(page) == [again]


def test_two_tabs_agree(visit: Visit, hub: RunningHub) -> None:
    name = word()
    first = opened(visit())
    second = visit(within=first.context)
    opened(second)
    for number in range(3):
        say(first, f"{name} a{number}")
        say(second, f"{name} b{number}")
    for page in (first, second):
        expect(page.locator(".mine")).to_have_count(6)
        nothing_waits(page)
    assert texts(first) == texts(second)
    number = answer(hub, f"{name} a0", "Untuk dua-duanya")
    for page in (first, second):
        expect(said(page, "Untuk dua-duanya")).to_have_count(1)
    assert sorted(on_the_desk(hub, number)) == sorted(f"{name} {tab}{at}" for tab in "ab" for at in range(3))


# ── At no moment missing, at no moment twice ─────────────────────────────────────────────────


def deaf(page: Page) -> None:
    """From now on nothing new is heard there, by no way."""
    page.route_web_socket("**/ws/widget/**", lambda _silent: None)
    page.route(NEWS, lambda route: route.abort())


def test_what_is_sent_while_the_past_is_read_stays(visit: Visit) -> None:
    """The answer is of the moment at which it was asked for."""
    name = word()
    page = opened(visit(trouble=True))
    say(page, name)
    kept(page, name)
    held: list[tuple[Route, APIResponse]] = []
    page.route(HISTORY, lambda route: held.append((route, route.fetch())))
    deaf(page)
    page.reload()
    opened(page)
    soon(page, lambda: held)
    say(page, "selagi dibaca")
    kept(page, "selagi dibaca")
    page.unroute(HISTORY)
    for route, response in held:
        route.fulfill(response=response)
    expect(said(page, name)).to_have_count(1, timeout=PATIENT)
    assert texts(page) == [name, "selagi dibaca"]


def test_what_another_tab_has_sent_stays_until_its_number_comes(visit: Visit) -> None:
    name = word()
    first = opened(visit(trouble=True))
    say(first, name)
    kept(first, name)
    second = visit(within=first.context, trouble=True)
    second.clock.install()
    deaf(second)
    second.route(SAYING, lambda route: route.abort())
    second.reload()
    opened(second)
    expect(said(second, name)).to_have_count(1)
    say(second, "dari tab kedua")
    kept(first, "dari tab kedua")
    soon(second, lambda: second.evaluate("!Object.keys(localStorage).some((key) => key.includes(':q:'))"))
    for _look in range(3):
        second.clock.fast_forward(20_000)
        assert texts(second) == [name, "dari tab kedua"]
    second.unroute(NEWS)
    second.clock.fast_forward(20_000)
    kept(second, "dari tab kedua")
    assert texts(second) == texts(first) == [name, "dari tab kedua"]


# As slow as a phone's storage is for a film: until it is released.
SLOW_STORAGE = """{
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (...given) {
    const asked = {};
    window.release = () => {
      const real = open.apply(this, given);
      real.onupgradeneeded = () => ((asked.result = real.result), asked.onupgradeneeded());
      real.onsuccess = () => ((asked.result = real.result), asked.onsuccess());
    };
    return asked;
  };
}"""


def test_a_message_with_files_stands_there_before_they_are_kept(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = opened(visit(first=SLOW_STORAGE))
    page.locator("input[type=file]").first.set_input_files(PICTURE)
    say(page, name)
    expect(said(page, name).get_by_role("button", name="Picture: kopi.png")).to_be_visible()
    say(page, "sesudahnya")
    expect(said(page, "sesudahnya")).to_have_attribute("data-state", "sending")
    assert texts(page) == [name, "sesudahnya"]
    page.evaluate("release(); 1")
    kept(page, "sesudahnya")
    assert texts(page) == [name, "sesudahnya"]
    with hub.api("bea") as api:
        assert on_the_desk(hub, ticket_of(api, name)) == [name, "sesudahnya"]


def test_two_tabs_of_a_browser_without_locks_say_it_once(visit: Visit, hub: RunningHub) -> None:
    name, without = word(), "delete Navigator.prototype.locks"
    first = visit(first=without)
    context = first.context
    second = visit(within=context, first=without)
    assert first.evaluate("navigator.locks") is None
    # Both begin at once: who is answered last stays with the visitor that the other has become, and spoken as.
    begun: list[Route] = []
    context.route("**/session/**", lambda route: begun.append(route))
    for page in (first, second):
        page.get_by_role("button", name="Open the chat").click()
    soon(first, lambda: len(begun) == 2)
    early, late = (route.request.frame.page for route in begun)
    begun[0].continue_()
    expect(early.get_by_label("Write a message")).to_be_focused()
    say(early, name)
    kept(early, name)
    soon(late, lambda: late.evaluate("localStorage.length"))
    begun[1].continue_()
    expect(late.get_by_label("Write a message")).to_be_focused()
    for page in (early, late):
        kept(page, name)
    # Both send the same at once: it is kept once.
    posts: list[Route] = []
    context.route(SAYING, lambda route: posts.append(route))
    say(first, f"{name} lagi")
    soon(first, lambda: len(posts) == 2)
    context.unroute(SAYING)
    for route in posts:
        route.continue_()
    for page in (first, second):
        kept(page, f"{name} lagi")
    for at in range(3):
        say(first, f"{name} a{at}")
        say(second, f"{name} b{at}")
    for page in (first, second):
        expect(page.locator(".mine")).to_have_count(8)
        nothing_waits(page)
    assert texts(first) == texts(second)
    with hub.api("bea") as api:
        number = ticket_of(api, name)
    wanted = [name, f"{name} lagi", *(f"{name} {tab}{at}" for tab in "ab" for at in range(3))]
    assert sorted(on_the_desk(hub, number)) == sorted(wanted)


# ── A browser that keeps nothing, and a visitor whom we have kept no longer ──────────────────


# As Chromium with all cookies forbidden, and as a page in a frame without the rights of its origin.
FORBIDDEN = """{
  const forbid = (what, name, value) => Object.defineProperty(what, name, value);
  const denied = () => { throw new DOMException("Access is denied", "SecurityError"); };
  forbid(window, "localStorage", { get: denied });
  forbid(window, "indexedDB", { get: denied });
  forbid(LockManager.prototype, "request", { value: async () => denied() });
}"""


def test_a_browser_that_may_keep_nothing_can_chat(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = opened(visit(first=FORBIDDEN))
    say(page, name)
    kept(page, name)
    page.locator("input[type=file]").first.set_input_files(PICTURE)
    say(page, "dengan gambar")
    kept(page, "dengan gambar")
    number = answer(hub, name, "Terima kasih")
    expect(said(page, "Terima kasih")).to_have_count(1)
    assert on_the_desk(hub, number) == [name, "dengan gambar"]
    # Forbidden it was.
    assert page.evaluate("navigator.locks.request('x', () => 1).catch((error) => error.name)") == "SecurityError"


FORGOTTEN = """
from datetime import timedelta
from channels_app.widget import visitors
from channels_app.widget.models import VisitorConversation as Conversation
found = Conversation.objects.filter(external_id={visitor!r}, last_seq=0)
assert found.update(created_at=visitors.timezone.now() - timedelta(days=31)) == 1
visitors.purge()
assert not found.exists()
"""
WHO = "JSON.parse(localStorage[Object.keys(localStorage).find((key) => key.split(':').length === 2)]).visitor"


def test_whoever_is_forgotten_after_a_silent_month_begins_again_and_loses_nothing(
    visit: Visit, hub: RunningHub
) -> None:
    def forget(visitor: str) -> None:
        hub.manage("shell", "--verbosity", "0", "-c", FORGOTTEN.format(visitor=visitor))

    page = opened(visit(trouble=True))
    shop = page.url
    soon(page, lambda: page.evaluate(f"{LINE}.ready"))
    field = page.get_by_label("Write a message")
    field.fill("baru diketik")
    # The chat stands open, and its socket is shut when the hub has looked.
    first = page.evaluate(WHO)
    forget(first)
    soon(page, lambda: page.evaluate(WHO) != first)
    expect(field).to_have_value("baru diketik")
    # Once more while the page is left, with what waits and what was being written.
    page.route(SAYING, lambda route: route.abort())
    name = word()
    say(page, name)
    page.locator("input[type=file]").first.set_input_files(PICTURE)
    say(page, "dengan gambar")
    expect(page.locator("[data-state=sending]")).to_have_count(2)
    # While it waits, a word stands on one line.
    assert max(page.locator(".mine .text").evaluate_all("(all) => all.map((one) => one.offsetHeight)")) < 40
    field.fill("belum selesai")
    second = page.evaluate(WHO)
    page.goto("about:blank")
    page.unroute(SAYING)
    forget(second)
    page.goto(shop)
    opened(page)
    kept(page, "dengan gambar")
    assert page.evaluate(WHO) not in (first, second)
    expect(field).to_have_value("belum selesai")
    page.keyboard.press("Enter")
    kept(page, "belum selesai")
    wanted = [name, "dengan gambar", "belum selesai"]
    assert texts(page) == wanted
    with hub.api("bea") as api:
        assert on_the_desk(hub, ticket_of(api, name)) == wanted


# ── Other networks, and sleep ────────────────────────────────────────────────────────────────


NETWORK = "Object.defineProperty(navigator, 'connection', {value: Object.assign(new EventTarget(), {type: 'wifi'})})"
LINE = "document.querySelector('pelanggan-chat').chat.hearing"


def test_another_network_and_a_long_sleep_open_the_line_anew(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = visit(trouble=True, first=NETWORK)
    page.clock.install()
    page.reload()
    opened(page)
    say(page, name)
    kept(page, name)
    soon(page, lambda: page.evaluate(f"{LINE}.ready"))
    changed = "navigator.connection.dispatchEvent(new Event('change'))"
    # The same network at another speed is no other line.
    assert page.evaluate(f"{{ const {{ socket }} = {LINE}; {changed}; {LINE}.socket === socket }}")
    with page.expect_websocket():
        page.evaluate(f"navigator.connection.type = 'cellular'; {changed}")
    answer(hub, name, "Di jaringan lain")
    expect(said(page, "Di jaringan lain")).to_have_count(1, timeout=PATIENT)
    with page.expect_websocket():
        page.clock.fast_forward(60_000)
    answer(hub, name, "Sesudah tidur")
    expect(said(page, "Sesudah tidur")).to_have_count(1, timeout=PATIENT)
    assert texts(page) == [name, "Di jaringan lain", "Sesudah tidur"]


def test_a_line_that_is_dead_and_does_not_know_it_is_noticed_with_the_chat_shut(visit: Visit, hub: RunningHub) -> None:
    name = word()
    page = visit(trouble=True)
    page.clock.install()
    page.reload()
    opened(page)
    say(page, name)
    kept(page, name)
    hello = '{"type": "hello", "at": 1}'
    page.route_web_socket("**/ws/widget/**", lambda socket: socket.on_message(lambda _said: socket.send(hello)))
    page.reload()
    opened(page)
    soon(page, lambda: page.evaluate(f"{LINE}.ready"))
    page.keyboard.press("Escape")
    answer(hub, name, "Tidak terdengar")
    unread = page.get_by_role("button", name="Open the chat, new messages: 1")

    def noticed() -> bool:
        """After one more minute in which nothing slept."""
        page.clock.run_for(60_000)
        return unread.is_visible()

    soon(page, noticed)
