"""What an operator does to a stack by one command: back to the version before, and away."""

from collections.abc import Iterator
from typing import Any

import pytest
from infra.aws import before_destroy, roll_back

FUNCTIONS = {"calls-getcustomerdata": ["1", "2", "10"], "calls-upkeep": ["3"]}


class Account:
    """As much of CloudFormation, Lambda and RDS as the steps use, with two functions and a database."""

    def __init__(self) -> None:
        self.aliases = {name: versions[-1] for name, versions in FUNCTIONS.items()}
        self.protected = True
        self.pages = {"list_stack_resources": self._resources, "list_versions_by_function": self._versions}

    def get_paginator(self, name: str) -> Any:
        """Return what has `paginate`, as boto3's clients do."""
        return type("Paginator", (), {"paginate": staticmethod(self.pages[name])})

    def _resources(self, StackName: str) -> Iterator[dict[str, Any]]:
        names = [*FUNCTIONS, "CodeDeployHook_calls-migrate"]
        kinds = [("AWS::Lambda::Function", name) for name in names] + [("AWS::RDS::DBCluster", "cluster-1")]
        yield {"StackResourceSummaries": [{"ResourceType": kind, "PhysicalResourceId": name} for kind, name in kinds]}

    def _versions(self, FunctionName: str) -> Iterator[dict[str, Any]]:
        yield {"Versions": [{"Version": "$LATEST"}, *({"Version": each} for each in FUNCTIONS[FunctionName])]}

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, str]:
        return {"Name": Name, "FunctionVersion": self.aliases[FunctionName]}

    def update_alias(self, FunctionName: str, FunctionVersion: str, **_: Any) -> None:
        self.aliases[FunctionName] = FunctionVersion

    def modify_db_cluster(self, DBClusterIdentifier: str, DeletionProtection: bool, **_: Any) -> None:
        assert DBClusterIdentifier == "cluster-1"
        self.protected = DeletionProtection


@pytest.fixture
def account() -> Account:
    return Account()


def test_every_function_but_the_migrations_goes_back(account: Account) -> None:
    assert roll_back.functions(account, "calls") == list(FUNCTIONS)


def test_a_function_goes_back_to_the_next_lower_version_number(account: Account) -> None:
    assert roll_back.move(account, "calls-getcustomerdata") == ("10", "2")
    assert roll_back.move(account, "calls-getcustomerdata") == ("2", "1")
    assert account.aliases["calls-getcustomerdata"] == "1"


def test_before_the_next_deploy_it_goes_to_the_newest_again(account: Account) -> None:
    account.aliases["calls-getcustomerdata"] = "1"
    assert roll_back.move(account, "calls-getcustomerdata", forward=True) == ("1", "10")
    assert roll_back.move(account, "calls-getcustomerdata", forward=True) is None


def test_a_function_that_has_only_one_version_stays(account: Account) -> None:
    assert roll_back.move(account, "calls-upkeep") is None
    assert account.aliases["calls-upkeep"] == "3"


@pytest.mark.parametrize(("answer", "goes"), [("calls", True), ("yes", False), ("", False)])
def test_the_database_s_protection_is_lifted_for_whoever_types_the_stack_s_name(
    account: Account, answer: str, goes: bool
) -> None:
    assert before_destroy.lift(account, account, "calls", lambda _question: answer) is goes
    assert account.protected is not goes
