"""FIT: the file format of training devices, read into columns and written from them."""

from .decode import BYTES_MOST, Decoded, File, decode
from .faults import Fault, Undecodable

__all__ = ["BYTES_MOST", "Decoded", "Fault", "File", "Undecodable", "decode"]
