"""What can be wrong with a FIT file. A fault is told beside what could be read; only a file with nothing in it is refused."""

from typing import NamedTuple


class Fault(NamedTuple):
    """Something wrong at a byte of the file, in a word for programs and a sentence for people.

    Codes: `header_crc`, `crc`, `size` (the header tells a wrong size), `truncated`, `definition_missing`, `corrupt`,
    `skipped` (bytes that belong to no message), `too_many` (a limit of ours was reached).
    """

    code: str
    message: str
    offset: int


class Undecodable(ValueError):
    """Nothing in these bytes is usable; `offset` is where that became certain."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at byte {offset})")
        self.message = message
        self.offset = offset
