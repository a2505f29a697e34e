"""When and from where each session was last used, for the list that its owner sees."""

import time
from collections import OrderedDict
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from kefu.desk.accounts import sign_ins

_EVERY_SECONDS = 60.0  # a page asks every few seconds: a minute is exact enough, and spares a write each
_REMEMBERED = 10_000


def seen(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Django middleware: notes that a session is in use, at most once a minute."""
    noted: OrderedDict[str, float] = OrderedDict()

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        key = request.session.session_key
        if not key or time.monotonic() - noted.get(key, -_EVERY_SECONDS) < _EVERY_SECONDS:
            return response
        if request.user.is_authenticated:
            noted[key] = time.monotonic()
            if len(noted) > _REMEMBERED:
                noted.popitem(last=False)
            sign_ins.note(request)
        return response

    return middleware
