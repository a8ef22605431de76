"""Compares the connections that the functions may open with those that the database or its proxy grants.

`make deploy` runs it with the answers in samconfig.toml; parameters given as NAME=VALUE win over those.
"""

import sys
from typing import Any

from infra.aws.answers import ROOT, read
from samtranslator.yaml_helper import yaml_parse

ACCOUNT = 1000  # environments that an account grants a function without a limit of its own
# Connections of one environment, where the template does not say so in SMART_REDIRECT_POOL_SIZE.
EACH = {
    "CallEventFunction": 0,
    "RecordEventsFunction": 3,
    "DialplanHttpFunction": 3,
    "DialplanQueueFunction": 3,
    "DialplanSweepFunction": 3,
    "CacheWarmFunction": 5,
    "CacheWarmHttpFunction": 5,
    "StoreDecisionsFunction": 1,
    "MigrateFunction": 1,
    "UpkeepFunction": 1,
}
# The deployment of every function calls the migrations as its hook, all of them at about the same time.
AT_ONCE = {"MigrateFunction": len(EACH)}


def main(given: list[str]) -> int:
    """Print the sum of all functions; 1 if it is more than DatabaseConnections."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    values = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
    values |= read().parameters | dict(each.split("=", 1) for each in given)
    functions = {name: each for name, each in template["Resources"].items() if each["Type"].endswith("less::Function")}
    needed = {name: _connections(name, each["Properties"], values) for name, each in functions.items()}
    granted = int(values["DatabaseConnections"])
    for name, count in needed.items():
        print(f"{count:6} {name}")
    print(f"{sum(needed.values()):6} in all, {granted} granted")
    return int(sum(needed.values()) > granted)


def _connections(name: str, properties: dict[str, Any], values: dict[str, str]) -> int:
    variables = properties.get("Environment", {}).get("Variables", {})
    each = int(variables["SMART_REDIRECT_POOL_SIZE"]) if "SMART_REDIRECT_POOL_SIZE" in variables else EACH[name]
    if name == "GetCustomerDataFunction" and values["CallPathAsksCrms"] == "true":
        each += 1
    return each * _environments(name, properties, values) if each else 0


def _environments(name: str, properties: dict[str, Any], values: dict[str, str]) -> int:
    """Return how many environments a function may have at once."""
    if name in AT_ONCE:
        return AT_ONCE[name]
    for event in properties.get("Events", {}).values():
        limit = event["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency")
        if limit:
            return int(limit)
    reserved = properties.get("ReservedConcurrentExecutions", 0)
    if isinstance(reserved, dict):
        [parameter] = [each["Ref"] for each in reserved["Fn::If"][1:] if not each["Ref"].startswith("AWS::")]
        reserved = values[parameter]
    return int(reserved) or ACCOUNT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
