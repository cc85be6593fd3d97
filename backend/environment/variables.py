"""Every variable that the code reads: its name, type, default and meaning.

A default of None, or an empty one, is worked out in the settings; the description says how.
The docstring of a class is its heading in `docs/reference/settings.md`.
"""

from pydantic import BaseModel, ConfigDict

from .kinds import FROM_FILE, Level, List, Pairs, Rate, SameSite, Secret, variable


class Secrets(BaseModel):
    """Secrets"""

    SECRET_KEY: Secret = variable(
        ...,
        "A long random string that nobody else knows. Signs sessions and the links in emails.",
        "SECRET_KEY",
        "DJANGO_SECRET_KEY",
    )
    JWT_ACCESS_SECRET: Secret = variable(
        "", "Signs access tokens. Unset: derived from `SECRET_KEY`."
    )
    JWT_REFRESH_SECRET: Secret = variable(
        "", "Signs refresh tokens. Unset: derived from `SECRET_KEY`."
    )
    CLEANUP_SECRET: Secret = variable("", "Lets its bearer have dead holds expired, beside staff.")
    METRICS_TOKEN: Secret = variable(
        "", "The bearer token that `/metrics` wants. Unset: anyone may read it."
    )


class Site(BaseModel):
    """Where it is"""

    ALLOWED_HOSTS: List = variable(
        ["localhost", "127.0.0.1", "[::1]"], "Names that it answers to, separated by commas."
    )
    HTTPS: bool | None = variable(
        None,
        "Cookies travel over HTTPS alone, and browsers are told to stay with it. Unset: on, "
        "but for `DEBUG` and `make up`.",
    )
    SECURE_SSL_REDIRECT: bool = variable(
        False, "Sends plain HTTP on to HTTPS; a proxy usually does."
    )
    SECURE_HSTS_SECONDS: int | None = variable(
        None,
        "How long browsers remember that this is HTTPS only. Unset: a year with `HTTPS`, else 0.",
    )
    PUBLIC_URL: str = variable(
        "", "Its own address, to which emails link. Unset: `http://localhost:PORT`."
    )
    FRONTEND_URL: str = variable(
        "",
        "Where a frontend of your own is: it may call the API, and emails link there. Unset: "
        "they link to `PUBLIC_URL`.",
    )
    COOKIE_SAMESITE: SameSite = variable(
        "Lax", "Lax, Strict, or None for a frontend on another site (HTTPS)."
    )
    CODESPACE_NAME: str = variable(
        "", "Set by GitHub: under `make up` its forwarded ports may call the API."
    )
    CORS_ALLOWED_ORIGINS: List = variable(
        [], "More origins that may call the API, separated by commas."
    )
    EMBED_ORIGINS: List = variable(
        [],
        "Origins whose pages may show the booking page in a frame (`/book/SLUG/?embed=1`), "
        "separated by commas. Unset: none.",
    )
    NUM_PROXIES: int = variable(
        0,
        "Proxies in front, whose `X-Forwarded-For` is believed: for throttling, and for the "
        "networks of panels.",
    )
    CONTRACT_HOSTS: Pairs = variable(
        {}, "Hosts that belong to one contract: `club.example.com=primetime,…`."
    )
    DEFAULT_CONTRACT: str = variable(
        "primetime", "Who answers at the bare `/api/` when nothing else tells."
    )


class SignIn(BaseModel):
    """Signing in with a company's accounts, and second factors"""

    OIDC_ISSUER: str = variable(
        "",
        "An OpenID Connect provider whose accounts sign in here: `https://login.example.com`, "
        "which is asked at `/.well-known/openid-configuration`. Unset: there is none.",
    )
    OIDC_CLIENT_ID: str = variable("", "What the provider calls this instance.")
    OIDC_CLIENT_SECRET: Secret = variable("", "The secret that it gave this instance.")
    OIDC_NAME: str = variable("your company's account", "“Sign in with …”, on the page.")
    OIDC_VERIFIED_DOMAINS: List = variable(
        [],
        "Domains whose addresses it vouches for without saying `email_verified`, separated by "
        "commas.",
    )
    SECOND_FACTOR_REQUIRED: bool = variable(
        False,
        "Every venue demands a second factor of its staff and admins; operators need one.",
    )


class Database(BaseModel):
    """Database"""

    DATABASE_URL: Secret = variable(
        "", "PostgreSQL: `postgres://user:password@host:5432/name?sslmode=require`."
    )
    DATABASE_REPLICA_URL: Secret = variable(
        "", "A copy of it that may lag, for figures; read only."
    )
    DB_NAME: str = variable("", "The database, where there is no URL.", "DB_NAME", "DATABASE_NAME")
    DB_USER: str = variable("", "Its user.", "DB_USER", "DATABASE_USER")
    DB_PASSWORD: Secret = variable("", "Their password.", "DB_PASSWORD", "DATABASE_PASSWORD")
    DB_HOST: str = variable("localhost", "Its host.", "DB_HOST", "DATABASE_HOST")
    DB_PORT: str = variable("5432", "Its port.", "DB_PORT", "DATABASE_PORT")
    CONN_MAX_AGE: int = variable(600, "Seconds for which a connection is kept.")
    PGBOUNCER: bool = variable(
        False, "A transaction pooler is in between: no cursors on the server."
    )


class Broker(BaseModel):
    """Redis, the broker and what runs behind it"""

    REDIS_URL: Secret = variable(
        "redis://localhost:6379/0",
        "Redis or Valkey: broker in database 0, cache in 1, panels in 2. With TLS: "
        "`rediss://…`, whose certificate is checked; `?ssl_ca_certs=/path` names its "
        "authority.",
    )
    BROKER_URL: Secret = variable(
        "",
        "Another broker than that, such as `amqps://user:password@host/vhost`.",
        "BROKER_URL",
        "CELERY_BROKER_URL",
    )
    BROKER_CA: str = variable(
        "",
        "The authority that vouches for an `amqps://` broker, a file. Unset: those the "
        "system knows.",
    )
    CACHE_URL: Secret = variable("", "Another Redis for the cache.")
    CHANNELS_URL: Secret = variable("", "Another Redis for what panels are told.")
    VISIBILITY_TIMEOUT: int = variable(
        3600, "Seconds after which Redis gives a task to another worker."
    )
    WORKER_MAX_TASKS_PER_CHILD: int = variable(
        10000, "Tasks after which a worker's process is replaced."
    )
    HEARTBEAT_TIMEOUT: float = variable(
        45,
        "Seconds after which a worker or beat that stands still ends itself.",
        *("HEARTBEAT_TIMEOUT", "PULSE_PATIENCE"),
    )
    HEARTBEAT_DIR: str = variable("", "Where worker and beat show in a file that they live.")


class Emails(BaseModel):
    """Emails"""

    EMAIL_USE: str = variable(
        "",
        "`smtp`, `files`, `console`, a provider of django-anymail such as `sendgrid`, or a "
        "class by its path. Unset: `files` under `make up` without `EMAIL_HOST`, else "
        "`smtp`.",
    )
    EMAIL_BACKEND: str = variable("", "A class by its path; wins over `EMAIL_USE`.")
    EMAIL_FALLBACK: str = variable("", "Another of those, for what the first failed to send.")
    EMAIL_HOST: str = variable("", "The SMTP server. Unset: `localhost`.")
    EMAIL_PORT: int = variable(25, "Its port.")
    EMAIL_HOST_USER: str = variable("", "Its user.")
    EMAIL_HOST_PASSWORD: Secret = variable("", "Their password.")
    EMAIL_USE_TLS: bool = variable(False, "STARTTLS, usually on port 587.")
    EMAIL_USE_SSL: bool = variable(False, "TLS from the start, usually on port 465.")
    SENDGRID_API_KEY: Secret = variable(
        "", "SendGrid's key; other providers' options are `ANYMAIL_<OPTION>`."
    )
    DEFAULT_FROM_EMAIL: str = variable(
        "Holdfast <noreply@holdfast.example>",
        "Whom emails are from.",
        "DEFAULT_FROM_EMAIL",
        "FROM_EMAIL",
    )
    ADMIN_EMAIL: str = variable(
        "",
        "Who is told of requests; the venue may say another. `make up`: the admin.",
        "ADMIN_EMAIL",
        "TO_EMAIL",
    )
    HOLDFAST_MAIL_DIR: str = variable(
        "", "Where `files` puts them. Unset: `mail` in `DATA_DIR`, under `make up`."
    )


class Payments(BaseModel):
    """Payments"""

    STRIPE_SECRET_KEY: Secret = variable(
        "", "Stripe's secret key; without one nothing can be paid for real."
    )
    STRIPE_WEBHOOK_SECRET: Secret = variable(
        "", "Proves that a webhook is Stripe's. Needed with a key."
    )
    STRIPE_LOCAL: bool = variable(
        False, "Without a key: the local stand-in, in which no money moves."
    )
    STRIPE_BELIEVE_EVENTS: bool = variable(
        False, "With the stand-in: a signed event does what it says."
    )
    STRIPE_API_BASE: str = variable("", "Where the stand-in is; refused with a live key.")
    STRIPE_CONNECT_TIMEOUT: float = variable(3.0, "Seconds.")
    STRIPE_READ_TIMEOUT: float = variable(10.0, "Seconds.")
    CLEANUP_OPEN: bool = variable(False, "Anyone may have dead holds expired.")


class Limits(BaseModel):
    """Limits"""

    THROTTLE_ACCOUNT: Rate | None = variable(
        None,
        "What one person may write, from wherever, or `off`. Unset: `1200/min`, and `off` "
        "under `make up`.",
    )
    THROTTLE_AUTH: Rate | None = variable(
        None,
        "Attempts to sign in or register, per account and address, or `off`. Unset: "
        "`60/min`, and `3000/min` under `make up`.",
    )
    THROTTLE_KEY: Rate | None = variable(
        None,
        "Requests of one API key, or `off`. Unset: `1200/min`, and `off` under `make up`.",
    )
    THROTTLE_ANONYMOUS: Rate | None = variable(
        None,
        "Requests of people who are not signed in, per address, or `off`. Unset: `600/min`, "
        "and `30000/min` under `make up`.",
    )
    MAX_HOLDS_PER_ADDRESS: int | None = variable(
        None,
        "Open holds from one address at one venue; 0 is no limit. Unset: 100, and 0 under "
        "`make up`.",
    )
    FAILED_LOGINS_ALLOWED: int = variable(
        10, "Wrong passwords before an account waits at that address."
    )
    FAILED_LOGINS_WINDOW_MINUTES: int = variable(15, "… within so many minutes.")
    FRESH_SIGN_IN_MINUTES: int = variable(
        10,
        "So long after a sign-in the doors of contracts take another address or password "
        "without the current password.",
    )
    MAX_BOOKING_EMAILS_TO_UNVERIFIED: int = variable(
        20, "Emails about bookings, within an hour, to an address that nobody has verified."
    )
    MAX_RESETS_TO_UNVERIFIED: int = variable(
        5, "… and emails with a link for a new password; as many about changes of the account."
    )
    MAX_BODY_BYTES: int = variable(1000000, "A longer body is refused with 413.")
    MIN_FREE_MB: int = variable(
        64,
        "Megabytes: with less room on the disk of `DATA_DIR` writes are refused with 503; of a "
        "small disk a tenth counts, and 0 never refuses.",
    )
    EXPORT_AT_ONCE_ROOM_DAYS: int = variable(
        36600, "Figures of more rooms times days are made by a worker."
    )


class Retention(BaseModel):
    """How long things are kept"""

    KEEP_DELIVERIES_DAYS: int = variable(30, "Deliveries that were sent or withheld.")
    KEEP_IDEMPOTENCY_KEYS_HOURS: int = variable(24, "Idempotency keys and their answers.")
    KEEP_EXPORTS_HOURS: int = variable(24, "Files of figures.")
    KEEP_STRIPE_EVENTS_DAYS: int = variable(90, "Webhooks that were worked on.")
    KEEP_HISTORY_MONTHS: int = variable(
        0, "History: so many whole months beside this one; 0 is for ever.", ge=0
    )


class Processes(BaseModel):
    """Processes"""

    HOST: str = variable("127.0.0.1", "The address that web listens on.")
    PORT: int = variable(8000, "The port of web: REST, WebSockets, admin, documentation.")
    FLOWER_PORT: int = variable(
        5555, "The port of Flower; `make up` takes any free one if that is taken."
    )
    STRIPE_PORT: int = variable(8420, "The port of the local Stripe; chosen as that of Flower is.")
    WEB_PROCESSES: int = variable(2, "Processes of web.")
    WEB_THREADS: int = variable(4, "Threads of each.")
    REQUEST_READ_TIMEOUT: float = variable(
        15.0, "Seconds in which a request's head is to come, then its body."
    )
    WEB_GRACEFUL_SECONDS: int = variable(4, "Seconds in which web finishes what it began.")
    DATA_DIR: str = variable(".data", "Data of the embedded servers, emails, logs.")
    METRICS_DIR: str = variable(
        "", "Where the processes of web add up what they count. Unset: `metrics` in `DATA_DIR`."
    )
    FLOWER_BASIC_AUTH: Secret = variable(
        "", "Flower's `name:password`; without one it does not start."
    )
    HOLDFAST_EMBEDDED: bool = variable(
        False, "Set by `make up` alone, for processes on its embedded servers."
    )


class Traces(BaseModel):
    """Traces"""

    OTEL_EXPORTER_OTLP_ENDPOINT: str = variable(
        "", "Where traces go, by OTLP over HTTP. Unset: there are none."
    )
    OTEL_SERVICE_NAME: str = variable(
        "", "How this process is called in traces. Unset: `holdfast-` and its kind."
    )
    OTEL_PYTHON_DJANGO_EXCLUDED_URLS: str = variable(
        "health/,static/", "Paths that are not traced."
    )


class Logs(BaseModel):
    """Logs"""

    LOG_LEVEL: Level | None = variable(
        None, "The lowest level that is logged. Unset: `INFO` of Holdfast, else `WARNING`."
    )
    LOG_JSON: bool | None = variable(
        None,
        "One JSON object per line instead of coloured words. Unset: unless stderr is a terminal.",
    )
    REQUEST_LOG_LEVEL: Level = variable("WARNING", "`INFO` logs every request.")
    TASK_LOG_LEVEL: Level = variable("ERROR", "`INFO` logs every task.")
    DEBUG: bool = variable(False, "For developing alone: errors are shown to whoever asks.")


class FirstStart(BaseModel):
    """At the first start"""

    DJANGO_SUPERUSER_EMAIL: str = variable("", "The first admin, made when there is none.")
    DJANGO_SUPERUSER_USERNAME: str = variable("", "Their username.")
    DJANGO_SUPERUSER_PASSWORD: Secret = variable("", "Their password.")
    DEMO: bool = variable(False, "Venues, people and some weeks of bookings to try things with.")
    DEMO_PASSWORD: str = variable("holdfast-demo", "The password of the people of the demo.")


class Environment(
    Secrets,
    Site,
    SignIn,
    Database,
    Broker,
    Emails,
    Payments,
    Limits,
    Retention,
    Processes,
    Traces,
    Logs,
    FirstStart,
):
    model_config = ConfigDict(frozen=True)

    def secrets(self) -> list[str]:
        """The values that no log may show. In URLs, logs hide the password alone."""
        return [
            getattr(self, name)
            for name, field in type(self).model_fields.items()
            if FROM_FILE in field.metadata and "://" not in getattr(self, name)
        ]
