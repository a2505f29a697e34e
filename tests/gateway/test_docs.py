"""The page of the API's description works behind a closed network."""

import re

from httpx import AsyncClient


async def test_the_page_loads_nothing_from_outside(client: AsyncClient) -> None:
    page = await client.get("/v1/docs")
    assert page.status_code == 200
    assert "/v1/openapi.json" in page.text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    assert all(address.startswith("/static/docs/") for address in addresses)
    assert "default-src 'none'" in page.headers["content-security-policy"]
