"""House rules that can be checked. Each failure says what to do instead."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "detente"
MODULES = sorted(SOURCE.rglob("*.py"))

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 500
VERIFIER_LINES_MAX = 350
"""Of code, without what documents it."""

MAY_IMPORT = {
    "errors": set(),
    "settings": {"errors", "settings_together"},
    "settings_together": {"errors"},
    "verify": set(),
    "data": set(),
    "core": {"core", "errors"},
    "picture": {"core", "errors", "picture"},
    "store": {"core", "errors", "store"},
    "node": {"core", "errors", "picture", "settings", "store", "node"},
    "doors": {"core", "errors", "picture", "settings", "store", "node", "doors"},
    "cli": {"core", "errors", "picture", "settings", "store", "node", "doors", "verify", "cli"},
}
"""Imports point one way (docs/adr/0001)."""

BANNED_IN_CORE = {
    "open": "take bytes as an argument",
    "print": "return a value",
    "input": "take it as an argument",
    "now": "take `now` as an argument",
    "utcnow": "take `now` as an argument",
    "today": "take `now` as an argument",
    "uuid4": "take the id as an argument",
}
BANNED_IMPORTS_IN_CORE = {
    "random", "secrets", "os", "socket", "sqlite3", "asyncio", "sqlalchemy", "time", "pathlib",
    "subprocess", "threading", "logging",
}  # fmt: skip

KERNEL_CORE = {"geodesy", "presence"}
"""What kernels may take from core: _jit.py makes the name of their cache from these."""


def layer(path: Path) -> str:
    """The layer of a module: the folder or file right under detente."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import of ours; names imported from a package count."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_point_one_way(path: Path) -> None:
    if path.name == "__init__.py" and path.parent == SOURCE:
        return
    allowed = MAY_IMPORT[layer(path)]
    for line, name in imported(path):
        parts = name.split(".")
        if parts[0] != "detente" or len(parts) < 2:
            continue
        assert parts[1] in allowed, (
            f"{named(path)}:{line} imports {name}: {layer(path)} may import {sorted(allowed)}; "
            "move what both need down a layer"
        )


@pytest.mark.parametrize("path", [p for p in MODULES if layer(p) == "doors"], ids=named)
def test_a_door_never_imports_another_door(path: Path) -> None:
    """A door is a package in doors/; the plain modules there are the doors' shared formats."""
    doors = {one.name for one in (SOURCE / "doors").iterdir() if one.is_dir()}
    own = path.relative_to(SOURCE / "doors").parts[0]
    for line, name in imported(path):
        parts = name.split(".")
        if parts[:2] == ["detente", "doors"] and parts[2] in doors and own in doors:
            assert parts[2] == own, (
                f"{named(path)}:{line} imports {name}: move what both doors need to doors/"
            )


@pytest.mark.parametrize("path", [p for p in MODULES if layer(p) == "core"], ids=named)
def test_core_has_no_clock_chance_or_io(path: Path) -> None:
    for line, name in imported(path):
        module = name.split(".")[0]
        assert module not in BANNED_IMPORTS_IN_CORE, (
            f"{named(path)}:{line} imports {module}: core takes values and returns values"
        )
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ""
            name = function.id if isinstance(function, ast.Name) else name
            assert name not in BANNED_IN_CORE, (
                f"{named(path)}:{node.lineno} calls {name}(): {BANNED_IN_CORE[name]}"
            )


def test_kernels_take_from_core_only_what_their_cache_is_named_after() -> None:
    for path in (SOURCE / "picture").glob("*.py"):
        if "@jit" not in path.read_text() and "@released" not in path.read_text():
            continue
        for line, name in imported(path):
            parts = name.split(".")
            if parts[:2] == ["detente", "core"]:
                assert parts[2] in KERNEL_CORE, (
                    f"{named(path)}:{line} takes {name}: add its file to _jit._CORE and here"
                )
    jit = (SOURCE / "picture" / "_jit.py").read_text()
    for name in KERNEL_CORE:
        assert f'"{name}.py"' in jit


def test_no_kernel_is_made_of_what_its_cache_is_not_named_after() -> None:
    modules = {path.name: path for path in (SOURCE / "picture").glob("*.py")}
    found, wanted = (
        set[str](),
        [
            name
            for name, path in modules.items()
            if name != "_jit.py" and ("@jit" in path.read_text() or "@released" in path.read_text())
        ],
    )
    while wanted:
        name = wanted.pop()
        found.add(name)
        parts = [one.split(".") for _, one in imported(modules[name])]
        of_picture = {f"{part[2]}.py" for part in parts if part[:2] == ["detente", "picture"]}
        wanted += (of_picture & modules.keys()) - found
    jit = (SOURCE / "picture" / "_jit.py").read_text()
    above = set(re.findall(r'"(\w+\.py)"', jit.partition("ABOVE =")[2].partition("\n")[0]))
    assert above >= {"picture.py", "live.py"}
    assert not found & above


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))], ids=named)
def test_functions_and_modules_are_small(path: Path) -> None:
    text = path.read_text()
    limit = MODULE_LINES_MAX if layer_or_tests(path) != "tests" else 2 * MODULE_LINES_MAX
    assert text.count("\n") <= limit, f"{named(path)}: split it by meaning"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            documented = ast.get_docstring(node, clean=False)
            lines -= documented.count("\n") + 1 if documented else 0
            # A command's options and their help are its documentation.
            lines -= node.body[0].lineno - node.lineno if layer_or_tests(path) == "cli" else 0
            assert lines <= FUNCTION_LINES_MAX, (
                f"{named(path)}:{node.lineno} {node.name} has {lines} lines: name its parts"
            )


def test_the_verifier_stands_alone_and_can_be_read_whole() -> None:
    source = (SOURCE / "verify.py").read_text()
    tree = ast.parse(source)
    for line, name in imported(SOURCE / "verify.py"):
        module = name.split(".")[0]
        assert module in sys.stdlib_module_names | {"nacl"}, f"verify.py:{line} imports {name}"
    told = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            told |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
        # A text of several lines is read, but is no code.
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            told |= set(range(node.lineno + 1, (node.end_lineno or 0) + 1))
    code = [
        n for n, line in enumerate(source.splitlines(), start=1) if line.strip() and n not in told
    ]
    assert len(code) <= VERIFIER_LINES_MAX, "a sceptic reads every line of it: say it in fewer"


def layer_or_tests(path: Path) -> str:
    return layer(path) if SOURCE in path.parents else "tests"


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in done.stdout.split("\0") if name]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        text = path.suffix in {".py", ".md", ".toml", ".txt", ".sh", ".yml", ""}
        if text and path.is_file() and path != Path(__file__):
            yield path, path.read_text(errors="ignore")


def test_no_registry_address_stands_in_any_file() -> None:
    address = re.compile(
        r"[p]ypi\.org|[p]ythonhosted|[n]pmjs\.|[d]eb\.debian|--(extra-)?index-url +http"
    )
    for path, text in texts():
        assert not address.search(text), f"{named(path)}: take the address out"


def test_a_todo_says_why() -> None:
    bare = re.compile(r"\b(TODO|FIXME|XXX)\b(?! *\([^)]+\))")
    for path, text in texts():
        if path.suffix != ".py":
            continue
        assert not bare.search(text), f"{named(path)}: write TODO (reason), or do it"


def test_nothing_we_say_permits() -> None:
    """No answer reads as permission, and nothing names targets (H24, docs/adr/0010)."""
    permits = re.compile(
        r"\b(safe|approved|cleared|clear) to (fly|go|act|strike|proceed)|\bis_safe\b|target_list",
        re.IGNORECASE,
    )
    for path, text in texts():
        for line in text.splitlines():
            if permits.search(line) and not re.search(r"never|no |not |refuse", line):
                pytest.fail(
                    f"{named(path)}: {line.strip()}: say what is known, not what may be done"
                )
