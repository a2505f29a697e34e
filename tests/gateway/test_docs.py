"""The page of the API's description works behind a closed network."""

import re

import httpx


def test_the_page_loads_nothing_from_outside(address: str) -> None:
    page = httpx.get(f"{address}/v1/docs", timeout=60)
    assert page.status_code == 200
    assert "/v1/openapi.json" in page.text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    assert all(each.startswith("/static/docs/") for each in addresses)
    assert "default-src 'none'" in page.headers["content-security-policy"]
