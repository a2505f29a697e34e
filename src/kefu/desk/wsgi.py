"""The members' door as a WSGI application, for the gateway to mount."""

from collections.abc import Callable, Iterable
from typing import Any

from kefu.desk.boot import boot

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def application() -> Application:
    """Django's application. It sees whole addresses, whatever path it is mounted at."""
    boot()
    from django.core.handlers.wsgi import WSGIHandler

    django = WSGIHandler()

    def desk(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = ""
        return django(environ, start_response)  # type: ignore[no-any-return]

    return desk
