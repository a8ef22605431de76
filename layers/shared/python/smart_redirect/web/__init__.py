"""HTTP: the Lambda runtime, the error table, the guards."""
