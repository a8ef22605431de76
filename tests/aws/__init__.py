"""The built bundle under the Lambda runtime interface emulator, with the real runtime client."""
