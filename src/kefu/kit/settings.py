"""Each setting, once: name, default, help. Read from the environment (`KEFU_…`), then `KEFU_HOME/config.toml`."""

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from kefu.kit.errors import BadInput

PREFIX = "KEFU_"


class Settings(BaseModel):
    """How this installation runs. Settings of a workspace are rows, not these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(default=Path("~/.kefu"), description="The folder that holds all state: database, files, keys.")
    database_url: str = Field(
        default="", description="postgresql://user:password@host/name; empty means SQLite in the home folder."
    )
    host: str = Field(default="127.0.0.1", description="The address that `kefu up` listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="The port that `kefu up` listens on.")
    public_url: str = Field(default="", description="The address customers reach, such as https://help.example.com.")
    allowed_hosts: str = Field(
        default="*", description="Host names the members' door answers to, comma separated; * means any."
    )
    trusted_proxies: str = Field(
        default="", description="Addresses of reverse proxies whose X-Forwarded-For is believed, comma separated."
    )
    secret_key: str = Field(
        default="", description="Base64 of 32 bytes that encrypts keys and originals; empty means home/secret.key."
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error."
    )
    threads: int = Field(default=1, ge=1, le=64, description="Threads that one encoder run may use.")
    speech_threads: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Threads that one sentence is heard or spoken with; 0: two, if there are cores.",
    )
    runs_at_once: int = Field(
        default=1, ge=1, le=64, description="Trainings and other long work at a time on one machine; others wait."
    )
    run_threads: int = Field(default=1, ge=1, le=256, description="Threads that one training may compute with.")
    runner: str = Field(
        default="local",
        pattern="^(local|ray)$",
        description="Where trainings and other long work run: local, on this machine, or ray, on a Ray cluster.",
    )
    ray_address: str = Field(
        default="auto",
        description="The cluster of KEFU_RUNNER=ray, of which this machine is part: HOST:PORT, or auto to find it.",
    )
    turns_at_once: int = Field(default=64, ge=1, le=4096, description="Turns that one process works on at a time.")
    generations_at_once: int = Field(default=16, ge=1, le=1024, description="Generated answers at a time.")
    pending_turns_per_workspace: int = Field(
        default=1000, ge=1, description="Waiting turns past which a workspace's new messages are refused with 429."
    )
    turn_lease_seconds: float = Field(
        default=60.0, gt=0, description="After so long without a sign of life a claimed turn is taken up again."
    )
    deliveries_at_once: int = Field(
        default=32, ge=1, le=1024, description="Replies that one process sends to channels at a time."
    )
    delivery_lease_seconds: float = Field(
        default=90.0, gt=0, description="After so long without a sign of life a reply in sending counts as interrupted."
    )
    delivery_retry_seconds: float = Field(
        default=5.0,
        gt=0,
        description="The pause before a reply that failed is sent again; each pause triples, to an hour.",
    )
    messages_per_minute_per_key: int = Field(default=6000, ge=1, description="Requests a minute of one API key.")
    visitors_per_hour_per_address: int = Field(
        default=120, ge=1, description="Visitor tokens that one network address may ask for in an hour."
    )
    messages_per_minute_per_visitor: int = Field(
        default=30, ge=1, description="Messages a minute that one visitor may send."
    )
    log_ins_per_address: int = Field(
        default=30, ge=1, description="Attempts to log in that one network address has in five minutes."
    )
    log_ins_per_account: int = Field(
        default=10, ge=1, description="Attempts to log in that one account has in five minutes."
    )
    smtp_url: str = Field(
        default="",
        pattern=r"^(|smtps?(\+starttls)?://.+)$",
        description=(
            "The mail server for members' mail: smtp://, smtp+starttls:// or smtps://user:password@host:port; "
            "empty for none."
        ),
    )
    mail_from: str = Field(default="kefu@localhost", description="The address that members' mail comes from.")
    upload_megabytes: int = Field(default=50, ge=1, description="The largest file that knowledge accepts.")
    attachment_megabytes: int = Field(
        default=10, ge=1, description="The largest file that a customer or a member may send in a conversation."
    )
    attachments_per_message: int = Field(
        default=5, ge=0, le=50, description="Files that one message may hold; 0 for none at all."
    )
    attachment_megabytes_per_contact: int = Field(
        default=100, ge=1, description="What the files that one customer sends in a day may weigh together."
    )
    allow_private_addresses: bool = Field(
        default=False,
        description="Let knowledge be fetched from, and channels and tools call, private and loopback addresses.",
    )
    transcriber: str = Field(
        default="package:whisper-base",
        description="What turns speech to text: package:whisper-base, path:DIR of a CTranslate2 Whisper, openai:MODEL.",
    )
    speaker: str = Field(
        default="package:voices", description="What speaks: package:voices (English and Mandarin), or openai:MODEL."
    )
    speech_url: str = Field(
        default="", description="The server of an openai: recogniser or voice, such as http://localhost:8001/v1."
    )
    speech_key: SecretStr = Field(default=SecretStr(""), description="The key that this server asks for, if any.")
    speaker_url: str = Field(
        default="", description="The server of an openai: voice where it is another than the recogniser's."
    )
    speaker_key: SecretStr = Field(default=SecretStr(""), description="The key that the voice's own server asks for.")
    speaker_voice: str = Field(
        default="",
        max_length=200,
        description="An openai: voice by its name at the server, one for all or en=NAME,zh=NAME; empty: alloy.",
    )
    recording_seconds: int = Field(
        default=300, ge=1, le=3600, description="The longest recording that is listened to, in seconds."
    )
    calls_per_workspace: int = Field(
        default=20, ge=1, le=10_000, description="Live calls that one workspace may have at a time."
    )
    call_minutes: int = Field(default=30, ge=1, le=1440, description="After so long a live call is ended.")
    sqlite_synchronous: str = Field(
        default="NORMAL",
        pattern="^(NORMAL|FULL)$",
        description="FULL also survives a power cut in the last moment, at a lower rate of messages.",
    )
    tensorboard: str = Field(
        default="", description="A folder that trainings write their curves to for TensorBoard; empty for none."
    )
    mlflow_tracking_uri: str = Field(
        default="",
        description="The MLflow server that trainings are told to; empty for MLFLOW_TRACKING_URI, or none.",
    )
    metrics_token: str = Field(
        default="", description="What Prometheus shows as its bearer token at /metrics; empty for no /metrics."
    )
    otel_endpoint: str = Field(
        default="",
        pattern=r"^(|https?://.+)$",
        description="The OpenTelemetry collector that traces go to, such as http://127.0.0.1:4318; empty for none.",
    )
    storage: str = Field(default="", description="Where files lie: empty for home/files, or s3://bucket/prefix.")

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        """INFO is how Python's own logging writes it."""
        return value.lower() if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _without_a_slash(cls, value: str) -> str:
        """Pages are put behind it with a slash of their own."""
        return value.rstrip("/")

    @property
    def folder(self) -> Path:
        return self.home.expanduser().absolute()

    @property
    def address(self) -> str:
        """Where people reach this installation: the public address, else where `kefu up` listens; no slash behind."""
        if self.public_url:
            return self.public_url
        anywhere = self.host in {"0.0.0.0", "127.0.0.1", "::"}  # noqa: S104 - compared, not bound
        host = "localhost" if anywhere else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises BadInput that names the setting, what was given and what was expected.
    """
    home = Path(os.environ.get(f"{PREFIX}HOME") or Settings.model_fields["home"].default)
    values: dict[str, Any] = {**_from_file(home.expanduser() / "config.toml"), **_from_environment(), "home": home}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        field = Settings.model_fields.get(name)
        meant = field.description if field else f"one of: {', '.join(Settings.model_fields)}"
        raise BadInput(f"Setting {PREFIX}{name.upper()}: {first['msg']}. It is: {meant}", setting=name) from None


def reload() -> Settings:
    """Read the settings again, after the environment was changed by a command's options or by a test."""
    settings.cache_clear()
    return settings()


def _from_environment() -> dict[str, Any]:
    fields = Settings.model_fields
    given = {key.removeprefix(PREFIX).lower(): value for key, value in os.environ.items() if key.startswith(PREFIX)}
    return {name: value for name, value in given.items() if name in fields and value != ""}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", file=str(path)) from error
