"""The house rules that a machine can check (docs and STYLE say why)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYER = ROOT / "layers" / "shared" / "python"
SOURCES = sorted([*LAYER.rglob("*.py"), *(ROOT / "functions").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_HANDLER = 250, 30, 40
PURE = {"asyncio", "datetime", "logging", "os", "pathlib", "random", "socket", "subprocess", "time", "asyncpg", "httpx"}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    documented = ast.get_docstring(node) is not None
    body = node.body[1:] if documented else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module opens with a sentence that says what it is for"
    assert text.count("\n") <= LONGEST_FILE
    assert {node.name for node in functions(path) if code_lines(node) > LONGEST_FUNCTION} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "functions").rglob("app.py")), ids=lambda path: path.parent.name)
def test_handlers_are_thin(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= LONGEST_HANDLER
    assert "os.environ" not in path.read_text(encoding="utf-8")


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    "path", sorted((LAYER / "smart_redirect" / "domain").rglob("*.py")), ids=lambda path: path.stem
)
def test_the_domain_knows_no_clock_no_io_and_no_framework(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)} - {"datetime"}
    assert roots & PURE == set()
    assert "datetime.now" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_do_not_replace_our_own_code(path: Path) -> None:
    assert not {name for name in imports(path) if name.startswith(("unittest.mock", "mock"))}


def modules() -> Iterator[str]:
    for path in SOURCES:
        root = LAYER if LAYER in path.parents else ROOT / "functions"
        yield ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def test_importing_any_module_does_nothing() -> None:
    program = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    names = [name for name in modules() if not name.endswith("__main__")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *names], env={}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_call_path_imports_only_what_it_needs() -> None:
    program = (
        "import sys, getcustomerdata.app\n"
        "print(*{name.split('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'jinja2', 'pydantic', 'httpx', "
        "'starlette', 'phonenumbers', 'uvicorn', 'prometheus_client', 'pydantic_settings', 'aws_lambda_powertools'})\n"
        "print(*sorted(name for name in sys.modules if name.startswith('smart_redirect.local')))\n"
        "print(len(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy, local, count = done.stdout.split("\n")[:3]
    assert (heavy, local) == ("", "")
    assert int(count) < 420
