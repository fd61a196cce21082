"""What is freed stays with the server, so that the next large answer need not fault its pages in again."""

import resource
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
from openintervals.serving import allocator

def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        bytes(bytearray(2_000_000))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "told":
    assert allocator.keep_what_is_freed()
faults(5)
print(faults(50))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator is that of glibc")
def test_large_answers_are_not_faulted_in_each_time() -> None:
    def run(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", SCRIPT, how], check=True, capture_output=True).stdout)

    pages = 50 * 2_000_000 // resource.getpagesize()
    assert run("told") < pages / 10
