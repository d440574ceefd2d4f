"""Documentation that cannot lie: pages, code, commands and data are held together."""

import ast
import hashlib
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cli import detente
from detente import errors
from detente.core.lifecycle import STANDING_TRANSITIONS
from detente.core.plan import PLAN_TRANSITIONS
from detente.doors.files.columns import SPELLINGS, squeezed

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RULES = sorted((DOCS / "rules").glob("R-*.md"))
ADRS = sorted((DOCS / "adr").glob("[0-9]*.md"))
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "src").rglob("README.md")]


@pytest.mark.parametrize("page", RULES, ids=lambda page: page.stem)
def test_a_rule_has_a_source_a_function_and_tests(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}: ")
    for part in ("**Source.** ", "**Function.** ", "**Tests.** ", "**Today.** "):
        assert part in text
    match = re.search(r"\*\*Function\.\*\* `([\w.]+)`", text)
    assert match is not None
    parts = match[1].split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        assert callable(found)
        break
    for test in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / test).is_file()


def test_rules_are_numbered_listed_and_every_one_that_code_names_exists() -> None:
    numbers = [page.stem for page in RULES]
    assert numbers == [f"R-{n:02}" for n in range(1, len(RULES) + 1)]
    index = (DOCS / "rules" / "README.md").read_text()
    for page in RULES:
        title = page.read_text().splitlines()[0].removeprefix("# ").partition(": ")[2]
        assert f"| [{page.stem}]({page.stem}.md) | {title} |" in index
    for source in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for rule in re.findall(r"\bR-\d\d\b", source.read_text()):
            assert rule in numbers, f"{source.relative_to(ROOT)} names {rule}"


def test_decisions_are_numbered_listed_and_of_one_form() -> None:
    index = (DOCS / "adr" / "README.md").read_text()
    for number, page in enumerate(ADRS, start=1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert re.search(r"^Status: (Accepted|Superseded by \d{4})$", text, re.MULTILINE)
        assert re.search(r"^Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
        for heading in (
            "Context",
            "Options",
            "Decision and consequences",
            "What would change our mind",
        ):
            assert f"\n## {heading}\n" in text
        assert f"]({page.name})" in index
        assert text.count("\n") <= 70, f"{page.name}: a decision is at most a page"
    for source in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for number in re.findall(r"adr/(\d{4})", source.read_text()):
            assert int(number) <= len(ADRS), f"{source.relative_to(ROOT)} names ADR {number}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


@pytest.mark.parametrize(
    "page", [DOCS / "life-of-an-entry.md", ROOT / "README.md", DOCS / "glossary.md"]
)
def test_files_that_pages_name_exist(page: Path) -> None:
    for name in re.findall(r"`((?:\w+/)+[\w/]*(?:\.\w+)?)`", page.read_text()):
        places = [
            ROOT / name,
            ROOT / "src" / "detente" / name,
            ROOT / "src" / "detente" / f"{name}.py",
        ]
        assert any(place.exists() for place in places), f"{page.name} names {name}"


def test_the_commands_page_is_what_the_commands_say() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "cli_docs.py", "--check"], check=False
    )
    assert done.returncode == 0, "run `make docs`"


def test_the_settings_page_is_what_the_table_says() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "settings_docs.py", "--check"], check=False
    )
    assert done.returncode == 0, "run `make docs`"


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    # Serving does not end: tests/scenarios/test_serving.py does it.
    return [
        line for line in lines if line.startswith("detente ") and shlex.split(line)[1] != "serve"
    ]


def test_the_readmes_commands_work_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "hospitals.csv").write_text("name,lat,lon\nA hospital,50.56781,10.12341\n")
    plan = (
        '{"type": "Feature", "properties": {"id": "a"},'
        ' "geometry": {"type": "Point", "coordinates": [12.00001, 52.00001]}}'
    )
    for name in ("plans.geojson", "zones.json"):
        (tmp_path / name).write_text(plan)
    commands = readme_commands()
    assert len(commands) == 6
    for command in commands:
        ran = detente(*shlex.split(command)[1:], cwd=tmp_path)
        expected = 1 if "--zones" in command else 0  # the zone is where the plan is
        assert ran.status == expected, (command, ran)
    assert (tmp_path / "out.png").exists()


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(
        r"^make (\w+)|`make (\w+)`", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert len(targets) >= 3
    for target in targets:
        assert f"\n{''.join(target)}:" in makefile, target


def test_every_field_and_spelling_is_documented() -> None:
    text = re.sub(r"```.*?```", "", (DOCS / "files.md").read_text(), flags=re.DOTALL)
    words = {squeezed(word) for word in re.findall(r"`([^`]+)`", text)}
    for field in SPELLINGS:
        assert squeezed(field) in words, f"docs/files.md lacks {field}"


def test_errors_are_drawn_as_they_are() -> None:
    drawn = errors.__doc__ or ""
    classes = [c for c in vars(errors).values() if isinstance(c, type)]
    codes = set()
    for one in classes:
        assert issubclass(one, errors.DetenteError)
        assert one.__name__ in drawn
        codes.add(one.code)
    assert len(codes) == len(classes)


def test_lifecycles_in_the_documentation_are_those_of_the_tables() -> None:
    from detente.core.lifecycle import diagram  # noqa: PLC0415 - beside what it draws

    text = (DOCS / "lifecycles.md").read_text()
    assert f"```mermaid\n{diagram(PLAN_TRANSITIONS)}\n```" in text
    assert f"```mermaid\n{diagram(STANDING_TRANSITIONS)}\n```" in text


@pytest.mark.parametrize("folder", [ROOT / "src/detente/data", ROOT / "tests/vectors"])
def test_data_is_what_its_readme_says(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    rows = re.findall(r"^\| `([\w./]+)` \|.*`([0-9a-f]{64})` \|$", text, re.MULTILINE)
    assert len(rows) >= 4
    for name, digest in rows:
        path = folder / name
        if path.is_dir():
            lines = "".join(
                f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder)}\n"
                for file in sorted(path.rglob("*"))
                if file.is_file()
            )
            assert hashlib.sha256(lines.encode()).hexdigest() == digest, name
        else:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, name
    named = {name for name, _ in rows}
    ours = {"__init__.py", "__pycache__", "README.md"}
    invented = {
        "los_angeles_plans.geojson",
        "los_angeles_movements.geojson",
        "los_angeles_agreement.toml",
        "los_angeles.toml",
        "salient.toml",
        "salient_agreement.toml",
    }
    assert {path.name for path in folder.iterdir()} - ours - invented == named


SCENARIOS = sorted((ROOT / "tests" / "scenarios").glob("test_*.py"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_is_the_story_beside_it(scenario: Path) -> None:
    story = scenario.with_suffix(".md").read_text()
    headings = re.findall(r"^## (.+)$", story, re.MULTILINE)
    told = [
        (ast.get_docstring(node) or "").rstrip(".")
        for node in ast.parse(scenario.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert list(dict.fromkeys(told)) == headings
