"""What every variable of the environment means; its default is where it is read.

`docs/reference/settings.md` is printed from here; a test finds every variable that the code reads
and that is not here, and the other way round.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
READERS = [*sorted(HERE.rglob("*.py")), *sorted((HERE.parent / "api").rglob("management/**/*.py"))]
COMPOSED = ("docker-compose.yml", "docker-compose.prod.yml")
# names that are not told to us but by us: from one of our processes to another
OURS = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "HOLDFAST_EMBEDDED"}


@cache
def defaults() -> dict[str, str]:
    """Every variable that the code reads, with its default as it is written there; empty where
    there is none."""
    found: dict[str, str] = {}
    for path in READERS:
        for node in ast.walk(ast.parse(path.read_text())):
            for name, default in _read(node):
                if name not in OURS:
                    found[name] = found.get(name) or default
    return found


def composed() -> dict[str, str]:
    """What the composed stack asks for and the code does not."""
    text = "".join((HERE.parent / name).read_text() for name in COMPOSED)
    named = re.findall(r"\$\{([A-Z_]+)(?::-([^}]*))?", text)
    return {name: default for name, default in sorted(named) if name not in defaults()}


def _read(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names in `env.str("NAME", default=…)`, `first("A", "B", default=…)`, `secret("A")` and
    `os.environ.get("NAME")`, or in a table of defaults."""
    match node:
        case ast.Call(func=ast.Name(id="first" | "secret"), args=names):
            yield from ((name, _default(node)) for name in _words(names))
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="env"), attr=kind), args=[ast.Constant(), *_]
        ) if kind != "read_env":
            yield from ((name, _default(node)) for name in _words(node.args[:1]))
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get")):
            yield from ((name, _default(node)) for name in _words(node.args[:1]))
        case ast.BoolOp(op=ast.Or(), values=[ast.Call() as call, ast.Constant() as otherwise]):
            yield from ((name, str(otherwise.value)) for name, _ in _read(call))
        case ast.Assign(targets=[ast.Name(id=table)], value=ast.Dict(keys=keys, values=values)) if (
            table.endswith("DEFAULTS")
        ):
            for key, value in zip(keys, values, strict=True):
                yield from ((name, _shown(value)) for name in _words([key]))


def _words(nodes: list[ast.expr] | list[ast.expr | None]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _default(call: ast.Call) -> str:
    for keyword in call.keywords:
        if keyword.arg == "default":
            return _shown(keyword.value)
    return _shown(call.args[1]) if len(call.args) > 1 and _is_env(call) else ""


def _is_env(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute)


def _shown(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return ast.unparse(node)


MEANINGS: dict[str, dict[str, str]] = {
    "Secrets": {
        "SECRET_KEY": "Signs sessions and the links in emails. Long, random, nobody else's.",
        "DJANGO_SECRET_KEY": "Another name for `SECRET_KEY`.",
        "JWT_ACCESS_SECRET": "Signs access tokens; without it `SECRET_KEY` does.",
        "JWT_REFRESH_SECRET": "Signs refresh tokens; without it `SECRET_KEY` does.",
        "CLEANUP_SECRET": "Lets its bearer have dead holds expired, beside staff.",
        "METRICS_TOKEN": "The bearer token that `/metrics` wants; empty: anyone may read it.",
    },
    "Where it is": {
        "ALLOWED_HOSTS": "Names that it answers to, separated by commas.",
        "HTTPS": "Cookies travel over HTTPS alone, and browsers are told to stay with it.",
        "SECURE_SSL_REDIRECT": "Sends plain HTTP on to HTTPS; a proxy usually does.",
        "SECURE_HSTS_SECONDS": "How long browsers remember that this is HTTPS only.",
        "PUBLIC_URL": "Its own address, as links in emails to staff need it.",
        "FRONTEND_URL": "Where the frontend is: it may call the API, and emails link there.",
        "COOKIE_SAMESITE": "Lax, Strict, or None for a frontend on another site (HTTPS).",
        "CODESPACE_NAME": "Set by GitHub: on a desk its forwarded ports may call the API.",
        "CORS_ALLOWED_ORIGINS": "More origins that may call the API, separated by commas.",
        "NUM_PROXIES": "Proxies in front, whose `X-Forwarded-For` is believed for throttling.",
        "CONTRACT_HOSTS": "Hosts that belong to one contract: `club.example.com=primetime,…`.",
        "DEFAULT_CONTRACT": "Who answers at the bare `/api/` when nothing else tells.",
    },
    "Database": {
        "DATABASE_URL": "PostgreSQL: `postgres://user:password@host:5432/name?sslmode=require`.",
        "DATABASE_REPLICA_URL": "A copy of it that may lag, for figures; read only.",
        "DB_NAME": "The database, where there is no URL.",
        "DB_USER": "Its user.",
        "DB_PASSWORD": "Their password.",
        "DB_HOST": "Its host.",
        "DB_PORT": "Its port.",
        "DATABASE_NAME": "Another name for `DB_NAME`.",
        "DATABASE_USER": "Another name for `DB_USER`.",
        "DATABASE_PASSWORD": "Another name for `DB_PASSWORD`.",
        "DATABASE_HOST": "Another name for `DB_HOST`.",
        "DATABASE_PORT": "Another name for `DB_PORT`.",
        "CONN_MAX_AGE": "Seconds for which a connection is kept.",
        "PGBOUNCER": "A transaction pooler is in between: no cursors on the server.",
    },
    "Redis, the broker and what runs behind it": {
        "REDIS_URL": "Redis or Valkey: broker in database 0, cache in 1, panels in 2. With TLS: "
        "`rediss://…`, whose certificate is checked; `?ssl_ca_certs=/path` names its authority.",
        "BROKER_URL": "Another broker than that, such as `amqps://user:password@host/vhost`.",
        "CELERY_BROKER_URL": "Another name for `BROKER_URL`.",
        "BROKER_CA": "The authority that vouches for an `amqps://` broker, a file; empty: those "
        "the system knows.",
        "CACHE_URL": "Another Redis for the cache.",
        "CHANNELS_URL": "Another Redis for what panels are told.",
        "VISIBILITY_TIMEOUT": "Seconds after which Redis gives a task to another worker.",
        "WORKER_MAX_TASKS_PER_CHILD": "Tasks after which a worker's process is replaced.",
        "PULSE_PATIENCE": "Seconds after which a worker or beat that stands still ends itself.",
        "HEARTBEAT_DIR": "Where worker and beat show in a file that they live.",
        "LIVE_SOCKET": "Where web hands WebSockets over to live.",
    },
    "Emails": {
        "EMAIL_USE": "`smtp`, `files`, `console`, a provider of django-anymail such as "
        "`sendgrid`, or a class by its path.",
        "EMAIL_BACKEND": "A class by its path; wins over `EMAIL_USE`.",
        "EMAIL_FALLBACK": "Another of those, for what the first failed to send.",
        "EMAIL_HOST": "The SMTP server.",
        "EMAIL_PORT": "Its port.",
        "EMAIL_HOST_USER": "Its user.",
        "EMAIL_HOST_PASSWORD": "Their password.",
        "EMAIL_USE_TLS": "STARTTLS, usually on port 587.",
        "EMAIL_USE_SSL": "TLS from the start, usually on port 465.",
        "SENDGRID_API_KEY": "SendGrid's key; other providers' options are `ANYMAIL_<OPTION>`.",
        "DEFAULT_FROM_EMAIL": "Whom emails are from.",
        "FROM_EMAIL": "Another name for `DEFAULT_FROM_EMAIL`.",
        "ADMIN_EMAIL": "Who is told of requests; the venue may say another. Embedded: the admin.",
        "TO_EMAIL": "Another name for `ADMIN_EMAIL`.",
        "HOLDFAST_MAIL_DIR": "Where `files` puts them.",
    },
    "Payments": {
        "STRIPE_SECRET_KEY": "Stripe's secret key; without one nothing can be paid for real.",
        "STRIPE_WEBHOOK_SECRET": "Proves that a webhook is Stripe's. Needed with a key.",
        "STRIPE_LOCAL": "Without a key: the local stand-in, in which no money moves.",
        "STRIPE_BELIEVE_EVENTS": "With the stand-in: a signed event does what it says.",
        "STRIPE_API_BASE": "Where the stand-in is; refused with a live key.",
        "STRIPE_CONNECT_TIMEOUT": "Seconds.",
        "STRIPE_READ_TIMEOUT": "Seconds.",
        "CLEANUP_OPEN": "Anyone may have dead holds expired.",
    },
    "Limits": {
        "THROTTLE_ACCOUNT": "What one person may write, from wherever; empty is no limit.",
        "MAX_HOLDS_PER_ADDRESS": "Open holds from one address at one venue; 0 is no limit.",
        "THROTTLE_AUTH": "Attempts to sign in or register, per account and address.",
        "THROTTLE_ANONYMOUS": "Requests of people who are not signed in, per address.",
        "FAILED_LOGINS_ALLOWED": "Wrong passwords before an account waits at that address.",
        "FAILED_LOGINS_WINDOW_MINUTES": "… within so many minutes.",
        "MAX_BODY_BYTES": "A longer body is refused with 413.",
        "EXPORT_AT_ONCE_ROOM_DAYS": "Figures of more rooms times days are made by a worker.",
    },
    "How long things are kept": {
        "KEEP_DELIVERIES_DAYS": "Deliveries that were sent or withheld.",
        "KEEP_IDEMPOTENCY_KEYS_HOURS": "Idempotency keys and their answers.",
        "KEEP_EXPORTS_HOURS": "Files of figures.",
        "KEEP_STRIPE_EVENTS_DAYS": "Webhooks that were worked on.",
        "KEEP_HISTORY_MONTHS": "History: so many whole months beside this one; 0 is for ever.",
    },
    "Processes": {
        "HOST": "The address that web listens on.",
        "PORT": "The port of web: REST, WebSockets, admin, documentation.",
        "FLOWER_PORT": "The port of Flower; any free one if that is taken.",
        "STRIPE_PORT": "The port of the local Stripe; chosen as that of Flower is.",
        "WEB_PROCESSES": "Processes of web.",
        "WEB_THREADS": "Threads of each.",
        "WEB_GRACEFUL_SECONDS": "Seconds in which web finishes what it began.",
        "DATA_DIR": "Data of the embedded servers, emails, logs.",
        "OTEL_SERVICE_NAME": "How this process is called in traces.",
        "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "Paths that are not traced.",
        "METRICS_DIR": "Where the processes of web add up what they count.",
        "PYTHONUNBUFFERED": "Python's own: what is logged appears at once.",
        "PYTHONWARNINGS": "Python's own.",
    },
    "Logs": {
        "LOG_LEVEL": "From which level on Holdfast logs (`INFO`), and everything else.",
        "LOG_JSON": "One JSON object per line instead of coloured words.",
        "REQUEST_LOG_LEVEL": "`INFO` logs every request.",
        "TASK_LOG_LEVEL": "`INFO` logs every task.",
        "DEBUG": "For developing alone: errors are shown to whoever asks.",
    },
    "At the first start": {
        "DJANGO_SUPERUSER_EMAIL": "The first admin, made when there is none.",
        "DJANGO_SUPERUSER_USERNAME": "Their username.",
        "DJANGO_SUPERUSER_PASSWORD": "Their password.",
        "DEMO": "Venues, people and some weeks of bookings to try things with.",
        "DEMO_PASSWORD": "The password of the people of the demo.",
    },
    "Composed stack only": {
        "ENV_FILE": "The file with the variables.",
        "SITE_ADDRESS": "The public name.",
        "TLS": "Who is told when a certificate runs out; `internal`: one of our own making.",
        "HTTP_PORT": "The proxy's port.",
        "HTTPS_PORT": "The proxy's port with TLS.",
        "POSTGRES_PASSWORD": "Of the database, letters and digits.",
        "REDIS_PASSWORD": "Of the broker, letters and digits.",
        "REDIS_MAXMEMORY": "Memory of the broker; beyond it writes are refused.",
        "FLOWER_BASIC_AUTH": "Flower's `name:password`.",
        "WEB_REPLICAS": "Containers of web.",
        "LIVE_REPLICAS": "Containers of live.",
        "WORKER_REPLICAS": "Containers of worker.",
        "WORKER_PROCESSES": "Processes in each of them.",
        "WORKER_QUEUES": "Which queues they listen to.",
        "DB_MEMORY": "The most memory of the database.",
        "REDIS_MEMORY": "The most memory of the broker.",
        "WEB_MEMORY": "The most memory of a web container.",
        "LIVE_MEMORY": "The most memory of a live container.",
        "WORKER_MEMORY": "The most memory of a worker container.",
        "HOLDFAST_IMAGE": "The image of all our processes.",
        "POSTGRES_IMAGE": "The image of the database.",
        "REDIS_IMAGE": "The image of the broker.",
        "CADDY_IMAGE": "The image of the proxy.",
    },
}
