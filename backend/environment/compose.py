"""Variables that only the compose files read; their defaults stand there, and a test compares."""

from pydantic import BaseModel

from .kinds import variable


class Compose(BaseModel):
    """Composed stack only"""

    ENV_FILE: str = variable(".env", "The file with the variables.")
    SITE_ADDRESS: str = variable("", "The public name.")
    TLS: str = variable(
        "", "Who is told when a certificate runs out; `internal`: one of our own making."
    )
    HTTP_PORT: str = variable("80", "The proxy's port.")
    HTTPS_PORT: str = variable("443", "The proxy's port with TLS.")
    POSTGRES_PASSWORD: str = variable("", "Of the database, letters and digits.")
    REDIS_PASSWORD: str = variable("", "Of the broker, letters and digits.")
    REDIS_MAXMEMORY: str = variable("256mb", "Memory of the broker; beyond it writes are refused.")
    WEB_REPLICAS: str = variable("2", "Containers of web.")
    WORKER_REPLICAS: str = variable("2", "Containers of worker.")
    WORKER_PROCESSES: str = variable("2", "Processes in each of them.")
    WORKER_QUEUES: str = variable("clock,emails,default", "Which queues they listen to.")
    DB_MEMORY: str = variable("2G", "The most memory of the database.")
    REDIS_MEMORY: str = variable("640M", "The most memory of the broker.")
    WEB_MEMORY: str = variable("768M", "The most memory of a web container.")
    WORKER_MEMORY: str = variable("768M", "The most memory of a worker container.")
    HOLDFAST_IMAGE: str = variable("holdfast", "The image of all our processes.")
    POSTGRES_IMAGE: str = variable("postgres:17", "The image of the database.")
    REDIS_IMAGE: str = variable("valkey/valkey:8", "The image of the broker.")
    CADDY_IMAGE: str = variable("caddy:2", "The image of the proxy.")
