"""A service that cannot prove who it is gets no token and no caller."""

import ssl
import subprocess
from pathlib import Path

import pytest

from tests.asterisk.conftest import GOSUB_22, MACRO_12, MACRO_16, Kind, Variant
from tests.asterisk.host import INFRA, LINE
from tests.asterisk.scenario import Caller, answering_phone
from tests.asterisk.service import Service
from tests.asterisk.sip import wait_until


@pytest.fixture
def impostor(tmp_path: Path, own_service: Service) -> Service:
    """The service behind a certificate that nobody signed, though the name in it is right."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=test"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], cwd=tmp_path, check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    own_service.stop()
    own_service.certificate = context
    return own_service.start()


@pytest.mark.parametrize("kind", [MACRO_16, MACRO_12, GOSUB_22], ids=["16", "12", "22"])
def test_an_unknown_certificate_ends_the_request_and_not_the_call(
    variant: Variant, impostor: Service, kind: Kind
) -> None:
    impostor.says("Impostor", "mngr32_0001363_1")
    host = variant(impostor, kind)
    phone = host.phone("152", answering_phone(100))
    host.call(Caller(LINE, hangs_up_ms=2500))
    phone.wait_for("INVITE")
    assert impostor.asked == []
    assert "status=no_reply" in host.event_log()


def test_it_is_the_verification_that_ends_it(variant: Variant, impostor: Service) -> None:
    macros = (INFRA / "asterisk16/extensions_custom.conf").read_text()
    host = variant(impostor, extensions_custom=macros.replace("ssl_verifypeer)=1", "ssl_verifypeer)=0"))
    host.call(Caller(LINE, hangs_up_ms=700))
    wait_until(lambda: len(impostor.asked) == 1, 5, "a request")
