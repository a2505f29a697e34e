"""`kefu channels`: ways in. Those of plug-ins are added, checked, paused, and their failed replies looked after."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option, workspace_or_new
from kefu.kit.errors import BadInput


@click.group()
def channels() -> None:
    """Ways in: create, add, set, greet, list, check, pause, resume, traffic, dead, resend."""


@channels.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(["web", "api"]), default="web", show_default=True)
@workspace_option
@json_option
def create_channel(name: str, kind: str, workspace: str, as_json: bool) -> None:
    """Make a channel."""
    ready()
    from kefu.desk.inbox import actions

    _, actor = workspace_or_new(workspace)
    made = actions.make_channel(actor, kind=kind, name=name)
    if as_json:
        print_json(_channel(made))
    else:
        click.echo(f"{made.id}  {made.kind}  {made.name}")


@channels.command("kinds")
@json_option
def list_kinds(as_json: bool) -> None:
    """List the kinds of channel that can be added, and what each asks for."""
    from kefu.contracts.channel import manifests

    found = manifests()
    if as_json:
        fields = {each.kind: [vars(field) for field in each.fields] for each in found}
        print_json({"kinds": [{"kind": each.kind, "title": each.title, "fields": fields[each.kind]} for each in found]})
        return
    for each in found:
        click.echo(f"{each.kind}: {each.title['en']}. {each.help.get('en', '')}")
        for field in each.fields:
            note = "required" if field.required else f"made up if left out; {field.kind}" if field.generated else ""
            note = note or (f"default {field.default}" if field.default else "optional")
            click.echo(f"  {field.key:18} {field.label['en']} ({note}). {field.help.get('en', '')}".rstrip())
            for value, label in field.choices.items():
                click.echo(f"  {'':18}   {field.key}={value}: {label['en']}")


@channels.command("add")
@click.argument("kind")
@click.argument("values", nargs=-1, metavar="KEY=VALUE…")
@click.option("--name", help="As members see it; the kind without it.")
@workspace_option
@json_option
def add_channel(kind: str, values: tuple[str, ...], name: str | None, workspace: str, as_json: bool) -> None:
    """Add a channel of a plug-in's kind, such as `kefu channels add telegram token=…`.

    A secret that is left out is made up and shown once. `kefu channels kinds` says what each kind asks for.
    """
    ready()
    from kefu.contracts.channel import BUILT_IN, manifest
    from kefu.desk.channels import hook_address
    from kefu.desk.inbox import actions

    if kind in BUILT_IN:
        raise BadInput(f"A {kind} channel has no form: kefu channels create NAME --kind {kind}.", field="kind")
    given = _values(values)
    _, actor = workspace_or_new(workspace)
    with _naming_fields():
        made, secrets = actions.add_channel(actor, kind=kind, name=name or kind, values=given)
    hook = hook_address(made.id) if manifest(kind).capabilities.called else ""
    if as_json:
        print_json({**_channel(made), "hook": hook, "secrets": secrets})
        return
    click.echo(f"{made.id}  {made.kind}  {made.name}")
    if hook:
        click.echo(f"Its address: {hook}")
    for key, secret in secrets.items():
        click.echo(f"{key}: {secret}  (kept sealed, and not shown again)")


@channels.command("set")
@click.argument("channel_id")
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE…")
@workspace_option
def set_values(channel_id: str, values: tuple[str, ...], workspace: str) -> None:
    """Change a plug-in channel's settings; KEY= takes one away."""
    ready()
    from kefu.desk.inbox import actions

    given = {key: value or None for key, value in _values(values).items()}
    with _naming_fields():
        actions.change_values(workspace_actor(workspace), channel_id=channel_id, values=given)
    click.echo(f"Changed {channel_id}.")


@channels.command("greet")
@click.argument("channel_id")
@click.option("--en", "english", help="The greeting in English; empty takes it away.")
@click.option("--zh", "chinese", help="The greeting in Chinese; empty takes it away.")
@workspace_option
def greet(channel_id: str, english: str | None, chinese: str | None, workspace: str) -> None:
    """Set what customers are greeted with: who opens the chat, subscribes to an account, starts a bot."""
    given = {language: text for language, text in (("en", english), ("zh", chinese)) if text is not None}
    if not given:
        raise BadInput("Give the greeting: --en, --zh or both.", field="en")
    ready()
    from kefu.desk.inbox import actions, queries

    actor = workspace_actor(workspace)
    known = queries.channel(actor, channel_id).settings.get("greeting") or {}
    known = {"en": known, "zh": known} if isinstance(known, str) else known
    greeting = {language: text for language, text in {**known, **given}.items() if text}
    actions.change_channel(actor, channel_id=channel_id, settings={"greeting": greeting or None})
    click.echo(f"Changed {channel_id}.")


@channels.command("list")
@workspace_option
@json_option
def list_channels(workspace: str, as_json: bool) -> None:
    """List channels, with what went wrong last."""
    ready()
    from kefu.desk.inbox import queries

    found = queries.channels(workspace_actor(workspace))
    if as_json:
        print_json({"channels": [_channel(each) for each in found]})
        return
    for each in found:
        state = "off" if not each.is_active else "paused" if each.paused_at else "on"
        is_over = each.recovered_at and each.last_error_at and each.recovered_at > each.last_error_at
        error = f"{each.last_error} (over)" if each.last_error and is_over else each.last_error
        click.echo(f"{each.id}  {each.kind:8} {state:6} {each.name}  {error}".rstrip())


@channels.command("check")
@click.argument("channel_id")
@click.option("--to", help="Also send a test message to this customer, as the channel knows them.")
@workspace_option
@json_option
def check(channel_id: str, to: str | None, workspace: str, as_json: bool) -> None:
    """Try a channel's settings, live. Exits with 1 if something is wrong."""
    ready()
    from kefu.desk.channels import check_channel, send_test

    actor = workspace_actor(workspace)
    found = check_channel(actor, channel_id=channel_id)
    if to is not None:
        found.append(send_test(actor, channel_id=channel_id, to=to, text="A test message of Kefu's."))
    if as_json:
        print_json({"checks": [vars(each) for each in found]})
    for each in () if as_json else found:
        click.echo(f"{'ok' if each.passed else 'WRONG':6} {each.name}: {each.sentence['en']}")
    if not all(each.passed for each in found):
        raise click.exceptions.Exit(1)


@channels.command("pause")
@click.argument("channel_id")
@workspace_option
def pause(channel_id: str, workspace: str) -> None:
    """Send nothing through a channel for now; what customers send is still stored."""
    ready()
    from kefu.desk.inbox import actions

    actions.pause_channel(workspace_actor(workspace), channel_id=channel_id)
    click.echo(f"Paused {channel_id}.")


@channels.command("resume")
@click.argument("channel_id")
@workspace_option
def resume(channel_id: str, workspace: str) -> None:
    """Go on with a paused channel."""
    ready()
    from kefu.desk.inbox import actions

    actions.resume_channel(workspace_actor(workspace), channel_id=channel_id)
    click.echo(f"Resumed {channel_id}.")


@channels.command("traffic")
@click.argument("channel_id")
@click.option("--hours", type=click.IntRange(1, 744), default=24, show_default=True)
@workspace_option
@json_option
def traffic(channel_id: str, hours: int, workspace: str, as_json: bool) -> None:
    """Count what went through a channel lately, and what was refused."""
    ready()
    from kefu.desk.inbox import queries

    found = vars(queries.traffic(workspace_actor(workspace), channel_id, hours=hours))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        refused = ", ".join(f"{reason} {count}" for reason, count in value.items()) if name == "refused" else value
        click.echo(f"{name:9} {refused or 0}")


@channels.command("dead")
@click.argument("channel_id")
@workspace_option
@json_option
def dead(channel_id: str, workspace: str, as_json: bool) -> None:
    """List replies that could not be delivered, or may not have arrived."""
    ready()
    from kefu.desk.inbox import queries

    found = queries.deliveries(workspace_actor(workspace), channel_id)
    if as_json:
        print_json({"deliveries": [vars(each) for each in found]})
        return
    for each in found:
        click.echo(f"{each.id}  {each.state:6} {each.created_at:%Y-%m-%d %H:%M}  {each.error}  {each.text[:60]!r}")
    if not found:
        click.echo("Every reply has arrived, or is on its way.")


@channels.command("resend")
@click.argument("channel_or_delivery")
@workspace_option
def resend(channel_or_delivery: str, workspace: str) -> None:
    """Send one failed reply again, or all of a channel that were refused or tried too often."""
    ready()
    from kefu.desk.inbox import actions

    actor = workspace_actor(workspace)
    if channel_or_delivery.startswith("dlv_"):
        actions.resend(actor, delivery_id=channel_or_delivery)
        click.echo(f"{channel_or_delivery} is sent again.")
    else:
        count = actions.resend_all(actor, channel_id=channel_or_delivery)
        click.echo(f"{count} replies are sent again.")


@contextmanager
def _naming_fields() -> Iterator[None]:
    """A form's refusal with the key that is to be given here; people of the console read the label."""
    try:
        yield
    except BadInput as error:
        field = error.fields.get("field")
        raise BadInput(f"{field}: {error.sentence}" if field else error.sentence, **error.fields) from None


def _values(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise BadInput(f"{each!r} is not KEY=VALUE.", field=each)
        found[key] = value
    return found


def _channel(made: Any) -> dict[str, Any]:
    return {
        "id": made.id,
        "kind": made.kind,
        "name": made.name,
        "assistant_on": made.assistant_on,
        "is_active": made.is_active,
        "paused_at": made.paused_at,
        "last_error": made.last_error,
        "last_error_at": made.last_error_at,
        "recovered_at": made.recovered_at,
    }
