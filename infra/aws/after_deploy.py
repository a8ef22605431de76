"""Brings the database of the stack to the bundle's schema, and prints what a person needs next."""

import json
import sys
import tomllib
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Print what was applied and the stack's outputs; 1 if the migrations failed."""
    kept = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["default"]
    options = {**kept["global"]["parameters"], **kept["deploy"]["parameters"]}
    session = boto3.Session(region_name=options.get("region"), profile_name=options.get("profile"))
    [stack] = session.client("cloudformation").describe_stacks(StackName=options["stack_name"])["Stacks"]
    outputs = {each["OutputKey"]: each for each in stack["Outputs"]}
    client = session.client("lambda", config=Config(read_timeout=900, retries={"total_max_attempts": 1}))
    answered = client.invoke(FunctionName=outputs["MigrateFunctionName"]["OutputValue"], Payload=b"{}")
    said = json.loads(answered["Payload"].read())
    print(f"migrations: {said}\n")
    for key, each in outputs.items():
        print(f"{key:24} {each['OutputValue']}\n{'':24} {each.get('Description', '')}")
    return int("FunctionError" in answered)


if __name__ == "__main__":
    sys.exit(main())
