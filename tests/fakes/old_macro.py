"""The positional parser of the macro that hosts run today, by the rules in facts/asterisk.md §1."""

SHORTEST = 30
LONGEST = 4095


def read(body: bytes) -> tuple[str, str]:
    """Return (CALLNAME, NEXT) as the macro sets them; both empty when it throws the reply away."""
    body = body.rstrip()
    if len(body) < SHORTEST or _closes_too_early(body):
        return "", ""
    name, context = _fields(body[:LONGEST])
    return name, "" if len(body) > LONGEST else context


def goes_to(body: bytes, loaded: frozenset[str]) -> str:
    """Say what becomes of the call: the context it enters, `line` (the line's own scheme) or `dropped`."""
    context = read(body)[1]
    if context in loaded:
        return context
    return "dropped" if context else "line"


def _closes_too_early(body: bytes) -> bool:
    """An unbalanced `)` ends the macro's expression; with fewer than 30 bytes before it nothing is left."""
    depth = 0
    for byte in body[:SHORTEST]:
        depth += {ord("("): 1, ord(")"): -1}.get(byte, 0)
        if depth < 0:
            return True
    return False


def _fields(body: bytes) -> tuple[str, str]:
    text = body[len(b'{"Name":"') :].replace(b'","DialPlan":', b",").replace(b'"', b"")[:-1]
    name, context, *_ = [*text.split(b","), b""]
    return _value(name), _value(context)


def _value(field: bytes) -> str:
    text = field.decode("utf-8", "surrogateescape")
    return "" if text == "null" else text
