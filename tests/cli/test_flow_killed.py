"""A flow's effects happen once, though the server is killed while a system works for it."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from kefu.testing.fakes import FakeServer, Handler, SeenRequest

from ..ports import free_port
from .homes import Home, Server

WITHIN = 400.0  # seconds that a start may take on a crowded machine, and a turn that is taken up again
TOOLS = """
tools:
  - {name: shop.place, method: POST, url: "ADDRESS/orders", body: {item: "{item}"}, outputs: {number: $.number}}
  - {name: shop.check, url: "ADDRESS/orders/{number}", outputs: {state: $.state}}
"""
BUY = """schema: kefu.flow/v1
id: buy
name: {en: Buy}
languages: [en]
when: {keywords: {en: [buy a lamp]}}
steps:
  - call: shop.place
    with: {item: lamp}
    save: {number: "{{ result.number }}"}
    on_error:
      - hand_over: {reason: tool, note: "{{ error.code }}"}
  - call: shop.check
    with: {number: "{{ number }}"}
    save: {state: "{{ result.state }}"}
    on_error:
      - hand_over: tool
  - say: {en: "Order {{ number }} is {{ state }}."}
"""


class Shop(FakeServer):
    """A company's shop, whose caller may not survive: the server dies while `fatal` is worked on."""

    def __init__(self) -> None:
        super().__init__()
        self.server: Server | None = None
        self.fatal = ""
        self.killed = threading.Event()

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        if request.method == self.fatal:
            self.fatal = ""
            assert self.server is not None
            self.server.kill()
            self.killed.set()
            handler.close_connection = True
        elif request.method == "POST":
            handler.send_json(200, {"number": f"LL{self.placed}"})
        else:
            handler.send_json(200, {"state": "packed"})

    @property
    def placed(self) -> int:
        return sum(request.method == "POST" for request in self.requests)


@pytest.mark.slow
def test_a_killed_server_orders_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", {"KEFU_TURN_LEASE_SECONDS": "2", "KEFU_ALLOW_PRIVATE_ADDRESSES": "true"})
    with Shop() as shop:
        files = tmp_path / "files"
        (files / "flows").mkdir(parents=True)
        (files / "flows/buy.yaml").write_text(BUY, encoding="utf-8")
        (files / "tools.yaml").write_text(TOOLS.replace("ADDRESS", shop.address), encoding="utf-8")
        assert home.kefu("flow", "push", files, "--publish").code == 0
        key = home.kefu("keys", "create", "customers", "--json").json["key"]
        server = shop.server = Server(home, free_port())
        headers = {"Authorization": f"Bearer {key}"}
        server.start()
        try:
            with httpx.Client(base_url=server.url, headers=headers, timeout=WITHIN) as program:
                known = survived(shop, server, program, "GET")
                assert (known["decision"], known["answer"]) == ("flow", "Order LL1 is packed.")
                assert (shop.placed, len(shop.requests)) == (1, 3)  # what is safe is asked again, nothing else
                unknown = survived(shop, server, program, "POST")
                assert unknown["decision"] == "hand_over"
                assert (shop.placed, len(shop.requests)) == (2, 4)
        finally:
            server.kill()


def survived(shop: Shop, server: Server, program: httpx.Client, fatal: str) -> dict[str, Any]:
    """What a customer is answered whose server died while their order was worked on."""
    server.ready(within=WITHIN)
    shop.killed.clear()
    shop.fatal = fatal
    thread = program.post("/v1/conversations", json={}).json()["id"]
    said = {"text": "I want to buy a lamp"}
    stored = program.post(f"/v1/conversations/{thread}/messages?wait=0", json=said).json()
    assert shop.killed.wait(WITHIN)
    server.start()
    server.ready(within=WITHIN)
    again = {"Idempotency-Key": "second"}
    last = program.post(f"/v1/conversations/{thread}/messages?wait=60", json={"text": "Thanks"}, headers=again)
    assert last.status_code in {200, 201}
    for _ in range(10 * int(WITHIN)):
        lines = program.get(f"/v1/conversations/{thread}/messages").json()["messages"]
        mine = [line for line in lines if line["author"] == "assistant" and line["turn"] == stored["message"]["turn"]]
        if mine:
            break
        threading.Event().wait(0.1)
    [reply] = mine
    return reply["answer"]  # type: ignore[no-any-return]
