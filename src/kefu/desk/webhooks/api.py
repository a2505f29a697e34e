"""Routes of webhooks."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Status

from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.desk.webhooks import actions, queries, schemas
from kefu.desk.webhooks.sending import send_test_webhook

router = Router(auth=member, tags=["Webhooks"])


@router.get("/webhooks", response=schemas.Webhooks)
def webhooks(request: HttpRequest) -> dict[str, Any]:
    """Systems that are told of events, and the events that there are."""
    return schemas.webhooks_json(queries.webhooks(_actor(request)))


@router.post("/webhooks", response={201: schemas.WebhookMade})
def add_webhook(request: HttpRequest, body: schemas.NewWebhookIn) -> Status[Any]:
    """Tell a system of what happens from now on; the secret is shown once."""
    made = actions.add_webhook(_actor(request), name=body.name, url=body.url, events=body.events)
    return Status(201, {**schemas.webhook_json(made.webhook), "secret": made.secret})


@router.patch("/webhooks/{webhook_id}", response=schemas.WebhookShown)
def change_webhook(request: HttpRequest, webhook_id: str, body: schemas.WebhookChange) -> dict[str, Any]:
    """Change what is given of a webhook."""
    found = actions.change_webhook(
        _actor(request), webhook_id=webhook_id, name=body.name, url=body.url, events=body.events
    )
    return schemas.webhook_json(found)


@router.delete("/webhooks/{webhook_id}", response={204: None})
def remove_webhook(request: HttpRequest, webhook_id: str) -> Status[Any]:
    """Tell a system of nothing more."""
    actions.remove_webhook(_actor(request), webhook_id=webhook_id)
    return Status(204, None)


@router.post("/webhooks/{webhook_id}/secret", response=schemas.WebhookMade)
def new_webhook_secret(request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    """Sign with another secret from now on; it is shown once."""
    made = actions.new_webhook_secret(_actor(request), webhook_id=webhook_id)
    return {**schemas.webhook_json(made.webhook), "secret": made.secret}


@router.post("/webhooks/{webhook_id}/test", response=schemas.WebhookTested)
def test_webhook(request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    """Send a signed test now."""
    return schemas.tested_json(send_test_webhook(_actor(request), webhook_id=webhook_id))


@router.post("/webhooks/{webhook_id}/pause", response=schemas.WebhookShown)
def pause_webhook(request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    """Hold back what is sent; events wait."""
    return schemas.webhook_json(actions.pause_webhook(_actor(request), webhook_id=webhook_id, paused=True))


@router.post("/webhooks/{webhook_id}/resume", response=schemas.WebhookShown)
def resume_webhook(request: HttpRequest, webhook_id: str) -> dict[str, Any]:
    """Go on; what happened meanwhile is sent now."""
    return schemas.webhook_json(actions.pause_webhook(_actor(request), webhook_id=webhook_id, paused=False))


@router.get("/webhooks/{webhook_id}/deliveries", response=schemas.WebhookDeliveries)
def webhook_deliveries(
    request: HttpRequest, webhook_id: str, state: Literal["", "pending", "sent", "dead"] = ""
) -> dict[str, Any]:
    """What went or goes to a webhook, the newest first."""
    found = queries.webhook_deliveries(_actor(request), webhook_id, state=state)
    return {"deliveries": [schemas.delivery_json(each) for each in found]}


@router.post("/webhooks/{webhook_id}/resend", response=schemas.WebhookResent)
def resend_all_webhook(request: HttpRequest, webhook_id: str) -> dict[str, int]:
    """Send again all that was tried too often."""
    return {"count": actions.resend_webhook(_actor(request), webhook_id=webhook_id)}


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", response=schemas.WebhookResent)
def resend_webhook(request: HttpRequest, webhook_id: str, delivery_id: str) -> dict[str, int]:
    """Send one delivery again, whatever became of it."""
    return {"count": actions.resend_webhook(_actor(request), webhook_id=webhook_id, delivery_id=delivery_id)}


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
