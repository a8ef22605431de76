"""Points the traffic of every function at the version before its present one; the database keeps the newer schema.

`forward` points it at the newest again, which is where CloudFormation believes it to be: before the next deploy.
"""

import sys
from typing import Any

from infra.aws import answers

ALIAS = "live"


def main(given: list[str]) -> int:
    """Print each function's version before and after; 1 if one has no other to go to."""
    kept = answers.read()
    session = kept.session()
    names = functions(session.client("cloudformation"), kept.stack)
    client = session.client("lambda")
    moved = {name: move(client, name, forward=given == ["forward"]) for name in names}
    for name, versions in moved.items():
        print(f"{name:48} {' → '.join(versions) if versions else 'stays'}")
    return int(not all(moved.values()))


def functions(stacks: Any, stack: str) -> list[str]:
    """Return the names of the stack's functions that take events; migrations are never run backwards."""
    pages = stacks.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    names = [each["PhysicalResourceId"] for each in found if each["ResourceType"] == "AWS::Lambda::Function"]
    return [name for name in names if not name.startswith("CodeDeployHook_")]


def move(client: Any, name: str, *, forward: bool = False) -> tuple[str, str] | None:
    """Point the alias at the next lower version, or at the newest; return both, or None if there is none."""
    present = client.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    numbers = [int(each["Version"]) for page in pages for each in page["Versions"] if each["Version"] != "$LATEST"]
    others = [each for each in numbers if (each > int(present) if forward else each < int(present))]
    if not others:
        return None
    # No weights: a shift of traffic that is under way ends here.
    client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=str(max(others)), RoutingConfig={})
    return present, str(max(others))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
