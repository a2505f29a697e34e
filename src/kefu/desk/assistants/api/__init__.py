"""Routes of the assistant, one file for each noun."""

from ninja import Router

from kefu.desk.assistants.api.assistants import router as assistants
from kefu.desk.assistants.api.flows import router as flows
from kefu.desk.assistants.api.tools import router as tools

router = Router()
for part in (assistants, flows, tools):
    router.add_router("", part)
