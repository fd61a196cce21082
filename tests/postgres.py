"""A private PostgreSQL server for the tests: in a temporary folder, on a free loopback port, gone afterwards.

    with postgres.cluster() as cluster:
        url = cluster.create_database()

The server's life hangs on a pipe. A small shell script, the keeper, starts it, waits until the pipe closes,
then stops it and removes the folder. A pipe closes whichever way its owner ends, `kill -9` included, so a
killed test run leaves no server behind.

Run as a program, it prints the folder of the PostgreSQL programs it would use, or says why there are none.
"""

import itertools
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

OLDEST_VERSION = 15
USER = "openintervals"
PROGRAMS = ("initdb", "postgres", "pg_ctl")

# $1 programs, $2 folder, $3 settings. Answers "ready", or what went wrong. Without the trap, the answer to an
# owner that died meanwhile would end the keeper before its work is done.
KEEPER = f"""
trap '' PIPE
export PGDATA="$2/data"
if "$1/initdb" --auth=trust --username={USER} --encoding=UTF8 --locale=C --no-sync >"$2/log" 2>&1 &&
    "$1/pg_ctl" start --wait --silent --log="$2/log" --options="$3" >>"$2/log" 2>&1
then
    echo ready
    read -r _
else
    cat "$2/log"
fi
"$1/pg_ctl" stop --wait --silent --mode=immediate >/dev/null 2>&1
rm -rf "$2"
"""


class NotInstalled(Exception):
    """No PostgreSQL programs of a supported version were found."""


class NotStarted(Exception):
    """The private server did not come up; the message is its log."""


@dataclass
class Cluster:
    """A running server and the databases made in it."""

    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str | None = None, *, template: str = "template1") -> str:
        """Make a database, as a copy of `template` (which nobody may be connected to); return its URL."""
        name = name or f"test_{next(self._numbers)}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, closing the connections that are left."""
        name = url.rpartition("/")[2]
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def cluster(*, fsync: bool = False) -> Iterator[Cluster]:
    """Run a private server while the block runs. Without `fsync` it is quick; a power cut would ruin it."""
    programs = find_programs()
    process, port = _start(programs, fsync=fsync)
    try:
        yield Cluster(port)
    finally:
        process.communicate()  # closes the pipe and waits


def find_programs() -> Path:
    """Return the folder of the PostgreSQL programs: the PATH's, else the newest under /usr/lib/postgresql."""
    on_path = shutil.which("postgres")
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates = [
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted(installed, key=_version, reverse=True),
    ]
    for folder in candidates:
        complete = all(os.access(folder / program, os.X_OK) for program in PROGRAMS)
        if complete and _version(folder) >= OLDEST_VERSION:
            return folder
    raise NotInstalled(
        f"the tests need PostgreSQL {OLDEST_VERSION} or newer ({', '.join(PROGRAMS)}) and found none on the "
        "PATH or under /usr/lib/postgresql; install it (Debian: apt-get install postgresql) or give "
        "--without-postgres."
    )


def _version(folder: Path) -> int:
    program = folder / "postgres"
    if not os.access(program, os.X_OK):
        return 0
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+", answer)
    return int(found[0]) if found else 0


def _start(programs: Path, *, fsync: bool) -> tuple[subprocess.Popen[str], int]:
    for attempts_left in reversed(range(5)):
        port = _free_port()
        process, failure = _attempt(programs, port, fsync=fsync)
        if not failure:
            return process, port
        process.communicate()
        # Between our looking for a free port and the server's taking it, somebody else may have.
        if "could not bind" not in failure or not attempts_left:
            break
    raise NotStarted(failure)


def _attempt(programs: Path, port: int, *, fsync: bool) -> tuple[subprocess.Popen[str], str]:
    """Start a keeper and its server on this port; return it and, when that did not come up, the log."""
    owner = _unprivileged_user()
    # Root's own temporary folder may be closed to the user who is to run the server.
    folder = Path(tempfile.mkdtemp(prefix="openintervals-postgres-", dir="/tmp" if owner else None))
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    process = subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "keeper", programs, folder, _settings(folder, port, fsync=fsync)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment | {"LC_ALL": "C"},
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        start_new_session=True,  # an interrupt at the keyboard is for us; the pipe tells the keeper
    )
    assert process.stdout
    first = process.stdout.readline()
    return process, "" if first == "ready\n" else first + process.stdout.read()


def _settings(folder: Path, port: int, *, fsync: bool) -> str:
    durable = "on" if fsync else "off"
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "max_connections": 200,
        "fsync": durable,
        "full_page_writes": durable,
    }
    return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account to use in that case."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name: account for account in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


if __name__ == "__main__":
    try:
        print(find_programs())
    except NotInstalled as missing:
        sys.exit(str(missing))
