"""Routes of the assistant, one file for each noun."""

from ninja import Router

from kefu.desk.assistants.api.assistants import router as assistants

router = Router()
router.add_router("", assistants)
