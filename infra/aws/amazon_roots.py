"""Prints the certificates of Amazon's own authorities out of certifi's list: RDS Proxy is verified with them alone.

Loading all authorities of the world would cost each cold start as much as the call itself.
"""

import re
from pathlib import Path

import certifi

LABEL = re.compile(r'# Label: "(Amazon Root CA \d|Starfield Services Root Certificate Authority - G2)"\n')
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


def main() -> None:
    """Print each certificate below its name."""
    listed = Path(certifi.where()).read_text(encoding="utf-8")
    for label in LABEL.finditer(listed):
        found = CERTIFICATE.search(listed, label.end())
        if found is not None:
            print(f"# {label[1]}\n{found[0]}")


if __name__ == "__main__":
    main()
