"""The command line: `openintervals COMMAND`. Each command speaks for a person or a script; the rules live in the domain files.

Every command takes `--data` or `--database-url`, or reads the environment. With `--json` it prints JSON alone. What is wrong is told
in one sentence on standard error, with exit code 1; 2 means that the command was not understood.
Modules that take long to load are imported inside the commands that need them.
"""

from openintervals.cli.commands import main

__all__ = ["main"]
