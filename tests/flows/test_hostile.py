"""No text, however strange or hostile, crashes a flow, looks out of a template, or leads a tool's request astray.

`hostile/NOTICE.md` says where the texts are from; `benchmarks/hostile.py --data DIR` takes whole collections.
"""

from pathlib import Path

import pytest
from tests.flows import holding

import kefu.demo
from kefu.brain.flow import load_flow

HERE = Path(__file__).parent
NAUGHTY = list(holding.texts_of(HERE / "hostile/blns.json"))
INJECTED = [text for text in holding.texts_of(HERE / "hostile/injection.jsonl") if len(text) > 5]
TABLE = load_flow((HERE.parent / "brain/flow/book_table.yaml").read_text(encoding="utf-8"))
DEMO = Path(kefu.demo.__file__).parent / "flows"


@pytest.mark.parametrize("texts", [NAUGHTY, INJECTED, holding.ASTRAY], ids=["naughty", "injected", "astray"])
class TestWhateverIsSaid:
    def test_slots_stay_empty_or_hold_plain_data(self, texts: list[str]) -> None:
        for text in texts[::4]:
            holding.slots_stay_empty_or_hold_plain_data(text)

    def test_every_question_of_a_flow_stands(self, texts: list[str]) -> None:
        for text in texts[::12]:
            holding.every_question_stands(text, TABLE)

    def test_flows_go_on_or_are_over(self, texts: list[str]) -> None:
        flows = holding.load_all(DEMO)
        for text in texts[3::40]:
            holding.flows_go_on(text, flows)

    def test_templates_reach_nothing(self, texts: list[str]) -> None:
        for text in texts[1::3]:
            holding.templates_reach_nothing(text)

    def test_requests_go_to_the_tools_own_host_and_folder(self, texts: list[str]) -> None:
        for text in texts:
            holding.requests_stay_at_home(text)

    def test_no_address_leads_into_ones_own_network(self, texts: list[str]) -> None:
        assert holding.no_forbidden_host_is_reached(texts) > 0
