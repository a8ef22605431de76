"""TLS to PostgreSQL with the server's name verified, on a build with OpenSSL (the embedded one has none)."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.local.binaries import debian_binaries
from smart_redirect.local.embedded import EmbeddedPostgres, free_port
from smart_redirect.local.server_settings import TEST_SETTINGS
from tests.aws.bundle import Bundle
from tests.aws.conftest import load
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import GOOD, KNOWN, asked
from tests.conftest import migrate_dsn
from tests.fakes.secrets_extension import FakeExtension
from tests.parity import Answered, rest_event

BINARIES = next(debian_binaries(), None)
pytestmark = pytest.mark.skipif(BINARIES is None, reason="needs PostgreSQL with OpenSSL: apt-get install postgresql-15")
TLS = {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.key", "ssl_min_protocol_version": "TLSv1.2"}
Serve = Callable[[str], str]


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def certify(folder: Path, name: str) -> None:
    """Write ca.pem, other.pem of another authority, and server.pem and server.key for a host's name, into a folder."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    ca, server = folder / "ca", folder / "server"
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=CA", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
    openssl("req", "-x509", *key, "-subj", "/CN=CA", "-keyout", f"{folder}/other.key", "-out", f"{folder}/other.pem")
    openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{server}.key", "-out", f"{server}.csr")
    (folder / "names").write_text(f"subjectAltName=DNS:{name}")
    signed = ("-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2")
    openssl("x509", "-req", "-in", f"{server}.csr", *signed, "-extfile", str(folder / "names"), "-out", f"{server}.pem")


def install(pgdata: Path, folder: Path) -> None:
    """Give a server its key and certificate, as its own account's files."""
    owner = pgdata.stat()
    for name in ("server.pem", "server.key"):
        path = pgdata / name
        path.write_bytes((folder / name).read_bytes())
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture
def serve(memory_dir: Path, tmp_path: Path) -> Iterator[Serve]:
    """Run a server whose certificate has the given name; return its address, as localhost."""
    port, data = free_port(), memory_dir / f"tls-{tmp_path.name}"
    with EmbeddedPostgres(data, port=port, settings=TEST_SETTINGS, binaries=BINARIES) as server:
        asyncio.run(migrate_dsn(server.dsn))
        asyncio.run(load(server.dsn))
        pgdata = server.cluster.pgdata
    server = EmbeddedPostgres(data, port=port, settings={**TEST_SETTINGS, **TLS}, binaries=BINARIES)

    def serve(name: str) -> str:
        certify(tmp_path, name)
        install(pgdata, tmp_path)
        server.start()
        address = server.tcp_dsn_of("postgres").replace("127.0.0.1", "localhost")
        return f"{address}?sslmode=verify-full&sslrootcert={tmp_path}/ca.pem"

    yield serve
    server.stop()


@pytest.fixture
def ask(
    serve: Serve, bundle: Bundle, extension: FakeExtension, variables: dict[str, str]
) -> Callable[[str, str], Answered]:
    """Ask once, with a database whose certificate has a name, changing its address on the way."""

    def ask(name: str, authority: str = "ca.pem") -> Answered:
        extension.put("database", DATABASE_URL=serve(name).replace("ca.pem", authority))
        given = {**variables, "SMART_REDIRECT_BUDGET_MS": "1000"}
        with Emulator(bundle.function("GetCustomerDataFunction"), given) as emulator:
            return asked(emulator, rest_event(GOOD))

    return ask


def test_a_server_that_is_who_it_says_is_asked(ask: Callable[..., Answered]) -> None:
    assert ask("localhost") == Answered(200, KNOWN)


def test_a_server_with_another_s_certificate_is_not(ask: Callable[..., Answered]) -> None:
    assert ask("other.example.com") == Answered(503, NOTHING)


def test_a_server_of_an_unknown_authority_is_not(ask: Callable[..., Answered]) -> None:
    assert ask("localhost", "other.pem") == Answered(503, NOTHING)
