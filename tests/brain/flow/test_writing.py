"""A flow goes to YAML and back; the published schema says what the loader reads; the picture shows every way."""

import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.brain.flow import check_flow, dump_flow, flow_schema, flow_table, load_flow, picture, sample_values
from kefu.brain.flow.built_in import BUILT_IN
from kefu.brain.flow.filters import FILTERS
from kefu.brain.flow.reading_flow import FLOW_KEYS, INTERRUPT_KEYS, SLOT_KEYS, STEP_KEYS, WHEN_KEYS
from kefu.contracts.flow import Choice, Flow, Interrupts, SayStep, SetStep, Slot, SlotType


def test_it_is_the_same_after_writing_and_reading(table_flow, table_yaml):
    written = dump_flow(table_flow)
    assert load_flow(written) == table_flow
    assert dump_flow(load_flow(written)) == written
    assert load_flow(json.dumps(flow_table(table_flow))) == table_flow


def test_what_is_written_reads_well(table_flow):
    written = dump_flow(table_flow)
    assert "- ask: area\n  unknown:\n  - set: {area: inside}\n" in written
    assert "question: {en: 'Which day?', zh: 哪一天？}" in written
    assert max(map(len, written.splitlines())) < 120


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co", "Zl", "Zp"]), min_size=1, max_size=30).filter(
    lambda text: text.strip() == text and "{" not in text
)
data = st.recursive(
    st.none() | st.booleans() | st.integers(-9999, 9999) | words, lambda inner: st.lists(inner, max_size=3)
)


@settings(deadline=None)
@given(
    said=words,
    values=st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{2,8}", fullmatch=True).map("v_".__add__), data, min_size=1, max_size=3
    ),
    choices=st.lists(words, min_size=1, max_size=4, unique=True),
    cancel=st.lists(words, max_size=2),
)
def test_any_words_survive(said, values, choices, cancel):
    flow = Flow(
        id="any",
        languages=("en",),
        slots=(Slot("a", SlotType.CHOICE, {"en": said}, choices=tuple(map(Choice, choices))),),
        steps=(SayStep("say_1", texts={"en": said}), SetStep("other", values)),
        interrupts=Interrupts(cancel={"*": tuple(cancel)} if cancel else {}),
    )
    assert load_flow(dump_flow(flow)) == flow


def test_the_published_schema_is_the_one_in_the_code():
    published = files("kefu.contracts").joinpath("flow.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == flow_schema()
    jsonschema.Draft202012Validator.check_schema(flow_schema())


def test_the_schema_knows_what_the_loader_knows():
    schema = flow_schema()
    assert tuple(schema["properties"]) == FLOW_KEYS
    assert tuple(schema["properties"]["when"]["properties"]) == WHEN_KEYS
    assert tuple(schema["properties"]["interrupts"]["properties"]) == INTERRUPT_KEYS
    assert set(schema["$defs"]["slot"]["properties"]) == set(SLOT_KEYS)
    steps = [list(each["properties"]) for each in schema["$defs"]["step"]["oneOf"]]
    assert {kind: tuple(rest) for _, kind, *rest in steps} == STEP_KEYS


def test_the_example_fits_the_schema(table_yaml, table_flow):
    validator = jsonschema.Draft202012Validator(flow_schema())
    assert list(validator.iter_errors(yaml.load(table_yaml, Loader=yaml.CSafeLoader))) == []
    assert list(validator.iter_errors(flow_table(table_flow))) == []
    assert list(validator.iter_errors({"schema": "kefu.flow/v1", "steps": [{"sing": "x"}]}))


def test_the_picture_shows_every_step_and_way(table_flow):
    drawn = picture(table_flow)
    assert {node.id for node in drawn.nodes} == {step.id for step in table_flow.all_steps()}
    ways = {(edge.source, edge.target, edge.label) for edge in drawn.edges}
    assert ("if_1", "ask_3", "then") in ways
    assert ("find", "hand_over_1", "on_error") in ways
    assert ("goto_1", "details", "") in ways
    assert ("rate_1", "", "") in ways
    inside = {node.id: (node.parent, node.branch) for node in drawn.nodes}
    assert inside["book"] == ("if_1", "then")
    assert inside["set_2"] == ("choose_1", "again")


def test_every_slot_has_a_sample(table_flow):
    samples = sample_values(table_flow)
    assert set(samples) == {slot.name for slot in table_flow.slots}
    assert (samples["people"], samples["time"], samples["area"]) == (2, "11:00", "inside")


def test_the_flow_in_the_reference_is_right():
    reference = (Path(__file__).parents[3] / "docs" / "reference" / "flows.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", reference, re.DOTALL)
    assert check_flow(example).problems == ()


def test_the_reference_names_every_key_filter_and_built_in_reply():
    reference = (Path(__file__).parents[3] / "docs" / "reference" / "flows.md").read_text(encoding="utf-8")
    beside_steps = [key for keys in STEP_KEYS.values() for key in keys]
    keys = (*FLOW_KEYS, *WHEN_KEYS, *SLOT_KEYS, *INTERRUPT_KEYS, *STEP_KEYS, *beside_steps, *SlotType)
    assert [key for key in keys if not re.search(rf"`{key}[`:]", reference)] == []
    assert [name for name in (*FILTERS, *BUILT_IN) if not re.search(rf"`{name}[`(]", reference)] == []
