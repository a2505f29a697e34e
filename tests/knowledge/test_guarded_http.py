"""No request that others chose reaches our own network."""

import datetime
import gzip
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kefu.kit.errors import TooLarge
from kefu.knowledge.guarded_http import AddressRefused, guarded_client, is_allowed, read_body

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8", "2002:0808:0808::1"]
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"]
NEVER = [
    "0.0.0.0", "::", "169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fec0::1", "4000::1",
    "2001:0:4136:e378:8000:63bf:5601:5601", "::ffff:0.0.0.0", "::a9fe:a9fe",
]  # fmt: skip


def resolver(*addresses: str, asked: list[str] | None = None) -> Any:
    async def resolve(host: str, port: int) -> list[str]:
        if asked is not None:
            asked.append(host)
        return list(addresses)

    return resolve


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_allowed_only_on_demand(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), allow_private=False)
    assert is_allowed(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_allowed(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), allow_private=False)
    assert not is_allowed(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/",
        "http://0x7f000001:{port}/", "http://0177.0.0.1:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/", "http://[::]:{port}/", "http://127.0.0.1.:{port}/",
    ],
)  # fmt: skip
async def test_no_spelling_of_this_machine_is_reached(site: Any, url: str) -> None:
    site.put("/", "secret")
    async with guarded_client() as client:
        with pytest.raises((AddressRefused, httpx.ConnectError, httpx.InvalidURL)):
            await client.get(url.format(port=site.port))
    assert site.asked == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse(site: Any) -> None:
    async with guarded_client(resolve=resolver("93.184.216.34", "127.0.0.1")) as client:
        with pytest.raises(AddressRefused, match=r"shop\.example"):
            await client.get(f"http://shop.example:{site.port}/")
    assert site.asked == []


async def test_the_connection_is_made_to_the_address_that_was_checked(site: Any) -> None:
    """The name has no address of its own here, so nothing but the checked one can have been used."""
    site.put("/", "page")
    asked: list[str] = []
    async with guarded_client(allow_private=True, resolve=resolver("127.0.0.1", asked=asked)) as client:
        response = await client.get(f"http://shop.example:{site.port}/")
    assert response.text == "page"
    assert asked == ["shop.example"]
    assert site.asked[0][1]["host"] == f"shop.example:{site.port}"
    assert site.asked[0][1]["user-agent"] == "Kefu"


async def test_a_redirect_is_checked_again(site: Any) -> None:
    site.put("/", status="302 Found", location=f"http://inside.example:{site.port}/secret")
    site.put("/secret", "secret")

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host == "shop.example" else ["169.254.169.254"]

    async with guarded_client(allow_private=True, resolve=resolve) as client:
        with pytest.raises(AddressRefused, match=r"inside\.example"):
            await client.get(f"http://shop.example:{site.port}/")
    assert site.paths == ["/"]


async def test_a_proxy_of_the_environment_is_not_used(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", site.url)
    async with guarded_client(resolve=resolver("10.0.0.1")) as client:
        with pytest.raises(AddressRefused):
            await client.get("http://shop.example/")
    assert site.asked == []


async def test_the_certificate_is_checked_against_the_name(open_site: Any, tmp_path: Path) -> None:
    server, trusted = certificate("shop.example", tmp_path)
    site = await open_site(server)
    site.put("/", "page")
    async with guarded_client(allow_private=True, resolve=resolver("127.0.0.1"), verify=trusted) as client:
        assert (await client.get(f"https://shop.example:{site.port}/")).text == "page"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.get(f"https://other.example:{site.port}/")


@pytest.mark.parametrize("declared", ["", "50"])
async def test_a_body_is_read_no_further_than_its_limit(site: Any, declared: str) -> None:
    site.put("/", b"x" * 50, content_length=declared)
    async with guarded_client(allow_private=True) as client, client.stream("GET", site.url) as response:
        with pytest.raises(TooLarge, match="most is 10" if declared else "more than 10"):
            await read_body(response, 10)


async def test_a_packed_body_counts_unpacked(site: Any) -> None:
    site.put("/", gzip.compress(b"0" * 1_000_000), content_encoding="gzip")
    async with guarded_client(allow_private=True) as client, client.stream("GET", site.url) as response:
        with pytest.raises(TooLarge):
            await read_body(response, 100_000)


def certificate(host: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `host`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())
