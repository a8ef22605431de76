"""smart-redirect off and on: the emergency switch, effective on the next call."""

import argparse

from smart_redirect.cli.deployment import Commands, add_scope, open_deployment

_OFF = "Answer every call with no name and no route, at once. What is configured stays as it is."
_ON = "Undo `off` of the same scope: an enterprise that was switched off by itself stays off after `on --all`."


def add_commands(commands: Commands) -> None:
    """Add `off` and `on`."""
    for name, text, off in (("off", _OFF, True), ("on", _ON, False)):
        parser = commands.add_parser(name, help=text.split(":")[0].split(".")[0].lower(), description=text)
        add_scope(parser)
        parser.set_defaults(run=_switch, off=off)


async def _switch(given: argparse.Namespace) -> int:
    async with open_deployment() as deployment:
        if given.all:
            await deployment.connection.execute("UPDATE deployment SET switched_off = $1", given.off)
        else:
            enterprise_id = await deployment.enterprise_id(given.enterprise)
            await deployment.connection.execute(
                "UPDATE enterprises SET switched_off = $1 WHERE id = $2", given.off, enterprise_id
            )
    scope = "every enterprise" if given.all else f"enterprise {given.enterprise}"
    print(f"{scope} is switched {'off' if given.off else 'on'}; the next call sees it")
    return 0
