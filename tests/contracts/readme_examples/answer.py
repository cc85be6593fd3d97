"""What the shell scripts beside it ask of an answer: does it hold what the README shows?

The rule: a README shows part of an answer; more keys may be there, none may be missing.
"""

import json
import sys
from pathlib import Path
from typing import Any


def holds(shown: Any, got: Any, at: str = "") -> str:
    """What differs, in one line; nothing if all of it is there."""
    if shown == "?":
        return ""
    if shown == "…":
        return "" if got not in (None, "") else f"{at or 'the body'} is empty"
    if isinstance(shown, dict) and isinstance(got, dict):
        if missing := shown.keys() - got.keys():
            return f"{at or 'the body'} lacks {', '.join(sorted(missing))}"
        return next(filter(None, (holds(shown[k], got[k], f"{at}.{k}") for k in shown)), "")
    if isinstance(shown, list) and isinstance(got, list):
        if len(got) < len(shown):
            return f"{at or 'the body'} has {len(got)} entries, not {len(shown)}"
        pairs = enumerate(zip(shown, got, strict=False))
        return next(filter(None, (holds(s, g, f"{at}[{n}]") for n, (s, g) in pairs)), "")
    return "" if shown == got else f"{at or 'the body'} is {got!r}, not {shown!r}"


def main(verb: str, status: str, answer: str, *rest: str) -> int:
    text = Path(answer).read_text()
    body = json.loads(text) if text else None
    if verb == "found":
        for key in rest[0].split("."):
            body = body[int(key)] if isinstance(body, list) else body[key]
        print(body)
        return 0
    wrong = "" if status == rest[0] else f"{status}, not {rest[0]}"
    if not wrong and len(rest) > 1:
        wrong = holds(json.loads(rest[1]), body)
    if wrong:
        print(f"{wrong}\n  answer: {text[:1000]}", file=sys.stderr)
    return bool(wrong)


sys.exit(main(*sys.argv[1:]))
