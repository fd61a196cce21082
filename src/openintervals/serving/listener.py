"""The listening socket: ours, not the HTTP server's, so that a port in use is found before anything else is started, several
processes can share it, and nobody who was already let in is dropped when we stop.

Closing a listening socket resets every connection that the kernel has accepted and the program has not. So stopping has two
steps: `turn_away` lets newcomers wait outside while those inside are served; then the socket is closed, and whoever knocked
meanwhile is refused, which any client may safely answer by going elsewhere.
"""

import ctypes
import errno
import os
import socket
import struct
import sys

BACKLOG = 1024

_SO_ATTACH_FILTER = 26


class CannotListen(Exception):
    """The address cannot be listened on; the message is one sentence that says why."""


def listen(host: str, port: int) -> socket.socket:
    """A socket listening on `host` and `port`. Raises CannotListen."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except socket.gaierror:
        raise CannotListen(f"{host!r} is no address of this machine; set --host, for example to 127.0.0.1") from None
    except OverflowError:
        raise CannotListen(f"{port} is no port; ports go from 1 to 65535") from None
    except OSError as problem:
        raise CannotListen(_why(problem, host, port)) from None
    listening.setblocking(False)
    return listening


def _why(problem: OSError, host: str, port: int) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use already; stop the other program, or set another port with --port"
    if problem.errno == errno.EADDRNOTAVAIL:
        return f"{host!r} is no address of this machine; set --host, for example to 127.0.0.1"
    if problem.errno == errno.EACCES:
        return f"Port {port} needs rights this user has not; set a port above 1023 with --port"
    return f"Cannot listen on {host}:{port}: {os.strerror(problem.errno or 0)}"


def turn_away(listening: socket.socket) -> bool:
    """Let the kernel drop every new request for a connection; those under way are finished. Gives whether it could.

    A client that is dropped knocks again after a second, by when the socket is closed and the answer is a refusal.
    Linux alone can do this, with a filter on the socket; elsewhere a connection that arrives in the
    instant of closing may be reset.
    """
    if sys.platform != "linux":
        return False
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x30, 0, 0, 13),  # load the byte of TCP flags; the filter sees the segment from its TCP header on
            (0x54, 0, 0, 0x12),  # keep SYN and ACK
            (0x15, 0, 1, 0x02),  # a SYN without ACK asks for a new connection:
            (0x06, 0, 0, 0),  # drop it
            (0x06, 0, 0, 0xFFFFFFFF),  # let everything else pass
        )
    )
    kept = ctypes.create_string_buffer(program)
    try:
        listening.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program) // 8, ctypes.addressof(kept))
        )
    except OSError:
        return False
    return True
