"""The model of the old macro, on which the reply rests, does what the macro does on a real Asterisk."""

from pathlib import Path

from tests.asterisk.conftest import Variant
from tests.asterisk.host import Host
from tests.asterisk.service import Answer, Service
from tests.asterisk.sip import wait_until
from tests.fakes.old_macro import goes_to, read

CONTEXT = "mngr31_0001363_1"
ROUTE = f'"DialPlan":"{CONTEXT}"'
REPLIES = [
    f'{{"Name":"Иван Петров",{ROUTE}}}', f'{{"Name":"",{ROUTE}}}', f'{{"Name":null,{ROUTE}}}',
    f'{{"Name":"Иванов, Иван",{ROUTE}}}', f'{{"Name": "Иван", "DialPlan": "{CONTEXT}"}}',
    f'{{{ROUTE},"Name":"Иван"}}', f'{{"Name":"ООО \\"Ромашка\\"",{ROUTE}}}', f'{{"Name":"Ann :)",{ROUTE}}}',
    f'{{"Name":"\\u0418\\u0432",{ROUTE}}}', '{"Name":"ab","DialPlan":null}', '{"Name":"abc","DialPlan":null}',
    '{"Name":"ab","DialPlan":null,"Pad":"1"}', '{"Name":"","DialPlan":null}', "", "{}",
    '{"detail":"Token header is required"}', '{"detail":[{"type":"missing","loc":["body","Phone"]}]}',
    f'{{"Name":"Ann (Minsk)",{ROUTE}}}', f'{{"Name":"Ann from the bakery in Minsk :)",{ROUTE}}}',
    f'{{"Name":"Ann",{ROUTE}}}\r\n', '{"Name":"Ann the third","DialPlan":"mngr99_0001363_1"}',
    '{"Name":"Ann the third","DialPlan":true}', '{"Name":"Ann the third","DialPlan":12}',
    '{"Name":"Ann the third","DialPlan":"mngr31_00013', '{"Name":"Ann the third","DialPlan":""}',
    f'{{"Name":"« » — № | & ; : ? = % \' / @ # * ! ~ ^ < > {{}} []",{ROUTE}}}',
    f'{{"Name":"${{EXTEN}} $[1+1]",{ROUTE}}}', f'{{"Name":"Иванов‚ Иван 🙂",{ROUTE}}}',
    f'{{"Name":"null",{ROUTE}}}', f'{{"Name":"Ann",{ROUTE},"Pad":"1"}}', f'{{"Name":"tail\\\\",{ROUTE}}}',
    f'{{"Name":"{"x" * 4054}",{ROUTE}}}',
    "<html><head><title>502 Bad Gateway</title></head><body>502</body></html>",
    "<html><head><title>Sorry, try again</title></head><body>502</body></html>",
]  # fmt: skip
LINES = {f"10{n:02}": body.encode() for n, body in enumerate(REPLIES)}


def outcome(spool: Path, line: str) -> tuple[str, str]:
    where = spool / f"{line}.where"
    name = (spool / f"{line}.name").read_bytes().decode("utf-8", "surrogateescape")
    return name, where.read_text() if where.exists() else "dropped"


def place_calls(host: Host, lines: dict[str, bytes]) -> Path:
    spool = host.path / "events"
    for line in lines:
        host.cli(f"channel originate Local/{line}@from-out-office application Wait 1")
    wait_until(lambda: len(list(spool.glob("*.ended"))) == len(lines), 15, "all calls over")
    return spool


def test_the_model_and_the_real_old_macro_agree(variant: Variant, own_service: Service) -> None:
    own_service.special = {line: Answer(body) for line, body in LINES.items()}
    host = variant(own_service, extensions=(Path(__file__).parent / "old_macro.conf").read_text())
    spool = place_calls(host, LINES)
    seen = {body: outcome(spool, line) for line, body in LINES.items()}
    model = {body: (read(body)[0], goes_to(body, frozenset({CONTEXT}))) for body in LINES.values()}
    assert seen == model
