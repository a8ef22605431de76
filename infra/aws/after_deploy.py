"""Brings the database of the stack to the bundle's schema, and prints what a person needs next."""

import json
import sys

from botocore.config import Config
from infra.aws import answers


def main() -> int:
    """Print what was applied and the stack's outputs; 1 if the migrations failed."""
    kept = answers.read()
    session = kept.session()
    [stack] = session.client("cloudformation").describe_stacks(StackName=kept.stack)["Stacks"]
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
