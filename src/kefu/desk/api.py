"""The members' door: one router for each app."""

from ninja import NinjaAPI

from kefu import __version__
from kefu.desk.accounts.api import router as accounts
from kefu.desk.assistants.api import router as assistants
from kefu.desk.http import problem
from kefu.desk.inbox.api import router as inbox
from kefu.desk.library.api import router as library

api = NinjaAPI(
    title="Kefu desk",
    version=__version__,
    description="What members do: the inbox, knowledge, the assistant, channels, people and settings.",
    docs_url=None,
    openapi_url="/openapi.json",
)
problem.install(api)
for router in (accounts, inbox, library, assistants):
    api.add_router("", router)
