"""Writes `.env` from `.env.example`, with a new random secret wherever a value stands empty.

The rule: a `.env` that is there is left as it is.
"""

import os
import re
import secrets
import sys
from pathlib import Path


def filled(example: str) -> str:
    """The example with a secret after every `NAME=` that has nothing behind it."""
    return re.sub(
        r"^[A-Z_]+=$", lambda found: found[0] + secret(found[0][:-1]), example, flags=re.M
    )


def secret(name: str) -> str:
    """Of letters, digits, `-` and `_`, so that it may stand in an address."""
    value = secrets.token_urlsafe(32)
    return f"admin:{value}" if name == "FLOWER_BASIC_AUTH" else value


def main(target: Path) -> int:
    example = Path(__file__).resolve().parent.parent / ".env.example"
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already; nothing was changed.", file=sys.stderr)
        return 1
    with os.fdopen(handle, "w") as file:
        file.write(filled(example.read_text()))
    print(f"Wrote {target}, for your eyes only. Read it through: some of it only you know.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".env")))
