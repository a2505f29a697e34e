"""Who is told what contacts decide, inside the transaction of the change."""

from collections.abc import Callable

from kefu.desk.listeners import Listeners

# Of (workspace, contact, kind), so that what was kept with a consent that is taken back is dropped.
TAKEN_BACK: Listeners[Callable[[str, str, str], None]] = Listeners()
