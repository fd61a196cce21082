"""Our own command on a slow disk: every sync of a SQLite file takes 5 ms more.

    python -m benchmarks.slow_disk serve --data DIR --port P

It puts an APSW VFS in front of the usual one as the default, before anything opens a database, and then is
`openintervals`.
"""

import time

import apsw

SLOWER_S = 0.005
_BENEATH = apsw.vfs_names()[0]


class _File(apsw.VFSFile):
    def xSync(self, flags: int) -> None:  # noqa: N802 - APSW's name
        super().xSync(flags)
        time.sleep(SLOWER_S)


class _Disk(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("slow", _BENEATH, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # noqa: N802 - APSW's name
        return _File(_BENEATH, name, flags)


# At import, not below: serving processes import this module again, and each needs the slow disk.
disk = _Disk()

if __name__ == "__main__":
    from openintervals import cli

    cli.main()
