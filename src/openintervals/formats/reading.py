"""One file of an activity, in whichever format it is."""

from . import fit, fit_recording, gpx, tcx
from .containers import detect
from .recording import Recording, Unusable

BYTES_MOST = 64 * 1024 * 1024


def read(data: bytes, *, most_bytes: int = BYTES_MOST) -> Recording:
    """What a FIT, TCX or GPX file says, told apart by its bytes. Raises Unusable where there is nothing to be had."""
    kind = detect(data)
    if kind == "gpx":
        return gpx.decode(data, most_bytes=most_bytes)
    if kind == "tcx":
        return tcx.decode(data, most_bytes=most_bytes)
    if kind == "fit" or b".FIT" in data[:4096]:
        try:
            decoded = fit.decode(data, most_bytes=most_bytes)
        except fit.Undecodable as wrong:
            raise Unusable(wrong.message, wrong.offset) from wrong
        try:
            return fit_recording.from_fit(decoded)
        finally:
            decoded.let_go()
    if kind:
        raise Unusable("This is an archive and not one recording", 0)
    raise Unusable("This is neither FIT nor TCX nor GPX", 0)


__all__ = ["read"]
