#!/usr/bin/env bash
# The examples of one README against a running Holdfast:
#   HOST=http://localhost:8000 tests/contracts/readme_examples/run.sh primetime
# A request is a line of curl as the README has it; the next one says what the README promises.
set -u
here=$(dirname "$0")
: "${HOST:=http://localhost:8000}" "${DAY:=$(date -u -d "+${DAYS:-3} days" +%F)}"
: "${ADMIN:=admin@example.com}" "${ADMIN_PASSWORD:=holdfast-demo}" "${ADMIN_NAME:=admin}"
: "${STRIPE_WEBHOOK_SECRET:=}" "${CLEANUP_OPEN:=}" "${PYTHON:=python3}"
WHO="reader$(date +%s%N | tail -c 8)$1" # new people every time
ANSWER=$(mktemp) status=000 asked=
trap 'rm -f "$ANSWER"' EXIT

curl() {
    asked="$*"
    : >"$ANSWER"
    status=$(command curl --silent --max-time 60 --output "$ANSWER" --write-out '%{http_code}' "$@")
}

# expect STATUS [JSON]: every key and value of it is in the answer; "…" stands for anything
# that is not empty, "?" for anything
expect() {
    "$PYTHON" -I -S "$here/answer.py" expect "$status" "$ANSWER" "$@" && return
    echo "  after: curl $asked" >&2
    exit 1
}

# found a.0.b: what the last answer has there
found() { "$PYTHON" -I -S "$here/answer.py" found "$status" "$ANSWER" "$@"; }

JSON='Content-Type: application/json'
source "$here/$1.sh"
