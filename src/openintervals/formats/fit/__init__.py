"""FIT: the file format of training devices, read into columns and written from them."""

from .columns import Columns
from .decode import BYTES_MOST, Decoded, File, decode
from .encode import DeveloperField, encode
from .faults import Fault, Undecodable
from .workout import Repeat, Step, encode_workout

__all__ = [
    "BYTES_MOST", "Columns", "Decoded", "DeveloperField", "Fault", "File", "Repeat", "Step", "Undecodable", "decode",
    "encode", "encode_workout",
]  # fmt: skip
