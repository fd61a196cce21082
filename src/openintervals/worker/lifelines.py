"""Lifelines: how a process shows the others on its machine that it has died, without a doubt and at once.

    held → released        by the sender that leaves
    held → ended           by the kernel, however its process ends

A sender keeps a file locked that is called as it is. Who finds the file and can lock it knows that its process is gone, and gives its leases
back in its name instead of waiting until they lapse. Who does not find it, since it runs on another machine, in another container or as
another user, knows nothing. A sender that lives is never taken for dead: the file must be there, be our user's, bear our host's name, and be free.

The lock is taken before the sender's name is in the database, so that nobody looks for a file that is not locked yet. When two find a dead one at
once, both may say so.
"""

import contextlib
import fcntl
import os
import secrets
import socket
import tempfile
from pathlib import Path

import structlog

log = structlog.get_logger()


def name() -> str:
    """A new sender's name: the host, the process, and chance."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(8)}"


class Lifeline:
    """One sender's file, for as long as it is held. Where none can be made, nobody can prove anything, and leases lapse."""

    def __init__(self, sender_id: str) -> None:
        self._sender_id = sender_id
        self._file: int | None = None

    def hold(self) -> None:
        """Make the file and lock it; held already, it stays so."""
        if self._file is not None:
            return
        try:
            made = os.open(_path(self._sender_id), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            log.warning("no lifeline", problem=os.strerror(problem.errno or 0))
            return
        try:
            fcntl.flock(made, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:  # a file that cannot be locked would look like a dead process's
            log.warning("no lifeline", problem=os.strerror(problem.errno or 0))
            forget(self._sender_id)
            os.close(made)
            return
        self._file = made

    def release(self) -> None:
        """Remove the file, then its lock."""
        if self._file is not None:
            forget(self._sender_id)
            os.close(self._file)
            self._file = None


def has_ended(sender_id: str) -> bool:
    """Whether a sender's process is provably gone; False also for all that cannot be seen from here."""
    if not sender_id.startswith(f"{_host()}-"):
        return False
    try:
        found = os.open(_path(sender_id), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if os.fstat(found).st_uid != os.geteuid():
            return False
        fcntl.flock(found, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(found)


def forget(sender_id: str) -> None:
    """Remove what a sender left."""
    with contextlib.suppress(OSError):
        _path(sender_id).unlink()


def _host() -> str:
    return socket.gethostname().replace("/", "-")


def _path(sender_id: str) -> Path:
    return Path(tempfile.gettempdir()) / f"openintervals-sender-{sender_id}"
