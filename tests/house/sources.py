"""What the house rules look at: the project's own files, as text and as syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "openintervals"


class Source(NamedTuple):
    """One Python file: its path from the package or the project, its text and its tree."""

    path: str
    text: str
    tree: ast.Module


def source(text: str, path: str = "club/example.py") -> Source:
    """A file that is not there, for showing a rule what it should catch."""
    return Source(path, text, ast.parse(text))


def package(*folders: str) -> list[Source]:
    """The package's files below `folders`, or all of them."""
    found = sorted(PACKAGE.rglob("*.py"))
    return [
        source(path.read_text(), name)
        for path in found
        if (name := path.relative_to(PACKAGE).as_posix()).startswith(tuple(f"{folder}/" for folder in folders) or "")
    ]


def tracked(*endings: str) -> list[Path]:
    """Files of the project with one of these endings, or all: those git knows or would add; without git, those that are there."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else _without_git()
    return [
        path for name in sorted(set(filter(None, names))) if (path := ROOT / name).is_file() and _ends(path, endings)
    ]


def _ends(path: Path, endings: tuple[str, ...]) -> bool:
    return not endings or path.name.endswith(endings)


def _without_git() -> list[str]:
    hidden = {".venv", ".cache", ".git", "data", "__pycache__"}
    return [
        path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if hidden.isdisjoint(path.relative_to(ROOT).parts)
    ]


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The public functions of a file: those other files may call."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node


def docstrings(tree: ast.AST) -> set[int]:
    """The ids of the nodes that are docstrings."""
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
        and isinstance(node.body[0], ast.Expr)
    }
