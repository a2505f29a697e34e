"""The members' door: one router for each app."""

from ninja import NinjaAPI
from ninja.renderers import JSONRenderer

from kefu import __version__
from kefu.desk.accounts.access_api import router as access
from kefu.desk.accounts.api import router as accounts
from kefu.desk.accounts.team_api import router as teams
from kefu.desk.assistants.api import router as assistants
from kefu.desk.calls.api import router as calls
from kefu.desk.channel_api import router as channels
from kefu.desk.contact_api import router as contact_pages
from kefu.desk.contacts.api import router as contacts
from kefu.desk.copilot.api import router as copilot
from kefu.desk.http import problem
from kefu.desk.inbox.api import router as inbox
from kefu.desk.inbox.routing_api import router as routing
from kefu.desk.inbox.sorting_api import router as sorting
from kefu.desk.inbox.writing_api import router as writing
from kefu.desk.insights.api import router as insights
from kefu.desk.library.api import router as library
from kefu.desk.merge_api import router as merging
from kefu.desk.modelhub.api import router as modelhub
from kefu.desk.speech_api import router as speech
from kefu.desk.surveys.api import router as surveys
from kefu.desk.webhooks.api import router as webhooks


class _Readable(JSONRenderer):
    """JSON in which Chinese is Chinese, at half the size of escapes."""

    json_dumps_params = {"ensure_ascii": False}  # noqa: RUF012 - the base class has it so


api = NinjaAPI(
    renderer=_Readable(),
    title="Kefu desk",
    version=__version__,
    description="What members do: the inbox, knowledge, the assistant, channels, people and settings.",
    docs_url=None,
    openapi_url="/openapi.json",
)
problem.install(api)
for router in (
    *(accounts, contact_pages, contacts),  # the second knows its own words from ids of the third
    *(inbox, sorting, writing, calls, channels, library, assistants, speech, modelhub, insights),
    *(
        surveys,
        copilot,
        webhooks,
        merging,
        access,
        teams,
        routing,
    ),
):
    api.add_router("", router)
