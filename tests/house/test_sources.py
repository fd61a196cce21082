"""Rules of the source that no linter knows. Each is a function from one file to what is wrong with it, and is shown a bad example first."""

import ast
import re
from collections.abc import Callable

import pytest

from tests.house import sources
from tests.house.sources import ROOT, Source

LINES_MOST = 400
LINES_MOST_IN_A_TEST = 700

ENVIRONMENT = {
    "settings.py": "the only reader of the environment",
    "serving/processes.py": "tells the metrics library, which takes nothing else, where its processes meet",
}
CLOCKS = {
    "app.py": "the clock of the server",
    "api/telemetry.py": "when a log line was written",
    "cli/common.py": "the present of a command",
    "cli/database.py": "names a backup",
    "db/migrate.py": "names the backup before a migration",
    "doctor/__init__.py": "the present, unless a test says otherwise",
    "worker/program.py": "the clock of the worker",
}
SQL = {"select", "insert", "update", "delete", "text"}


def too_long(file: Source, most: int = LINES_MOST) -> list[str]:
    """A file that is longer than one can keep in mind splits by noun."""
    lines = file.text.count("\n")
    return [f"{file.path} has {lines} lines; at most {most - 1}"] if lines >= most else []


def reads_environment(file: Source) -> list[str]:
    """Settings come from the settings."""
    if file.path in ENVIRONMENT:
        return []
    return [
        f"{file.path}:{node.lineno} touches os.{node.attr}; add a field to settings.py"
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Attribute) and _dotted(node) in ("os.environ", "os.getenv", "os.environb", "os.putenv")
    ]


def reads_clock(file: Source) -> list[str]:
    """Time is a value passed in: an operation takes it from its transaction."""
    clocks = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns")
    if file.path in CLOCKS:
        return []
    return [
        f"{file.path}:{node.lineno} reads {_dotted(node)}; take the present from the transaction"
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Attribute) and _dotted(node).endswith(clocks)
    ]


def commits(file: Source) -> list[str]:
    """A transaction is committed once, at the edge, by the database that gave it."""
    if file.path.startswith("db/"):
        return []
    prose = sources.docstrings(file.tree)
    spelled = [
        node.lineno
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in prose
        and re.search(r"\b(COMMIT|ROLLBACK|SAVEPOINT)\b", node.value)
    ]
    spelled += [
        node.lineno
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    return [f"{file.path}:{line} ends a transaction; only db/ does" for line in spelled]


def writes_sql_while_running(file: Source) -> list[str]:
    """Statements are built in functions under @statement, compiled once for each shape: never inside an operation."""
    return [
        f"{file.path}:{node.lineno} builds SQL inside the operation {operation.name}; give it a @statement builder"
        for operation in ast.walk(file.tree)
        if isinstance(operation, ast.AsyncFunctionDef)
        for node in ast.walk(operation)
        if isinstance(node, ast.Call) and _dotted(node.func) in {f"sa.{name}" for name in SQL}
    ]


def takes_its_transaction_first(file: Source) -> list[str]:
    """An operation says what it may do to the world with its first argument; work that makes transactions takes the database."""
    return [
        f"{file.path}:{function.lineno} {function.name} is async, so its first argument is tx, or database"
        for function in sources.functions(file.tree)
        if isinstance(function, ast.AsyncFunctionDef)
        and (not function.args.args or function.args.args[0].arg not in ("tx", "database"))
    ]


def says_nothing(file: Source) -> list[str]:
    """A public function has a docstring, unless its name, its types and a line or two say it all."""
    return [
        f"{file.path}:{function.lineno} {function.name} needs a docstring: what it gives, in which units, what it raises"
        for function in sources.functions(file.tree)
        if ast.get_docstring(function) is None and _statements(function) > 2
    ]


def raises_silently(file: Source) -> list[str]:
    """Whoever calls an operation reads in its docstring which failures it raises itself."""
    return [
        f"{file.path}:{function.lineno} {function.name} raises {name}, and its docstring does not say so"
        for function in sources.functions(file.tree)
        if isinstance(function, ast.AsyncFunctionDef)
        for name in sorted(_raised(function))
        if name not in (ast.get_docstring(function) or "")
    ]


def has_no_header(file: Source, least: int = 150) -> list[str]:
    """A domain file begins with prose: what it is, its states, its invariants, what happens when two come at once."""
    said = ast.get_docstring(file.tree) or ""
    if not file.text.strip() or file.path.endswith("__init__.py") or file.path == "platform/scopes.py":
        return []
    return [f"{file.path} has a header of {len(said)} characters; tell more"] if len(said) < least else []


def documents_arguments_apart(file: Source) -> list[str]:
    """Docstrings are prose; a table of arguments repeats the signature."""
    return [
        f"{file.path}:{node.lineno} lists arguments in a docstring; say it in the sentence"
        for node in ast.walk(file.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and re.search(
            r"^\s*(Args|Arguments|Parameters|Returns|Raises):\s*$", ast.get_docstring(node) or "", re.MULTILINE
        )
    ]


def names_a_layer(file: Source) -> list[str]:
    """A class, or a file, is called for what it is in the world, not for its place in somebody's architecture."""
    drawer = re.search(r"(^|/|_)(utils?|helpers?|misc|services?|managers?|repositor(y|ies))\.py$", file.path)
    return [f"{file.path} is a drawer for anything; find the noun"] * (drawer is not None) + [
        f"{file.path}:{node.lineno} class {node.name}: find the noun"
        for node in ast.walk(file.tree)
        if isinstance(node, ast.ClassDef)
        and re.search(r"(Manager|Service|Repository|Dto|DTO|Helper|Util|Utils|Factory|Impl)$", node.name)
    ]


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _statements(function: ast.AST) -> int:
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1


def _raised(function: ast.AsyncFunctionDef) -> set[str]:
    raised = (node.exc for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc is not None)
    called = (node.func if isinstance(node, ast.Call) else node for node in raised)
    names = (_dotted(node).rpartition(".")[2] for node in called)
    return {name for name in names if name[:1].isupper()}


EVERYWHERE: tuple[str, ...] = ()
DOMAIN = ("club", "training", "platform", "db")
OPERATIONS = ("club", "training", "platform")

RULES: list[tuple[Callable[[Source], list[str]], tuple[str, ...], str]] = [
    (too_long, EVERYWHERE, "pass\n" * 400),
    (reads_environment, EVERYWHERE, "import os\nname = os.environ.get('NAME')"),
    (reads_clock, EVERYWHERE, "from datetime import UTC, datetime\nnow = datetime.now(UTC)"),
    (reads_clock, EVERYWHERE, "import time\nnow = time.time()"),
    (commits, EVERYWHERE, "connection.execute('COMMIT')"),
    (commits, EVERYWHERE, "session.commit()"),
    (writes_sql_while_running, OPERATIONS, "async def get(tx):\n    return await tx.rows(sa.select(events))"),
    (takes_its_transaction_first, OPERATIONS, "async def get(event_id):\n    return event_id"),
    (says_nothing, DOMAIN, "def get(a):\n    b = a\n    c = b\n    return c"),
    (raises_silently, OPERATIONS, "async def get(tx):\n    '''An event.'''\n    raise EventNotFound"),
    (has_no_header, OPERATIONS, '"""Events."""\nimport os'),
    (documents_arguments_apart, EVERYWHERE, "def get(a):\n    '''Get.\n\n    Args:\n        a: a letter\n    '''"),
    (names_a_layer, EVERYWHERE, "class EventService:\n    pass"),
]


def test_a_file_for_anything_is_caught() -> None:
    assert names_a_layer(sources.source("", "club/date_utils.py"))


@pytest.mark.parametrize(("rule", "bad"), [(rule, bad) for rule, _, bad in RULES])
def test_the_rule_catches_a_bad_example(rule: Callable[[Source], list[str]], bad: str) -> None:
    found = rule(sources.source(bad))

    assert found


@pytest.mark.parametrize(("rule", "folders"), list(dict.fromkeys((rule, folders) for rule, folders, _ in RULES)))
def test_every_file_of_ours_keeps_the_rule(rule: Callable[[Source], list[str]], folders: tuple[str, ...]) -> None:
    found = [problem for file in sources.package(*folders) for problem in rule(file)]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(("folder", "most"), [("benchmarks", LINES_MOST), ("tests", LINES_MOST_IN_A_TEST)])
def test_files_beside_the_package_are_short_too(folder: str, most: int) -> None:
    files = [
        Source(str(path.relative_to(ROOT)), path.read_text(), ast.Module([], []))
        for path in (ROOT / folder).rglob("*.py")
    ]

    found = [problem for file in files for problem in too_long(file, most)]

    assert files
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("exceptions", "rule"),
    [(ENVIRONMENT, reads_environment), (CLOCKS, reads_clock)],
)
def test_every_exception_is_still_needed(exceptions: dict[str, str], rule: Callable[[Source], list[str]]) -> None:
    files = {file.path: file for file in sources.package()}

    idle = [name for name in exceptions if name not in files or not rule(files[name]._replace(path="club/example.py"))]

    assert not idle, f"no exception is needed for {idle}"
