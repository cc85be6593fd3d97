"""Celery: the broker, workers and beat."""

from backend.redis_urls import build_tls_options
from backend.schedule import SCHEDULE

from .base import env
from .stores import BROKER_URL

CELERY_BROKER_URL = BROKER_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_INCLUDE = [
    "tasks.analytics",
    "tasks.clock",
    "tasks.emails",
    "tasks.payments",
    "tasks.upkeep",
]
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
# a task that kills its worker is not tried again for ever: rows are the truth, beat asks again
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = env.WORKER_MAX_TASKS_PER_CHILD
# a sender is not killed in the middle of an e-mail because the broker blinked
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SEND_TASK_EVENTS = False  # they halve what a worker can do; Flower asks for them
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_DB_REUSE_MAX = 1000  # tasks; a connection for each would cost more than an idle sweep
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300  # far under the visibility timeout, so nothing is delivered twice
VISIBILITY_TIMEOUT = env.VISIBILITY_TIMEOUT
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"tasks.clock.*": {"queue": "clock"}, "tasks.emails.*": {"queue": "emails"}}
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
# of amqps://: whom to believe, where the system's authorities do not vouch for the broker
CELERY_BROKER_USE_SSL = build_tls_options(BROKER_URL, env.BROKER_CA)
CELERY_BROKER_HEARTBEAT = 10  # seconds; RabbitMQ and a worker that lost each other notice soon
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "socket_connect_timeout": 0.5,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": True,
        "max_retries": 0,
    }
    if BROKER_URL.startswith(("redis", "rediss", "valkey"))
    else {}
)
CELERY_BEAT_SCHEDULER = "backend.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {name: job.entry() for name, job in SCHEDULE.items()}
CELERY_BEAT_MAX_LOOP_INTERVAL = 2  # an operator's pause takes effect within this many seconds
DJANGO_CELERY_BEAT_TZ_AWARE = True
DJANGO_STRUCTLOG_CELERY_ENABLED = True  # a task logs the id of the request that asked for it
# seconds after which a worker or beat that stands still though the broker answers ends itself
HEARTBEAT_TIMEOUT = env.HEARTBEAT_TIMEOUT
HEARTBEAT_DIR = env.HEARTBEAT_DIR  # where they show that they do not
