"""Datasets through the members' door: uploaded, looked through, mended, checked, split."""

import gzip
import json
from typing import Any

import pytest
from django.core.files.storage import default_storage

from kefu.desk.actor import Role
from kefu.desk.modelhub.models import DatasetVersion
from kefu.kit.settings import settings

from ..desks import BASE, Desk, desk_for
from ..shops import Shop, made_shop
from .rigs import finished, upload, uploaded
from .samples import rows, sheet

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_for(shop, Role.SUPERVISOR)


@pytest.fixture
def intents(desk: Desk) -> Any:
    return upload(desk, sheet(), name="intents.csv")


def files_of(shop: Shop) -> list[str]:
    return list(DatasetVersion.objects.of(shop.workspace_id).values_list("file", flat=True))


def test_a_csv_becomes_a_dataset(intents: Any, desk: Desk) -> None:
    latest = intents["latest"]
    assert (intents["name"], intents["versions"], latest["number"]) == ("intents.csv", 1, 1)
    assert latest["rows"] == len(rows())
    assert latest["labels"] == {"delivery": 32, "hours": 32, "refund": 32}
    assert desk.get("/datasets")["datasets"] == [intents]


def test_bad_rows_are_named_and_the_rest_is_kept(desk: Desk) -> None:
    data = b"text,label\nWhere is it,delivery\n,refund\nHow much\nMy money,refund\n"
    latest = upload(desk, data)["latest"]
    assert latest["rows"] == 2
    assert latest["bad_rows"] == 2
    assert [(each["row"], each["column"]) for each in latest["bad"]] == [(3, "text"), (4, "")]
    assert all(each["problem"] and each["fix"] for each in latest["bad"])


def test_personal_data_are_masked_before_they_are_kept(desk: Desk, shop: Shop) -> None:
    data = b"text,label,note\nCall me on 13800138000,phone,mia@shop.example wrote\nMy money,refund,\n"
    made = upload(desk, data)
    place = f"/datasets/{made['id']}/rows"
    desk.patch(place, {"base": 1, "changes": [{"number": 2, "text": "Write to leo@shop.example"}]}, expect=201)
    assert [each["text"] for each in desk.get(place)["rows"]] == ["Call me on <PHONE_1>", "Write to <EMAIL_1>"]
    for file in files_of(shop):
        with default_storage.open(file) as stored:
            kept = gzip.decompress(stored.read())
        assert b"13800138000" not in kept
        assert b"@shop.example" not in kept


def test_columns_may_be_named(desk: Desk) -> None:
    data = b"said,about\nWhere is it,delivery\nMy money,refund\n"
    latest = upload(desk, data, text_column="said", label_column="about")["latest"]
    assert latest["labels"] == {"delivery": 1, "refund": 1}


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02\xff" * 50, b"text,label\n,\n,\n"])
def test_files_without_a_good_row_are_refused(desk: Desk, data: bytes) -> None:
    upload(desk, data, expect=422)
    assert desk.get("/datasets")["datasets"] == []


def test_a_name_is_taken_once(desk: Desk, intents: Any) -> None:
    upload(desk, sheet(), expect=409)
    assert upload(desk, sheet(), name="other.csv")["name"] == "other.csv"
    assert upload(desk, sheet(), **{"name": "third.csv"})["name"] == "third.csv"


def test_too_large_a_file_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kefu.desk.modelhub.actions.data.MOST_ROWS", 10)
    upload(desk, sheet(), expect=413)
    upload(desk, b"x" * (settings().upload_megabytes * 2**20 + 1), expect=413)


def test_the_same_rows_make_no_new_version(desk: Desk, intents: Any, shop: Shop) -> None:
    place = f"/datasets/{intents['id']}/versions"
    same = json.dumps([{"text": text, "label": label} for text, label in rows()]).encode()
    assert uploaded(desk, place, same, name="same.json")["versions"] == 1
    grown = uploaded(desk, place, sheet([*rows(), ("Can I collect it", "delivery")]))
    assert (grown["versions"], grown["latest"]["number"]) == (2, 2)
    assert [each["number"] for each in grown["all_versions"]] == [2, 1]
    assert len(files_of(shop)) == 2


def test_rows_are_paged_and_found(desk: Desk, intents: Any) -> None:
    place = f"/datasets/{intents['id']}/rows"
    page = desk.get(f"{place}?limit=10")
    assert (len(page["rows"]), page["found"], page["next"]) == (10, len(rows()), 10)
    assert [each["number"] for each in desk.get(f"{place}?limit=10&after=10")["rows"]] == list(range(11, 21))
    assert desk.get(f"{place}?after=90")["next"] is None
    assert desk.get(f"{place}?label=refund")["found"] == 32
    assert desk.get(f"{place}?search=SUNDAY&limit=1")["rows"][0]["label"] == "hours"
    assert desk.get(f"{place}?label=oos")["found"] == 0
    desk.get(f"{place}?version=7", expect=404)


def test_rows_are_mended_into_a_new_version(desk: Desk, intents: Any) -> None:
    place = f"/datasets/{intents['id']}/rows"
    changes = [
        {"number": 1, "label": "refund"},
        {"number": 2, "text": "Where is my parcel"},
        {"number": 3, "delete": True},
        {"number": 4, "label": None},
    ]
    made = desk.patch(place, {"base": 1, "changes": changes, "added": [{"text": "Hello", "label": "hi"}]}, expect=201)
    assert (made["versions"], made["latest"]["rows"]) == (2, len(rows()))
    found = desk.get(f"{place}?limit=3")["rows"]
    assert [(each["text"], each["label"]) for each in found] == [
        (rows()[0][0], "refund"),
        ("Where is my parcel", "delivery"),
        (rows()[3][0], None),
    ]
    assert desk.get(f"{place}?label=hi")["rows"][0]["number"] == len(rows())
    assert desk.get(f"{place}?label=oos")["found"] == 1
    assert desk.get(f"{place}?version=1&limit=1")["rows"][0]["label"] == "delivery"


def test_a_change_to_an_old_version_is_refused(desk: Desk, intents: Any) -> None:
    place = f"/datasets/{intents['id']}/rows"
    desk.patch(place, {"base": 1, "changes": [{"number": 1, "label": "refund"}]}, expect=201)
    refused = desk.patch(place, {"base": 1, "changes": [{"number": 2, "label": "refund"}]}, expect=409)
    assert refused["latest"] == 2


@pytest.mark.parametrize(
    "change", [{"number": 999, "label": "refund"}, {"number": 1, "text": "  "}, {"number": 1, "text": "a\x00b"}]
)
def test_bad_changes_are_refused(desk: Desk, intents: Any, change: Any) -> None:
    desk.patch(f"/datasets/{intents['id']}/rows", {"base": 1, "changes": [change]}, expect=422)
    assert desk.get(f"/datasets/{intents['id']}")["versions"] == 1


def test_the_last_row_stays(desk: Desk) -> None:
    one = upload(desk, b"text,label\nHello,hi\n")
    desk.patch(f"/datasets/{one['id']}/rows", {"base": 1, "changes": [{"number": 1, "delete": True}]}, expect=422)


def test_a_dataset_is_downloaded_and_uploaded_again_the_same(desk: Desk, intents: Any) -> None:
    for kind in ("csv", "jsonl"):
        answer = desk.client.get(f"{BASE}/datasets/{intents['id']}/file?format={kind}")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="intents-csv-v1.{kind}"'
        again = upload(desk, answer.content, name=f"again.{kind}")
        assert again["latest"]["sha256"] == intents["latest"]["sha256"]


def test_a_spreadsheet_takes_no_cell_for_a_formula(desk: Desk) -> None:
    made = upload(desk, b'text,label\n"=HYPERLINK(""http://evil.example"")",spam\nHello,hi\n')
    sheet = desk.client.get(f"{BASE}/datasets/{made['id']}/file?format=csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK" in sheet


@pytest.mark.django_db(transaction=True)
def test_a_dataset_is_removed_with_its_files(desk: Desk, intents: Any, shop: Shop) -> None:
    [file] = files_of(shop)
    assert default_storage.exists(file)
    desk.delete(f"/datasets/{intents['id']}")
    assert desk.get("/datasets")["datasets"] == []
    assert not default_storage.exists(file)
    desk.get(f"/datasets/{intents['id']}", expect=404)


def test_the_file_in_the_storage_holds_the_rows_and_nothing_else(intents: Any, shop: Shop) -> None:
    with default_storage.open(files_of(shop)[0]) as file:
        lines = gzip.decompress(file.read()).decode().splitlines()
    assert json.loads(lines[0]) == {"label": "delivery", "text": "When does my parcel arrive"}


def test_who_may_do_what(desk: Desk, intents: Any, shop: Shop) -> None:
    viewer, agent = desk_for(shop, Role.VIEWER), desk_for(shop, Role.AGENT)
    place = f"/datasets/{intents['id']}"
    assert viewer.get(place)["latest"]["rows"] == len(rows())
    viewer.get(f"{place}/rows", expect=403)
    viewer.get(f"{place}/file", expect=403)
    assert agent.get(f"{place}/rows")["found"] == len(rows())
    upload(agent, sheet(), name="mine.csv", expect=403)
    agent.patch(f"{place}/rows", {"base": 1, "changes": [{"number": 1, "delete": True}]}, expect=403)
    agent.delete(place, expect=403)
    agent.post(f"{place}/check", {}, expect=403)


def test_every_change_is_in_the_audit_trail(desk: Desk, intents: Any, shop: Shop) -> None:
    desk.patch(f"/datasets/{intents['id']}/rows", {"base": 1, "changes": [{"number": 1, "delete": True}]}, expect=201)
    desk.delete(f"/datasets/{intents['id']}")
    told = desk_for(shop, Role.OWNER).get("/audit")
    actions = [each["action"] for each in next(iter(value for value in told.values() if isinstance(value, list)))]
    assert {"dataset.added", "dataset.changed", "dataset.removed"} <= set(actions)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_check_names_what_is_wrong_row_by_row(desk: Desk) -> None:
    wrong = [
        *rows(),
        ("When does my parcel arrive", "refund"),
        ("Call me at 138 0013 8000 please", "delivery"),
        ("几点开门", "hours"),
    ]
    made = upload(desk, sheet(wrong))
    run = desk.post(f"/datasets/{made['id']}/check", {"label_errors": False}, expect=202)
    assert (run["kind"], run["state"]) == ("check", "queued")
    assert finished(run).state == "finished"
    assert desk.get(f"/datasets/{made['id']}/report")["report"]["contradictions"]
    found = desk.get(f"/datasets/{made['id']}/rows?problems=true&limit=500")
    kinds = {each["number"]: {problem["kind"] for problem in each["problems"]} for each in found["rows"]}
    assert "contradiction" in kinds[1]
    assert "contradiction" in kinds[len(rows()) + 1]
    assert len(rows()) + 2 not in kinds  # the number was masked when it came
    assert "duplicate" in kinds[len(rows()) + 3]
    assert desk.get(f"/datasets/{made['id']}")["latest"]["has_report"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_data_are_cleaned_into_a_new_version(desk: Desk) -> None:
    made = upload(desk, sheet([*rows(), *rows()[:3], ("Call me at 138 0013 8000 please", "delivery")]))
    run = desk.post(f"/datasets/{made['id']}/clean", {}, expect=202)
    assert finished(run).state == "finished"
    cleaned = desk.get(f"/datasets/{made['id']}")
    assert cleaned["versions"] == 2
    assert desk.get(f"/runs/{run['id']}")["metrics"]["dropped"] >= 3
    found = desk.get(f"/datasets/{made['id']}/rows?search=call me")["rows"]
    assert [each["text"] for each in found] == ["Call me at <PHONE_1> please"]
    again = desk.post(f"/datasets/{made['id']}/clean", {}, expect=202)
    assert finished(again).state == "finished"
    assert desk.get(f"/datasets/{made['id']}")["versions"] == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_test_is_kept_apart(desk: Desk, intents: Any) -> None:
    run = desk.post(f"/datasets/{intents['id']}/split", {"share": 0.25}, expect=202)
    assert finished(run).state == "finished"
    found = {each["name"]: each["latest"]["rows"] for each in desk.get("/datasets")["datasets"]}
    assert set(found) == {"intents.csv", "intents.csv (train)", "intents.csv (test)"}
    assert found["intents.csv (train)"] + found["intents.csv (test)"] == len(rows())
    again = desk.post(f"/datasets/{intents['id']}/split", {"share": 0.5}, expect=202)
    finished(again)
    assert len(desk.get("/datasets")["datasets"]) == 3
