"""Logs: one JSON object a line, or coloured lines at a terminal; no secret on any of them."""

import logging
import sys

import structlog

from backend.log_redaction import redact_secrets

from .base import env
from .emails import ANYMAIL
from .security import JWT_ACCESS_SECRET, JWT_REFRESH_SECRET
from .stores import DATABASES

LOG_JSON = not sys.stderr.isatty() if env.LOG_JSON is None else env.LOG_JSON
hidden = [
    *env.secrets(),
    JWT_ACCESS_SECRET,
    JWT_REFRESH_SECRET,
    *(value for value in ANYMAIL.values() if isinstance(value, str)),
    str(DATABASES["default"].get("PASSWORD") or ""),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact_secrets(hidden),
                structlog.processors.JSONRenderer()
                if LOG_JSON
                else structlog.dev.ConsoleRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": env.LOG_LEVEL or "WARNING"},
    "loggers": {
        "holdfast": {"level": env.LOG_LEVEL or "INFO"},
        "django.request": {"level": "ERROR"},  # refusals are answers, not news
        # at DEBUG it writes down all that a template was given: links that open accounts, names
        "django.template": {"level": "INFO"},
        "celery.worker.strategy": {"level": "WARNING"},
        "django_structlog": {"level": "WARNING"},
        "django_structlog.middlewares": {"level": env.REQUEST_LOG_LEVEL},
        # a run that came too late is thrown away, by design: no warning for each after a pause
        "django_structlog.celery": {"level": env.TASK_LOG_LEVEL},
    },
}
# one line for a request, and only where REQUEST_LOG_LEVEL asks for it; Django logs what failed
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_STATUS_5XX_LOG_LEVEL = logging.INFO
# who asked costs statements where a session cookie comes along
DJANGO_STRUCTLOG_USER_ID_FIELD = "pk" if env.REQUEST_LOG_LEVEL in ("DEBUG", "INFO") else ""
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
