"""How the C library hands out memory to a server: large answers come and go all the time, and should not be fetched from the system each time.

By default glibc maps what is large anew for every answer and gives it back at once, so that each page of it is cleared and faulted in again:
two milliseconds of a list of 900 kB. Here it keeps up to `KEPT_BYTES` of what was given back, and no more than a few arenas. What large uploads
have left lies between what is still used; somebody has to ask for it (`give_back`).
"""

import ctypes
import sys

MAPPED_FROM_BYTES = 16 * 1024 * 1024
KEPT_BYTES = 32 * 1024 * 1024
ARENAS_MOST = 2
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # the names of mallopt(3) in glibc


def give_back() -> None:
    """Return what is free to the system, wherever in the heap it lies. It takes milliseconds, and others wait for the heap meanwhile."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)


def keep_what_is_freed() -> bool:
    """Tell the allocator; gives whether there is one that listens."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False  # another C library, such as musl
    wishes = ((_MMAP_THRESHOLD, MAPPED_FROM_BYTES), (_TRIM_THRESHOLD, KEPT_BYTES), (_ARENA_MAX, ARENAS_MOST))
    return all(mallopt(name, value) for name, value in wishes)
