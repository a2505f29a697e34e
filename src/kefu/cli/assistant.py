"""`kefu assistant`: how a workspace's assistant answers."""

import json
import os
from dataclasses import asdict
from typing import Any

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option, workspace_or_new
from kefu.kit.errors import BadInput


@click.group()
def assistant() -> None:
    """How a workspace's assistant answers: show, set."""


@assistant.command()
@workspace_option
@json_option
def show(workspace: str, as_json: bool) -> None:
    """Show the policy and the generator."""
    ready()
    from kefu.desk.assistants.queries import assistant as of_actor

    info = of_actor(workspace_actor(workspace))
    policy = {**asdict(info.policy), "kinds": sorted(info.policy.kinds)}
    if as_json:
        print_json({"name": info.name, "generator": info.generator or None, "policy": policy})
        return
    click.echo(f"{info.name}; generator: {info.generator or 'none'}")
    for name, value in policy.items():
        click.echo(f"  {name} = {_as_set(value)}")


def _as_set(value: Any) -> str:
    """A value as `set` takes it: texts as they are, lists and objects as JSON."""
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


@assistant.command("set")
@click.argument("values", nargs=-1, metavar="NAME=VALUE…")
@click.option("--generator", help="openai:MODEL, path:FILE.gguf, package:NAME, or one's own model:NAME; 'none'.")
@click.option("--base-url", help="The address of an OpenAI-compatible server.")
@click.option("--api-key-env", help="The environment variable that holds the server's key; kept encrypted.")
@workspace_option
def set_(
    values: tuple[str, ...],
    generator: str | None,
    base_url: str | None,
    api_key_env: str | None,
    workspace: str,
) -> None:
    """Change the policy, such as answer_threshold=0.6 or quiet_hours=22:00-08:00; lists and objects are JSON:

    \b
    kinds='["approved", "extracted", "generated"]'
    forbidden_words='["guarantee"]'
    escalations='[{"contact": {"vip": true}, "moods": ["complaint"]}]'
    disclaimers='[{"key": "tax", "topics": ["invoice"], "texts": {"en": "This is no tax advice."}}]'
    """
    ready()
    from kefu.desk.assistants.actions import set_up
    from kefu.desk.generators import checked
    from kefu.desk.wiring import engine_of

    _, actor = workspace_or_new(workspace)
    if generator not in {None, "none"}:
        generator = checked(actor, str(generator), {})
        engine_of(generator)
    info = set_up(
        actor,
        policy=dict(_pair(each) for each in values),
        generator="" if generator == "none" else generator,
        generator_options=_options(base_url, api_key_env),
    )
    click.echo(f"{info.name}; generator: {info.generator or 'none'}")


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"{text!r} is not NAME=VALUE.")
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value


def _options(base_url: str | None, api_key_env: str | None) -> dict[str, Any] | None:
    if base_url is None and api_key_env is None:
        return None
    options: dict[str, Any] = {}
    if base_url:
        options["base_url"] = base_url
    if api_key_env:
        key = os.environ.get(api_key_env)
        if not key:
            raise BadInput(f"The environment variable {api_key_env} is empty.")
        options["api_key"] = key
    return options
