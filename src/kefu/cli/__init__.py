"""The command line: groups whose code is imported when they run."""

import importlib
import io
import sys
from typing import Any

import click

from kefu import __version__
from kefu.kit.errors import KefuError

# command or group -> (module, attribute, one line of help); reading this imports nothing
COMMANDS = {
    "up": ("server", "up", "Start the server."),
    "doctor": ("installation", "doctor", "Say what is missing and what mends it."),
    "migrate": ("installation", "migrate", "Bring the database up to date; backs up first."),
    "backup": ("installation", "backup", "Write everything to one file."),
    "restore": ("installation", "restore", "Put back what a backup holds."),
    "settings": ("installation", "settings_", "List every setting with its meaning."),
    "knowledge": ("knowledge", "knowledge", "Add, list, remove and search what the assistant knows."),
    "data": ("data", "data", "Labelled data: check, clean, split, augment."),
    "ask": ("ask", "ask", "Ask a question as a customer would."),
    "transcribe": ("speech", "transcribe", "Write down what is said in a recording."),
    "speak": ("speech", "speak", "Read a text aloud into a file."),
    "mask": ("mask", "mask_", "Replace personal data in texts by placeholders."),
    "teams": ("routing", "teams", "Teams: list, create, add, remove; who is there."),
    "hours": ("routing", "hours", "Business hours, of a workspace or a team: show, set."),
    "routing": ("routing", "routing", "How those who wait come to teams: show, set."),
    "sla": ("routing", "sla", "Promised times: list, create, remove, clocks."),
    "keys": ("accounts", "keys", "API keys: create, list, revoke."),
    "members": ("accounts", "members", "People of a workspace: create, list, reset-password, reset-2fa, sessions."),
    "sso": ("accounts", "sso", "Single sign-on by the company's own server."),
    "audit": ("accounts", "audit", "Who did what, with before and after, as CSV."),
    "contacts": ("contacts", "contacts", "Customers: list, show, set, block, consent, tables; export or erase them."),
    "inbox": ("inbox", "inbox", "Conversations: list, show, answer, sort, merge; saved views."),
    "labels": ("inbox", "labels", "What conversations are sorted by: list, add, change, remove."),
    "canned": ("inbox", "canned", "Replies that everybody has: list, add, change, remove, fill."),
    "copilot": ("copilot", "copilot", "What helps members answer: suggest, rewrite, summary, similar, faq-draft."),
    "assistant": ("assistant", "assistant", "How a workspace's assistant answers."),
    "flow": ("flow", "flow", "The company's own business logic, in files and git."),
    "tool": ("flow", "tool", "Calls to the company's own systems: list, add, import, try."),
    "test": ("flow_tests", "test", "Run tests of flows and answers."),
    "train": ("train", "train", "Train a model on labelled texts."),
    "tune": ("tune", "tune", "Look for the options with which a recipe does best."),
    "trial": ("trial", "trial", "Say whether a pre-trained encoder is worth keeping."),
    "evaluate": ("evaluate", "evaluate", "Measure how good a model is."),
    "compress": ("compress", "compress", "Make a trained model smaller and faster."),
    "export": ("compress", "export", "Write what serves a model into a folder or zip."),
    "explain": ("explain", "explain", "Say which words told a model its labels, and whether they really did."),
    "predict": ("predict", "predict", "Say what a model takes texts for."),
    "models": ("models", "models", "Models of a workspace: list, show, register, promote, rollback, compare."),
    "insights": ("insights", "insights", "Figures: show, report, recount."),
    "csat": ("csat", "csat", "Customers' satisfaction: settings, set, list."),
    "demo": ("demo", "demo", "What a demonstration needs."),
    "webhooks": ("webhooks", "webhooks", "Other systems that are told of events."),
    "channels": ("channels", "channels", "Ways in: create, add, list, check, pause, resume."),
}


# What follows an error about rows of labelled data.
SKIP_BAD = "Mend them, or leave them out: kefu train and kefu data take --skip-bad."


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"kefu.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="kefu")
def cli() -> None:
    """Kefu: customer service that learns."""


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; an error is one sentence on standard error, never a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # half a character is shown as \\ud83d, as JSON writes it
    try:
        return cli.main(args=arguments, prog_name="kefu", standalone_mode=False)
    except KefuError as error:
        click.echo(f"kefu: {error.sentence}", err=True)
        if error.code == "bad_rows":
            click.echo(SKIP_BAD, err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("kefu: stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone: `kefu … | head`
        sys.stderr.close()
        sys.exit(0)
