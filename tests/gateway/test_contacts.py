"""Contacts for programs: a key with the scope reads and changes them, notes consent, blocks."""

from typing import Any

import httpx
import pytest

from kefu.desk.accounts.actions import create_key
from kefu.desk.actor import Scope, system
from kefu.desk.contacts.actions import absorb
from kefu.desk.contacts.care import may_learn_from
from kefu.desk.erasure import erase, export
from kefu.kit.ids import new_id

from .conftest import Shop


def key_of(shop: Shop, address: str, *scopes: Scope) -> httpx.Client:
    made = create_key(system(shop.workspace_id), name=new_id("k"), scopes=scopes)
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {made.secret}"}, timeout=60, verify=False)


@pytest.fixture
def form(shop: Shop, address: str) -> httpx.Client:
    return key_of(shop, address, Scope.CONTACTS)


def made(form: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = form.post("/v1/contacts", json={"id": "customer-7", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_a_program_notes_and_withdraws_consent(shop: Shop, form: httpx.Client) -> None:
    contact = made(form)["id"]
    said = {"kind": "training", "is_given": True, "source": "Order form", "given_at": "2026-11-01T10:00:00Z"}
    given = form.post(f"/v1/contacts/{contact}/consents", json=said)
    assert given.status_code == 201, given.text
    assert may_learn_from(shop.workspace_id, contact)
    form.post(f"/v1/contacts/{contact}/consents", json={"kind": "training", "is_given": False, "source": "Mail"})
    assert not may_learn_from(shop.workspace_id, contact)
    found = form.get(f"/v1/contacts/{contact}/consents").json()
    assert [(each["is_given"], each["source"]) for each in found["consents"]] == [(False, "Mail")]
    assert [each["given_at"][:10] for each in found["history"]][1] == "2026-11-01"
    handed_out = export(system(shop.workspace_id), contact)["contact"]["consents"]
    assert [(each["kind"], each["is_given"]) for each in handed_out] == [("training", False), ("training", True)]
    erase(system(shop.workspace_id), contact)
    assert form.get(f"/v1/contacts/{contact}/consents").json() == {"consents": [], "history": []}


def test_a_contact_is_made_found_and_changed_by_the_companys_own_id(shop: Shop, form: httpx.Client) -> None:
    first = made(form, profile={"name": "Mia Novak", "plan": "Gold"}, language="zh")
    again = made(form, profile={"plan": None})
    assert first["id"] == again["id"]
    assert again["profile"] == {"name": "Mia Novak"}
    assert form.get("/v1/contacts", params={"id": "customer-7"}).json()["language"] == "zh"
    assert form.get("/v1/contacts", params={"id": "nobody"}).status_code == 404
    changed = form.patch(f"/v1/contacts/{first['id']}", json={"profile": {"email": "no address"}})
    assert (changed.status_code, changed.json()["field"]) == (422, "email")
    thread = shop.start(contact="customer-7")
    assert shop.get(f"/v1/conversations/{thread}")["contact"] == first["id"]


def test_a_blocked_contact_is_heard_again(shop: Shop, form: httpx.Client) -> None:
    contact, thread = made(form)["id"], shop.start(contact="customer-7")
    assert form.put(f"/v1/contacts/{contact}/block").json()["is_blocked"] is True
    assert shop.say(thread, "Hello", wait=0, expect=403)["code"] == "contact_blocked"
    assert form.delete(f"/v1/contacts/{contact}/block").json()["is_blocked"] is False
    shop.say(thread, "Hello", wait=0)


def test_who_was_merged_is_meant_by_the_former_id(shop: Shop, form: httpx.Client) -> None:
    kept, other = made(form)["id"], made(form, id="customer-8")["id"]
    absorb(system(shop.workspace_id), contact_id=kept, other_id=other)
    form.post(f"/v1/contacts/{other}/consents", json={"kind": "training", "is_given": True, "source": "Form"})
    assert may_learn_from(shop.workspace_id, kept)
    assert form.get(f"/v1/contacts/{other}").json()["id"] == kept


def test_other_keys_other_companies_and_bad_bodies_are_refused(
    shop: Shop, other_shop: Shop, form: httpx.Client, visitor: httpx.Client, address: str
) -> None:
    contact = made(form)["id"]
    said = {"kind": "training", "is_given": True, "source": "Form"}
    for stranger in (key_of(shop, address, Scope.CONVERSATIONS, Scope.KNOWLEDGE_WRITE), visitor):
        for answer in (
            stranger.get(f"/v1/contacts/{contact}"),
            stranger.post(f"/v1/contacts/{contact}/consents", json=said),
        ):
            assert answer.status_code == 403
    assert other_shop.client.post(f"/v1/contacts/{contact}/consents", json=said).status_code == 404
    for wrong in ({"kind": "fame"}, {"source": ""}, {"more": 1}):
        assert form.post(f"/v1/contacts/{contact}/consents", json={**said, **wrong}).status_code == 422
