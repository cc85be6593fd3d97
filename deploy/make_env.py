"""Writes `.env` from `.env.example`, with a new random secret wherever a value stands empty.

`make_env.py TARGET EXAMPLE` does so with other files. The rule: what is there is left as it is.
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
    value = secrets.token_urlsafe(48)
    return f"admin:{value}" if name == "FLOWER_BASIC_AUTH" else value


def main(target: Path, example: Path) -> int:
    text = filled(example.read_text())
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already; nothing was changed.", file=sys.stderr)
        return 1
    with os.fdopen(handle, "w") as file:
        file.write(text)
    print(f"Wrote {target}, for your eyes only. Read it through: some of it only you know.")
    return 0


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:3]]
    sys.exit(main(*given, *[Path(".env"), Path(".env.example")][len(given) :]))
