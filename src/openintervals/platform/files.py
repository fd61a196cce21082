"""Files: what was given to us, kept byte for byte under the SHA-256 of its bytes.    absent → there → deleted

They lie in a folder, or in a bucket of an object store, and are nothing but bytes: whose they are and what they are called is in the rows that
refer to their hash. A file is put before the transaction whose row refers to it commits, so no row is ever without its file; a file that no row
refers to is harmless. What is put is on disk, or with the store, when `put` returns, and appears whole or not at all.
The same bytes are the same file: two that put them at once, or one that puts them again, leave one file, which is as old as the last of them.
What is read is checked against its hash, so a file that a disk has damaged is never given out as the original.
Files never change, so a copy of the place is brought up to date by what it lacks (`copy`). Nothing is forgotten from a folder while it is copied.
"""

import asyncio
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from openintervals import errors
from openintervals.settings import Settings

BYTES_MOST = 64 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}\Z")


class FileNotKept(errors.NotFound):
    code = "file_not_kept"


class FilesUnavailable(errors.Unavailable):
    code = "files_unavailable"


class Kept(NamedTuple):
    """A file as the place lists it; `since` is when its bytes were put last."""

    hashed: str
    size_bytes: int
    since: datetime


class Copied(NamedTuple):
    """How many files there are, how many of them were new to the copy and their bytes together, and the hashes of those that could not be read."""

    files: int
    new: int
    new_bytes: int
    unreadable: list[str]


def hash_of(data: bytes) -> str:
    """What bytes are kept under: their SHA-256 in 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


class Files:
    """The place where files are: a folder, which is made when first needed, or `s3://…`, `gs://…`, `az://…` with the store's usual credentials."""

    def __init__(self, place: str) -> None:
        self.folder = None if "://" in place else Path(place).absolute()
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(self.folder)
        else:
            self._store = from_url(place)  # type: ignore[assignment]  # every store has the same methods

    async def put(self, data: bytes) -> str:
        """Keep bytes, durably; gives their hash. Raises FilesUnavailable."""
        return await asyncio.to_thread(self.put_now, data)

    def put_now(self, data: bytes) -> str:
        """The same, for a thread or process that may wait."""
        hashed = hash_of(data)
        path = _path(hashed)
        try:
            if self.folder is None or not _is_there(self.folder / path, data):
                obstore.put(self._store, path, data, use_multipart=False)
            if self.folder is not None:
                for each in (self.folder / path, (self.folder / path).parent, self.folder):
                    _to_disk(each)
        except (BaseError, OSError) as problem:
            raise FilesUnavailable(
                "The file could not be kept, so nothing was changed; try again later", retry_after_s=30
            ) from problem
        return hashed

    async def get(self, hashed: str) -> bytes:
        """The bytes with this hash. Raises FileNotKept where there are none or they are damaged, FilesUnavailable."""
        return await asyncio.to_thread(self.get_now, hashed)

    def get_now(self, hashed: str) -> bytes:
        """The same, for a thread or process that may wait."""
        if not _HASH.match(hashed):
            raise FileNotKept("No such file")
        try:
            data = obstore.get(self._store, _path(hashed)).bytes().to_bytes()
        except FileNotFoundError:
            raise FileNotKept("The original file is no longer there") from None
        except (BaseError, OSError) as problem:
            raise FilesUnavailable("The file cannot be read just now", retry_after_s=30) from problem
        if hash_of(data) != hashed:
            raise FileNotKept("The original file was damaged where it is kept")
        return data

    async def delete(self, hashed: str) -> None:
        """Delete the bytes with this hash; it is nothing new if they are gone. Raises FilesUnavailable."""
        try:
            await obstore.delete_async(self._store, _path(hashed))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as problem:
            raise FilesUnavailable("The file cannot be deleted just now", retry_after_s=30) from problem

    def every(self) -> Iterator[Kept]:
        """All files there are, in no order. Raises FilesUnavailable."""
        try:
            for some in obstore.list(self._store):
                for each in some:
                    hashed = each["path"].rpartition("/")[2]
                    if each["path"] == _path(hashed) and _HASH.match(hashed):
                        yield Kept(hashed, each["size"], each["last_modified"])
        except (BaseError, OSError) as problem:
            raise FilesUnavailable("The files cannot be listed just now", retry_after_s=30) from problem

    def forget_now(self, kept: Kept) -> bool:
        """Delete a file unless it was put again since it was listed; gives whether it is gone. Raises FilesUnavailable."""
        try:
            if obstore.head(self._store, _path(kept.hashed))["last_modified"] != kept.since:
                return False
            obstore.delete(self._store, _path(kept.hashed))
        except FileNotFoundError:
            return True
        except (BaseError, OSError) as problem:
            raise FilesUnavailable("The file cannot be deleted just now", retry_after_s=30) from problem
        return True

    @contextmanager
    def still(self, *, alone: bool = False) -> Iterator[None]:
        """Let nobody on this machine forget files of this folder meanwhile, or with `alone` nobody count on them. Raises FilesUnavailable.

        A bucket has no such lock."""
        if self.folder is None:
            yield
            return
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise FilesUnavailable("The files are being copied, or tidied, by another command; wait for it") from None
        finally:
            os.close(descriptor)


def copy(source: Files, to: Files, progress: Callable[[int, int], None] | None = None) -> Copied:
    """Bring a copy up to date: put what it lacks, or has in another length. `progress(done, total)` counts files. Raises FilesUnavailable.

    A file that is damaged at its source is not copied, and told."""
    there = {each.hashed: each.size_bytes for each in to.every()}
    listed = list(source.every())
    new = new_bytes = 0
    unreadable = []
    for number, kept in enumerate(listed, 1):
        if there.get(kept.hashed) != kept.size_bytes:
            try:
                data = source.get_now(kept.hashed)
            except FileNotKept:
                unreadable.append(kept.hashed)
            else:
                to.put_now(data)
                new, new_bytes = new + 1, new_bytes + len(data)
        if progress is not None:
            progress(number, len(listed))
    return Copied(len(listed), new, new_bytes, unreadable)


def opened(settings: Settings) -> Files:
    """Where the settings say that files are: by default the folder `files` in `DATA`."""
    return Files(place_of(settings))


def place_of(settings: Settings) -> str:
    """The same place by name, for another process to open."""
    return settings.files or str(Path(settings.data) / "files")


def _path(hashed: str) -> str:
    return f"{hashed[:2]}/{hashed}"


def _is_there(path: Path, data: bytes) -> bool:
    """Whether a file is there whole, and then make it as young as one put now.

    It is not written again: until that is on disk a power failure could take what others were told is kept."""
    try:
        if path.stat().st_size != len(data) or path.read_bytes() != data:
            return False
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
