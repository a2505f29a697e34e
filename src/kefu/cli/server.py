"""`kefu up`: database, server, dispatch, in one process."""

import os
import socket
import sys

import click

from kefu.cli.session import ready
from kefu.kit import log
from kefu.kit import settings as settings_module
from kefu.kit.errors import BadInstallation

_BACKLOG = 2048  # connections that wait to be accepted: a busy minute's worth


@click.command()
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen on.  [default: 8000]")
@click.option("--demo", is_flag=True, help="Make the demo workspace if it is not there.")
def up(host: str | None, port: int | None, demo: bool) -> None:
    """Start the server: customers' API, pages, dispatch."""
    for name, value in (("KEFU_HOST", host), ("KEFU_PORT", port)):
        if value is not None:
            os.environ[name] = str(value)
    from kefu.desk.backup import in_use

    settings = settings_module.reload()
    listener = _listen(settings.host, settings.port)
    try:
        ready()
        with in_use():
            _first_owner(demo=demo)
            _serve(listener)
    finally:
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else is done, so that a taken one is said at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's number asyncio leaves Nagle's algorithm on: 40 ms more for every answer without uvloop.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From now on the port is ours alone, and customers who come while we start are answered a little later.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise BadInstallation(
            f"Port {port} on {host} cannot be used ({error.strerror}). Choose another: kefu up --port {port + 1}",
            port=port,
        ) from None
    return listener


def _first_owner(*, demo: bool) -> None:
    from kefu.desk.first_start import first_start

    began = first_start(demo=demo, progress=_progress)
    if began is None:
        return
    click.echo(f"Workspace {began.workspace}. Its owner logs in once with:")
    click.echo(f"  e-mail    {began.email}")
    click.echo(f"  password  {began.password}")


def _progress(name: str, done: int, found: int) -> None:
    if sys.stderr.isatty():
        work = "Learning what the demo's customers want" if name == "intents" else "Reading the demo's help pages"
        click.echo(f"\r{work}: {done}/{found}  ", nl=done == found, err=True)
    elif done == 0 and name != "intents":
        click.echo("Setting up the demo, once: this takes a few minutes.", err=True)


def _serve(listener: socket.socket) -> None:
    import uvicorn

    from kefu.desk.first_start import demo_channel
    from kefu.gateway.app import create_app

    log.configure(settings_module.settings().log_level)
    address = settings_module.settings().address
    click.echo(f"Kefu listens on {address}")
    channel = demo_channel()
    if channel is not None:
        click.echo(f"  chat      {address}/chat/{channel}")
    click.echo(f"  console   {address}/console/")
    click.echo(f"  API       {address}/v1/docs")
    # An encoder's thread gets the interpreter back sooner: its median beside a busy loop falls from 20 to 12 ms.
    sys.setswitchinterval(0.001)
    config = uvicorn.Config(
        create_app(),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        ws_max_size=64 * 1024,
        # A compressor for every socket takes 40 KB, and would press each event anew for each of fifty members.
        ws_per_message_deflate=False,
        server_header=False,
        backlog=_BACKLOG,
    )
    uvicorn.Server(config).run(sockets=[listener])
