"""From where a request comes."""

from django.http import HttpRequest

from kefu.kit.settings import settings


def address(request: HttpRequest) -> str:
    """The caller's network address; a forwarded one only from a proxy that the settings trust."""
    peer = str(request.META.get("REMOTE_ADDR", "unknown"))
    trusted = {each.strip() for each in settings().trusted_proxies.split(",") if each.strip()}
    if peer in trusted:
        return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or peer
    return peer
