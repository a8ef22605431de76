"""The settings of the sample host as an enterprise: what the generator makes of them is run by real Asterisk."""

from dataclasses import replace

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.plan import Dialplan, Pool
from smart_redirect.domain.dialplan.render import render
from smart_redirect.domain.dialplan.steps import Ring
from smart_redirect.domain.dialplan.tombstones import Retired
from tests.asterisk.host import LINE, Host
from tests.asterisk.sip import wait_until
from tests.domain.dialplan.settings import Json, edge, node, office, outgoing, scheme, steps

MOBILE, MOBILE_LINE = "375291112233", "0001366"
LINE_NUMBER = "375172009988"
FIRST, SECOND = f"mngr31_{LINE}_1", f"mngr31_{LINE}_2"


def secretary(*phones: str) -> Json:
    """The line's own scheme: a greeting, then a phone."""
    people = [{"userId": 27, "phone": phone} for phone in phones]
    nodes = [
        node("1", "custom"),
        node("2", "greeting", greetingFile={"name": "greeting.wav"}),
        node("3", "dial", managers=people, waitingRings=6),
    ]
    return scheme(nodes, [edge("1", "2"), edge("2", "3")])


_FOLLOW_ME: Json = {
    "id": 25,
    "follow_me_number": "255",
    "follow_me_enabled": True,
    **steps((1, ["150", "151"]), (1, ["151", f"+{MOBILE}"])),
}
PLAIN: Json = {"id": 25}


def enterprise(user: Json = _FOLLOW_ME, **changed: object) -> Model:
    """Line 0001363 with a secretary, user 25 with 150 and 151, calls outside by the second line."""
    extensions = [
        {"internal_id": 31, "number": "150", "user_id": 25, "out_scheme": "out-1"},
        {"internal_id": 33, "number": "151", "user_id": 25, "out_scheme": "out-1"},
        {"internal_id": 32, "number": "152", "user_id": 27},
    ]
    lines = [
        {"id": LINE, "enabled": True, "in_scheme": "in-1"},
        {"id": MOBILE_LINE, "number": f"+{LINE_NUMBER}"},
    ]
    settings: Json = {
        "lines": lines,
        "extensions": extensions,
        "users": [user, {"id": 27}],
        "schemes": [secretary("152"), outgoing(f"gsm_{MOBILE_LINE}")],
    }
    return office(**{**settings, **changed})


def shortened(made: Dialplan, seconds: int) -> Dialplan:
    """The same dialplan with rings that a test can wait for."""
    routes = tuple(replace(route, rings=_short(route.rings, seconds)) for route in made.pool.routes)
    chains = tuple(replace(chain, rings=_short(chain.rings, seconds)) for chain in made.chains)
    return replace(made, pool=Pool(made.pool.lines, routes), chains=chains)


def _short(rings: tuple[Ring, ...], seconds: int) -> tuple[Ring, ...]:
    return tuple(replace(ring, seconds=seconds) for ring in rings)


def text_for(
    host: Host, shape: Shape, model: Model | None = None, retired: tuple[Retired, ...] = (), seconds: int = 2
) -> str:
    """What this host is to run."""
    made = shortened(build(model or enterprise(), retired), seconds)
    return render(made, Dialect(host.dialect.samples), shape)


def ended(host: Host, call_type: str) -> dict[str, str]:
    """The one end of a call of this type."""

    def ends() -> list[dict[str, str]]:
        return [e for e in host.events() if e["Event"] == "hangup" and e["CallType"] == call_type]

    wait_until(lambda: len(ends()) == 1, 10, f"the end of a call of type {call_type}")
    return ends()[0]
