"""Tools from an OpenAPI 3 file: what they become, and that no file does harm."""

import json
import time
from typing import Any

import pytest
import yaml

from kefu.desk.assistants.tools.openapi import tools_of
from kefu.kit.errors import BadInput, TooLarge

JSON_ERROR = {"application/problem+json": {"example": {"detail": "There is none."}}}
SHOP: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://{place}.shop.example/v2", "variables": {"place": {"default": "api"}}}],
    "paths": {
        "/orders/{orderNumber}": {
            "parameters": [{"$ref": "#/components/parameters/Number"}],
            "get": {
                "operationId": "getOrder",
                "summary": "Find an order",
                "parameters": [
                    {"name": "with-lines", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}
                },
            },
        },
        "/orders": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewOrder"}}}},
                "responses": {"default": {"description": "Made"}},
            }
        },
    },
    "components": {
        "parameters": {"Number": {"name": "orderNumber", "in": "path", "required": True, "schema": {"type": "string"}}},
        "schemas": {
            "Order": {
                "type": "object",
                "properties": {
                    "state": {"type": ["string", "null"]},
                    "total": {"type": "number"},
                    "address": {"type": "object", "properties": {"street": {"type": "string"}}},
                    "lines": {"type": "array", "items": {}},
                },
            },
            "NewOrder": {
                "allOf": [
                    {"type": "object", "required": ["item"], "properties": {"item": {"type": "string"}}},
                    {"type": "object", "properties": {"count": {"type": "integer"}}},
                ]
            },
        },
    },
}


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump], ids=["JSON", "YAML"])
def test_each_operation_becomes_a_tool(write: Any) -> None:
    found = tools_of(write(SHOP).encode())
    assert found.problems == ()
    get, post = sorted(found.tools, key=lambda tool: tool.name)
    assert (get.name, get.method, get.url) == ("get_order", "GET", "https://api.shop.example/v2/orders/{order_number}")
    assert (get.query, get.headers) == ({"with-lines": "{with_lines}"}, {})
    assert {name: (each.type, each.required) for name, each in get.parameters.items()} == {
        "order_number": ("text", True),
        "with_lines": ("boolean", False),
    }
    assert {name: each.type for name, each in get.outputs.items()} == {
        "state": "text",
        "total": "number",
        "address_street": "text",
        "lines": "list",
    }
    assert (post.name, post.method, post.body) == ("post_orders", "POST", {"item": "{item}", "count": "{count}"})
    assert (post.parameters["item"].required, post.parameters["count"].required) == (True, False)


def test_another_server_may_be_named() -> None:
    [first, *_] = tools_of(json.dumps(SHOP).encode(), server="https://test.shop.example").tools
    assert first.origin == "https://test.shop.example"


def changed(path: list[str], value: Any) -> bytes:
    document = json.loads(json.dumps(SHOP))
    at = document
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "reference", ["https://evil.example/x.json", "file:///etc/passwd", "other.yaml#/x", "#/components/nothing"]
)
def test_a_reference_out_of_the_file_is_not_followed(reference: str) -> None:
    found = tools_of(changed(["components", "parameters", "Number"], {"$ref": reference}))
    assert [tool.name for tool in found.tools] == ["post_orders"]
    assert "reference" in found.problems[0]


def test_references_in_circles_end() -> None:
    found = tools_of(changed(["components", "schemas", "Order"], {"$ref": "#/components/schemas/Order"}))
    assert "circles" in found.problems[0]
    nested = {"allOf": [{"$ref": "#/components/schemas/NewOrder"}, {"$ref": "#/components/schemas/NewOrder"}]}
    began = time.thread_time()
    tools_of(changed(["components", "schemas", "NewOrder"], nested))
    assert time.thread_time() - began < 5.0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"swagger: '2.0'",
        b"openapi: 3.0.0",
        b"a: &a [x]\nb: *a",
        b"[" * 100_000,
        b"{" * 100_000,
        b'{"openapi": "3.0.0", "servers": 7, "paths": []}',
        b"openapi: !!python/object/apply:os.system [ls]",
    ],
)
def test_what_is_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        tools_of(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["paths"], {"/x": None, 7: {"get": 1}, "/y": {"get": {}, "parameters": {"a": 1}}}),
        (["paths", "/orders", "post", "requestBody"], {"content": {"text/plain": {}}}),
        (["paths", "/orders", "post", "requestBody"], 3),
        (["components", "schemas", "Order", "properties"], [1]),
        (["components", "schemas", "NewOrder"], {"allOf": 3}),
        (["paths", "/orders", "post", "responses"], "none"),
    ],
)
def test_strange_parts_spoil_no_more_than_their_operation(path: list[str], value: Any) -> None:
    tools_of(changed(path, value))


def test_a_large_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        tools_of(b" " * 5_000_001)


def test_examples_of_a_good_answer_become_samples() -> None:
    media: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Order"}}
    order = {"get": {"responses": {"404": {"content": JSON_ERROR}, "200": {"content": {"application/json": media}}}}}
    schemas = {"Order": {"type": "object", "example": {"state": "sent"}, "properties": {"state": {"type": "string"}}}}
    document = {**SHOP, "paths": {"/order": order}, "components": {"schemas": schemas}}

    def samples() -> list[tuple[int, Any]]:
        [tool] = tools_of(json.dumps(document).encode()).tools
        return [(each.status, each.body) for each in tool.samples]

    assert samples() == [(200, {"state": "sent"})]
    media["examples"] = {"late": {"value": {"state": "late"}}, "gone": {"externalValue": "https://shop.example/gone"}}
    assert samples() == [(200, {"state": "late"})]
    media["example"] = {"state": "new"}
    assert samples() == [(200, {"state": "new"})]
    dated = json.dumps(document).replace('{"state": "new"}', '{"day": 2026-11-27}')  # as YAML has a day
    assert [each.body for each in tools_of(f"# YAML\n{dated}".encode()).tools[0].samples] == [{"day": "2026-11-27"}]
    media["example"] = {"state": "x" * 30_000}
    assert samples() == []
