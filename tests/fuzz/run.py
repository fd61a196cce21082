"""Fuzz one reader: python -m tests.fuzz.run fit|gpx|tcx|csv|zip INPUTS FOLDER

atheris makes inputs from the seeds, guided by which lines of formats/ they reach. It stops with an exit code other than 0,
and leaves the input in FOLDER, where a reader raises something that is no refusal, takes more than a second of
processor time, or has made the process larger than 500 MB. The clock on the wall is watched only for what never ends, as
a busy machine makes everything slow.

The search goes on in a new process every so many inputs, each with what the ones before found: atheris itself keeps some 20 kB
for every input of the FIT reader, which would soon look like memory that the reader takes.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import atheris

with atheris.instrument_imports(include=["openintervals.formats"], enable_loader_override=False):
    from tests.fuzz import readers

CPU_MOST_S = 1.0
MEMORY_MOST_MB = 500
ENDLESS_S = 30
INPUT_MOST_BYTES = 65_536
PART = 10_000


class TooSlow(Exception):
    pass


class TooLarge(Exception):
    pass


def main() -> int:
    kind, inputs, folder, *part = sys.argv[1:]
    if part:
        search(kind, inputs, folder)
    for _ in range(0, int(inputs), PART):
        command = [sys.executable, "-m", "tests.fuzz.run", kind, str(min(int(inputs), PART)), folder, "part"]
        if code := subprocess.run(command, check=False).returncode:
            return code
    print(f"{inputs} inputs were read or refused")
    return 0


def search(kind: str, inputs: str, folder: str) -> NoReturn:
    reader = readers.READERS[kind]
    corpus = Path(folder, "corpus")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(reader.seeds()):
        reader.read(seed)  # what is made on first use does not count as the first input's time
        (corpus / f"seed-{number}").write_bytes(seed)

    def one(data: bytes) -> None:
        began = time.process_time()
        reader.read(data)
        taken = time.process_time() - began
        if taken > CPU_MOST_S:
            raise TooSlow(f"{taken:.2f} s of processor time for {len(data)} bytes")
        # The most there ever was, so that no peak is missed between two looks.
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > MEMORY_MOST_MB * 1024:
            raise TooLarge(f"The process grew to more than {MEMORY_MOST_MB} MB with {len(data)} bytes")

    options = {
        "atheris_runs": inputs,
        "max_len": INPUT_MOST_BYTES,
        "timeout": ENDLESS_S,
        "rss_limit_mb": MEMORY_MOST_MB,
        "artifact_prefix": f"{folder}/",
    }
    atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(corpus)], one)
    atheris.Fuzz()  # ends the process
    raise AssertionError("never")


if __name__ == "__main__":
    sys.exit(main())
