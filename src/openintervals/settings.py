"""Every setting there is: one frozen, documented struct, and the only reader of the environment.

A field's name, upper-cased and behind the prefix, is its variable: `database_url` is `OPENINTERVALS_DATABASE_URL`.
`docs/settings.md` and the help of `serve` are made from this file.
"""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

PREFIX = "OPENINTERVALS_"


def _doc(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decides. Field `x_y` is the environment variable `OPENINTERVALS_X_Y`."""

    data: Annotated[
        str, _doc("Folder of the SQLite database and its backups, used when no database URL is set, and of files.")
    ] = "data"
    files: Annotated[
        str,
        _doc(
            "Where originals of uploads are kept: a folder, or a bucket as `s3://bucket/prefix`, `gs://…` or `az://…` with the store's "
            "usual credentials; empty means the folder `files` in `DATA`."
        ),
    ] = ""
    database_url: Annotated[
        str,
        _doc("`postgresql://user:password@host/name`, or `sqlite:///path/to/file.db`; empty means SQLite in `DATA`."),
    ] = ""
    database_pool: Annotated[
        int,
        msgspec.Meta(ge=1, le=200),
        _doc("Connections to PostgreSQL that one process holds for writing at most, and as many again for reading."),
    ] = 10
    host: Annotated[str, _doc("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535), _doc("Port to listen on.")] = 8000
    workers: Annotated[
        int, msgspec.Meta(ge=1, le=64), _doc("Serving processes. SQLite has one; more need PostgreSQL.")
    ] = 1
    api_host: Annotated[str, _doc("Host name at which the partner API answers at `/`, besides every `api.*` name.")] = (
        ""
    )
    public_url: Annotated[
        str,
        _doc("Where people reach this server, such as `https://club.example`; used in the OpenAPI documents."),
    ] = ""
    rate_limits: Annotated[
        str,
        _doc(
            "`off`, or limits by plan as `free=100/day:20,enterprise=1000/minute:50` (requests per period, then burst). "
            "Plans left out keep their default; `athlete` is that of athletes' keys, `anonymous` counts requests without a valid key, by address."
        ),
    ] = ""
    rate_limit_store: Annotated[
        str,
        _doc(
            "`memory` or `database`; empty means memory for one serving process, the database for several. "
            "Set `database` when several servers share one PostgreSQL."
        ),
    ] = ""
    trusted_proxies: Annotated[
        str,
        _doc("Networks whose `X-Forwarded-For` is believed, such as `127.0.0.0/8,10.0.0.0/8`; empty means none."),
    ] = ""
    webhook_allow: Annotated[
        str,
        _doc(
            "Networks that webhooks may reach besides the public Internet, such as `127.0.0.0/8,10.0.0.0/8`; "
            "http and every port are allowed there."
        ),
    ] = ""
    metrics_token: Annotated[
        str,
        _doc("Bearer token that `/metrics` asks for; empty means it answers direct requests from loopback alone."),
    ] = ""
    log_format: Annotated[
        str, _doc("`json`, `console`, or `auto`: readable lines on a terminal, JSON everywhere else.")
    ] = "auto"
    log_requests: Annotated[bool, _doc("Whether each request writes a line.")] = True
    commit_group: Annotated[
        int,
        msgspec.Meta(ge=1, le=10_000),
        _doc("Most SQLite writes that share one commit; 1 turns the sharing off."),
    ] = 256
    stop_grace_s: Annotated[
        int, msgspec.Meta(ge=0, le=3600), _doc("Seconds that running requests get to finish after SIGTERM.")
    ] = 10
    worker: Annotated[bool, _doc("Whether `serve` also does the background work.")] = True
    worker_interval_s: Annotated[
        int, msgspec.Meta(ge=1, le=3600), _doc("Seconds between two rounds of background work.")
    ] = 15

    @property
    def url(self) -> str:
        """The database in use, as a URL."""
        return self.database_url or f"sqlite:///{Path(self.data).absolute() / 'openintervals.db'}"

    @property
    def on_sqlite(self) -> bool:
        return self.url.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path:
        """Path of the SQLite database file. Only for `on_sqlite`."""
        return Path(self.url.removeprefix("sqlite:///"))


class SettingProblem(Exception):
    """A setting cannot be used; the message names the variable and says what it takes."""


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment; `overrides` that are not None win (the command line). Raises SettingProblem."""
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {
        name: source[variable]
        for name in Settings.__struct_fields__
        if (variable := PREFIX + name.upper()) in source and source[variable] != ""
    }
    values |= {name: value for name, value in overrides.items() if value is not None}
    for name, value in values.items():
        field = msgspec.structs.fields(Settings)[Settings.__struct_fields__.index(name)]
        try:
            values[name] = msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as problem:
            raise SettingProblem(f"{PREFIX}{name.upper()} is {value!r}: {problem}") from None
    settings = Settings(**values)
    if not settings.url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise SettingProblem(
            f"{PREFIX}DATABASE_URL must begin with postgresql:// or sqlite:///; it begins with "
            f"{settings.url.split(':', 1)[0]!r}"
        )
    if settings.on_sqlite and settings.workers > 1:
        raise SettingProblem("SQLite is served by one process; set --workers 1, or use PostgreSQL for more")
    if settings.log_format not in ("auto", "json", "console"):
        raise SettingProblem(f"{PREFIX}LOG_FORMAT is {settings.log_format!r}: use auto, json or console")
    for name in ("trusted_proxies", "webhook_allow"):
        for network in filter(str.strip, getattr(settings, name).split(",")):
            try:
                ipaddress.ip_network(network.strip(), strict=False)
            except ValueError:
                raise SettingProblem(
                    f"{PREFIX}{name.upper()} has {network!r}: write networks such as 127.0.0.0/8,10.0.0.0/8"
                ) from None
    if settings.rate_limit_store not in ("", "memory", "database"):
        raise SettingProblem(f"{PREFIX}RATE_LIMIT_STORE is {settings.rate_limit_store!r}: use memory or database")
    return settings
