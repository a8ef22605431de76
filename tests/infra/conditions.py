"""Conditions and rules of the template for given parameters, as CloudFormation works them out."""

from typing import Any

from tests.infra.expanded import expanded


def holds(value: Any, parameters: dict[str, str]) -> bool:
    """Return whether a condition, or the assertion of a rule, is true."""
    if isinstance(value, str):
        return holds(expanded()["Conditions"][value], parameters)
    [(function, given)] = value.items()
    if function == "Condition":
        return holds(given, parameters)
    if function in {"Fn::Equals", "Fn::Contains"}:
        left, right = (_filled(each, parameters) for each in given)
        return left == right if function == "Fn::Equals" else right in left.split(",")
    results = [holds(each, parameters) for each in given]
    return {"Fn::Not": not results[0], "Fn::And": all(results), "Fn::Or": any(results)}[function]


def chosen(value: Any, parameters: dict[str, str]) -> Any:
    """Return what an Fn::If comes to."""
    condition, then, otherwise = value["Fn::If"]
    return then if holds(condition, parameters) else otherwise


def present(kind: str, parameters: dict[str, str]) -> set[str]:
    """Return the names of the resources of a type that a stack with these parameters has."""
    found = {name: each for name, each in expanded()["Resources"].items() if each["Type"] == kind}
    return {name for name, each in found.items() if "Condition" not in each or holds(each["Condition"], parameters)}


def broken_rules(parameters: dict[str, str]) -> set[str]:
    """Return the names of the rules that refuse these parameters."""
    return {
        name
        for name, rule in expanded()["Rules"].items()
        if "RuleCondition" not in rule or holds(rule["RuleCondition"], parameters)
        if not all(holds(each["Assert"], parameters) for each in rule["Assertions"])
    }


def _filled(value: Any, parameters: dict[str, str]) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "Fn::Join" in value:
        return _filled(value["Fn::Join"][1], parameters)
    name = value["Ref"]
    return parameters.get(name, str(expanded()["Parameters"][name].get("Default", "")))
