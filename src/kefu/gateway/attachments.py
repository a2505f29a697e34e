"""Files that customers send and are sent."""

from fastapi import APIRouter, Request, UploadFile
from starlette.responses import JSONResponse, Response

from kefu.desk.inbox import actions, kinds, queries
from kefu.gateway import shapes
from kefu.gateway.state import entered
from kefu.kit.settings import settings

router = APIRouter(prefix="/v1/conversations", tags=["Conversations"])


@router.post("/{conversation_id}/attachments", status_code=201, response_model=shapes.Attachment)
async def upload(request: Request, conversation_id: str, file: UploadFile) -> JSONResponse:
    """Send a file, then name its id in a message: an image, PDF, text, office document or audio.

    What it is is told from its bytes. One that no message names is thrown away after a day.
    """
    gateway, actor = await entered(request)
    gateway.gate.count_message(actor)
    data = await file.read(settings().attachment_megabytes * 2**20 + 1)
    # Not among the writers: the storage may be far away.
    kept = await gateway.rows.long(
        actions.add_attachment, actor, conversation_id=conversation_id, name=file.filename or "", data=data
    )
    return JSONResponse(shapes.attachment_json(kept), status_code=201)


@router.get("/{conversation_id}/attachments/{attachment_id}", response_class=Response)
async def download(request: Request, conversation_id: str, attachment_id: str) -> Response:
    """A file's bytes."""
    gateway, actor = await entered(request)
    found, data = await gateway.rows.long(queries.attachment, actor, attachment_id, conversation_id=conversation_id)
    return Response(data, headers=kinds.headers(found.name, found.media_type))
