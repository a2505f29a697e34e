"""`kefu webhooks`: other systems that are told of events."""

import sys
from typing import TYPE_CHECKING

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option

if TYPE_CHECKING:
    from kefu.desk.actor import Actor
    from kefu.desk.webhooks.queries import WebhookInfo


@click.group()
def webhooks() -> None:
    """Other systems that are told of events: list, create, change, remove, test, pause, resume, deliveries, resend."""


@webhooks.command("list")
@workspace_option
@json_option
def list_(workspace: str, as_json: bool) -> None:
    """List webhooks with how they fare."""
    ready()
    from kefu.desk.webhooks import queries, schemas

    found = queries.webhooks(workspace_actor(workspace))
    if as_json:
        print_json(schemas.webhooks_json(found))
        return
    for each in found:
        state = f"paused since {each.paused_at:%Y-%m-%d %H:%M}" if each.paused_at else "in work"
        click.echo(f"{each.id}  {each.name}  {each.url}  {state}, {each.waiting} waiting, {each.dead} given up")
        click.echo(f"    {', '.join(each.events)}")
        if each.last_error:
            click.echo(f"    last failure: {each.last_error}")
    if not found:
        click.echo("No webhooks yet. Add one with: kefu webhooks create NAME URL --event message_created")


@webhooks.command()
@click.argument("name")
@click.argument("url")
@click.option("--event", "events", multiple=True, help="What it is told of; all events without it.")
@workspace_option
@json_option
def create(name: str, url: str, events: tuple[str, ...], workspace: str, as_json: bool) -> None:
    """Tell a system at URL of events; prints the secret that signs them, once."""
    ready()
    from kefu.desk.webhooks import actions, schemas
    from kefu.desk.webhooks.events import EVENTS

    made = actions.add_webhook(workspace_actor(workspace), name=name, url=url, events=events or tuple(EVENTS))
    if as_json:
        print_json({**schemas.webhook_json(made.webhook), "secret": made.secret})
        return
    click.echo(f"{made.webhook.id} is told of {', '.join(made.webhook.events)}.")
    click.echo(f"Its requests are signed with this secret, shown now and never again:\n{made.secret}")


@webhooks.command()
@click.argument("webhook")
@click.option("--url", help="Another address.")
@click.option("--event", "events", multiple=True, help="What it is told of from now on.")
@click.option("--new-secret", is_flag=True, help="Sign with another secret, printed once.")
@workspace_option
def change(webhook: str, url: str | None, events: tuple[str, ...], new_secret: bool, workspace: str) -> None:
    """Change a webhook, named by its name or id."""
    ready()
    from kefu.desk.webhooks import actions

    actor = workspace_actor(workspace)
    found = _named(actor, webhook)
    changed = actions.change_webhook(actor, webhook_id=found.id, url=url, events=events or None)
    click.echo(f"{changed.name}: {changed.url}, told of {', '.join(changed.events)}.")
    if new_secret:
        click.echo(actions.new_webhook_secret(actor, webhook_id=found.id).secret)


@webhooks.command()
@click.argument("webhook")
@workspace_option
def remove(webhook: str, workspace: str) -> None:
    """Tell a system of nothing more."""
    ready()
    from kefu.desk.webhooks import actions

    actor = workspace_actor(workspace)
    found = _named(actor, webhook)
    actions.remove_webhook(actor, webhook_id=found.id)
    click.echo(f"{found.name} is told of nothing more.")


@webhooks.command()
@click.argument("webhook")
@workspace_option
@json_option
def test(webhook: str, workspace: str, as_json: bool) -> None:
    """Send a signed test now; exits with 1 if it is not taken."""
    ready()
    from kefu.desk.webhooks import schemas
    from kefu.desk.webhooks.sending import send_test_webhook

    actor = workspace_actor(workspace)
    answered = send_test_webhook(actor, webhook_id=_named(actor, webhook).id)
    if as_json:
        print_json(schemas.tested_json(answered))
    else:
        click.echo(f"Not taken: {answered.error}" if answered.error else f"Taken within {answered.ms} ms.")
    if answered.error:
        sys.exit(1)


@webhooks.command()
@click.argument("webhook")
@workspace_option
def pause(webhook: str, workspace: str) -> None:
    """Hold back what is sent; events wait."""
    _paused(webhook, workspace, paused=True)


@webhooks.command()
@click.argument("webhook")
@workspace_option
def resume(webhook: str, workspace: str) -> None:
    """Go on; what happened meanwhile is sent."""
    _paused(webhook, workspace, paused=False)


@webhooks.command()
@click.argument("webhook")
@click.option("--state", type=click.Choice(["pending", "sent", "dead"]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True)
@workspace_option
@json_option
def deliveries(webhook: str, state: str | None, limit: int, workspace: str, as_json: bool) -> None:
    """List what went or goes to a system, the newest first."""
    ready()
    from kefu.desk.webhooks import queries, schemas

    actor = workspace_actor(workspace)
    found = queries.webhook_deliveries(actor, _named(actor, webhook).id, state=state or "", limit=limit)
    if as_json:
        print_json({"deliveries": [schemas.delivery_json(each) for each in found]})
        return
    for each in found:
        tries = f"{each.attempts} tries" if each.attempts != 1 else "1 try"
        click.echo(f"{each.id}  {each.created_at:%m-%d %H:%M:%S}  {each.event}  {each.state}, {tries}  {each.error}")


@webhooks.command()
@click.argument("webhook")
@click.argument("delivery", required=False)
@workspace_option
def resend(webhook: str, delivery: str | None, workspace: str) -> None:
    """Send again all that was tried too often, or one DELIVERY."""
    ready()
    from kefu.desk.webhooks import actions

    actor = workspace_actor(workspace)
    number = actions.resend_webhook(actor, webhook_id=_named(actor, webhook).id, delivery_id=delivery)
    click.echo(f"{number} on the way again.")


def _paused(webhook: str, workspace: str, *, paused: bool) -> None:
    ready()
    from kefu.desk.webhooks import actions

    actor = workspace_actor(workspace)
    found = actions.pause_webhook(actor, webhook_id=_named(actor, webhook).id, paused=paused)
    click.echo(f"{found.name} is {'paused' if paused else 'in work'}; {found.waiting} wait.")


def _named(actor: "Actor", webhook: str) -> "WebhookInfo":
    """A webhook by its id or name. Raises NotFound."""
    from kefu.desk.webhooks import queries

    found = [each for each in queries.webhooks(actor) if webhook in {each.id, each.name}]
    return found[0] if found else queries.webhook(actor, webhook)
