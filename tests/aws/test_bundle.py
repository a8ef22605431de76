"""What the bundle holds: the call path's own files and no others, with bytecode that Lambda can use as it is."""

import json
import os
import re
import shutil
import ssl
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from infra.aws import fingerprint

from tests.aws.bundle import FOR_LAMBDA, FOR_THIS_MACHINE, MINOR, Bundle, Function
from tests.aws.emulator import INTERPRETER

UNCHECKED = 1
MAGIC_3_13 = 3571
AARCH64 = 183
EVENT = Path("tests/events/getcustomerdata_rest.json")
for_lambda = pytest.mark.skipif(not FOR_LAMBDA.exists(), reason="needs make build, and with it a Python 3.13")


@pytest.fixture
def call_path_function(bundle: Bundle) -> Function:
    return bundle.function("GetCustomerDataFunction")


def names(folder: Path) -> set[str]:
    return {re.sub(r"-[\d.]+\.dist-info", ".dist-info", each.name) for each in folder.iterdir()}


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def bytecode_of(source: Path, tag: str) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"


def magic_number() -> bytes:
    program = "import importlib.util, sys; sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER)"
    return subprocess.run([INTERPRETER, "-c", program], capture_output=True, check=True).stdout


def test_the_call_path_has_its_own_package_and_wheels_and_no_others(call_path_function: Function) -> None:
    assert names(call_path_function.code) == {"getcustomerdata", "built.json"}
    [shared, deps] = call_path_function.layers
    assert names(shared / "python") == {"smart_redirect"}
    packages = {"asyncpg", "mangum", "phonenumbers", "typing_extensions"}
    assert {name.split(".")[0] for name in names(deps / "python")} - {"__pycache__"} == packages


def test_the_one_machine_server_stays_at_home(call_path_function: Function) -> None:
    assert {"local", "cli"} & names(call_path_function.layers[0] / "python" / "smart_redirect") == set()


def test_amazon_s_authorities_are_there_for_the_database_s_proxy(call_path_function: Function) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(call_path_function.layers[0] / "certificates" / "amazon.pem")
    subjects = [dict(part[0] for part in each["subject"])["commonName"] for each in context.get_ca_certs()]
    assert {f"Amazon Root CA {number}" for number in range(1, 5)} <= set(subjects)


def test_authorities_that_the_operator_adds_are_there_too(tmp_path: Path) -> None:
    (tmp_path / "rds.pem").write_text("of a database of one's own")
    artifacts = tmp_path / "artifacts"
    given = f"ARTIFACTS_DIR={artifacts}", f"CERTIFICATES={tmp_path}", f"PY={MINOR}"
    environment = {**os.environ, "PYTHON_FOR_BYTECODE": sys.executable}
    subprocess.run(["make", "-C", "layers/shared", "build-SharedLayer", *given], env=environment, check=True)
    found = {path.name: path.read_text() for path in (artifacts / "certificates").iterdir()}
    assert set(found) == {"amazon.pem", "rds.pem"}
    assert found["rds.pem"] == "of a database of one's own"


def test_every_function_says_what_it_runs_on(bundle: Bundle) -> None:
    marks = [json.loads(path.read_text()) for path in bundle.folder.glob("*Function/built.json")]
    assert len(marks) == len(list(bundle.folder.glob("*Function"))) > 5
    assert [mark for mark in marks if mark != marks[0]] == []
    assert (marks[0]["python"], len(marks[0]["sha256"])) == (MINOR, 64)


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def built(folder: Path) -> dict[Path, bytes]:
    """Every file that `make build` makes."""
    given = f"PY={MINOR}", f"ARCH={fingerprint.read(FOR_THIS_MACHINE)['architecture']}", f"BUILD={folder}"
    environment = {**os.environ, "PYTHON_FOR_BYTECODE": str(INTERPRETER)}
    subprocess.run(["make", "build", *given], env=environment, check=True, capture_output=True)
    return files(folder)


def test_two_builds_of_the_same_sources_are_the_same_bundle(tmp_path: Path) -> None:
    first, second = built(tmp_path / "first"), built(tmp_path / "second")
    assert len(first) > 100
    assert {path for path in {*first, *second} if first.get(path) != second.get(path)} == set()


@pytest.mark.parametrize("name", ["GetCustomerDataFunction", "CallEventFunction"])
def test_every_source_has_bytecode_that_is_not_checked(bundle: Bundle, name: str) -> None:
    function, expected, tag = bundle.function(name), magic_number(), f"cpython-{MINOR.replace('.', '')}"
    for source in [each for folder in (function.code, *function.layers) for each in sources(folder)]:
        magic, flags = struct.unpack("<4sI", bytecode_of(source, tag).read_bytes()[:8])
        assert (magic, flags) == (expected, UNCHECKED), source


def zipped_and_opened(function: Function, tmp_path: Path) -> list[Path]:
    """Return the folders to import from, after a journey through zip files, every source newer than its bytecode."""
    places = []
    for folder in (function.code, *function.layers):
        packed = shutil.make_archive(str(tmp_path / folder.name), "zip", folder)
        shutil.unpack_archive(packed, tmp_path / "opened" / folder.name)
        places += [tmp_path / "opened" / folder.name, tmp_path / "opened" / folder.name / "python"]
    for source in sources(tmp_path / "opened"):
        source.touch()
    return places


def test_zipping_does_not_void_the_bytecode(call_path_function: Function, tmp_path: Path) -> None:
    places = zipped_and_opened(call_path_function, tmp_path)
    command = [INTERPRETER, "-S", "-v", "-c", "import getcustomerdata.app"]
    environment = {"PYTHONPATH": ":".join(map(str, places))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    ours = re.findall(rf"^# code object from '?({tmp_path}\S+\.pyc?)", done.stderr, re.MULTILINE)
    assert len(ours) > 50
    assert [path for path in ours if path.endswith(".py")] == []


@for_lambda
def test_what_goes_to_lambda_is_for_its_processor() -> None:
    libraries = list(FOR_LAMBDA.rglob("*.so"))
    assert len(libraries) >= 3
    for library in libraries:
        [machine] = struct.unpack("<H", library.read_bytes()[18:20])
        fits = re.search(r"\.(cpython-313-aarch64-linux-gnu|abi3)\.so(\.\d+)*$", library.name)
        assert (machine, bool(fits)) == (AARCH64, True), library


@for_lambda
def test_what_goes_to_lambda_comes_from_wheels_that_fit_it() -> None:
    tags = {
        tag for path in FOR_LAMBDA.rglob("*.dist-info/WHEEL") for tag in re.findall(r"Tag: (\S+)", path.read_text())
    }
    native = {tag for tag in tags if not tag.endswith("-any")}
    assert native
    assert all(re.fullmatch(r"(cp313-cp313|cp3(\d|1[0-3])-abi3)-manylinux\w*_aarch64", tag) for tag in native), native


@for_lambda
def test_what_goes_to_lambda_has_bytecode_of_its_python() -> None:
    for source in sources(FOR_LAMBDA):
        head = bytecode_of(source, "cpython-313").read_bytes()[:8]
        number, line_end, flags = struct.unpack("<H2sI", head)
        assert (number, line_end, flags) == (MAGIC_3_13, b"\r\n", UNCHECKED), source
