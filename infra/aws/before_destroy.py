"""Lifts the protection of the stack's own database, after a question: CloudFormation cannot delete it otherwise."""

import sys
from collections.abc import Callable
from typing import Any

from infra.aws import answers

CLUSTER = "AWS::RDS::DBCluster"


def main() -> int:
    """Ask, and lift; 1 if the answer was no."""
    kept = answers.read()
    session = kept.session()
    agreed = lift(session.client("cloudformation"), session.client("rds"), kept.stack, input)
    if not agreed:
        print("nothing was done")
    return int(not agreed)


def lift(stacks: Any, rds: Any, stack: str, ask: Callable[[str], str]) -> bool:
    """Return whether the stack may be deleted; its name must be typed if there is a database in it."""
    pages = stacks.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [each for page in pages for each in page["StackResourceSummaries"] if each["ResourceType"] == CLUSTER]
    for cluster in [each["PhysicalResourceId"] for each in found if each.get("PhysicalResourceId")]:
        if ask(f"The database {cluster} goes with the stack, a snapshot stays. The stack's name, to go on: ") != stack:
            return False
        rds.modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=False, ApplyImmediately=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
