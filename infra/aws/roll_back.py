"""Points the traffic of every function at the version before its present one; the database keeps the newer schema."""

import sys
from typing import Any

from infra.aws import answers

ALIAS = "live"


def main() -> int:
    """Print each function's version before and after; 1 if one has none to go back to."""
    kept = answers.read()
    session = kept.session()
    names = functions(session.client("cloudformation"), kept.stack)
    client = session.client("lambda")
    moved = {name: back(client, name) for name in names}
    for name, versions in moved.items():
        print(f"{name:48} {' → '.join(versions) if versions else 'has no earlier version'}")
    return int(not all(moved.values()))


def functions(stacks: Any, stack: str) -> list[str]:
    """Return the names of the stack's functions that take events; migrations are never run backwards."""
    pages = stacks.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    names = [each["PhysicalResourceId"] for each in found if each["ResourceType"] == "AWS::Lambda::Function"]
    return [name for name in names if not name.startswith("CodeDeployHook_")]


def back(client: Any, name: str) -> tuple[str, str] | None:
    """Point the alias at the next lower version; return both, or None if there is none."""
    present = client.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    numbers = [each["Version"] for page in pages for each in page["Versions"] if each["Version"] != "$LATEST"]
    earlier = [each for each in numbers if int(each) < int(present)]
    if not earlier:
        return None
    before = max(earlier, key=int)
    # No weights: a shift of traffic that is under way ends here.
    client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=before, RoutingConfig={})
    return present, before


if __name__ == "__main__":
    sys.exit(main())
