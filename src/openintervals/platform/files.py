"""Files: what was given to us, kept byte for byte under the SHA-256 of its bytes.    absent → there → deleted

They lie in a folder, or in a bucket of an object store, and are nothing but bytes: whose they are and what they are called is in the rows that
refer to their hash. A file is put before the transaction whose row refers to it commits, so no row is ever without its file; a file that no row
refers to is harmless. What is put is on disk, or with the store, when `put` returns, and appears whole or not at all.
The same bytes are the same file: two that put them at once, or one that puts them again, leave one file. What is read is checked against its
hash, so a file that a disk has damaged is never given out as the original.
"""

import asyncio
import hashlib
import os
import re
from pathlib import Path

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
            new = self.folder is not None and not (self.folder / path).parent.exists()
            obstore.put(self._store, path, data, use_multipart=False)
            if self.folder is not None:
                _to_disk(self.folder / path)
                _to_disk((self.folder / path).parent)
                if new:
                    _to_disk(self.folder)
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


def opened(settings: Settings) -> Files:
    """Where the settings say that files are: by default the folder `files` in `DATA`."""
    return Files(place_of(settings))


def place_of(settings: Settings) -> str:
    """The same place by name, for another process to open."""
    return settings.files or str(Path(settings.data) / "files")


def _path(hashed: str) -> str:
    return f"{hashed[:2]}/{hashed}"


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
