"""Seals the audit log: each entry gets its place in one chain of hashes, and is found again there.

Entries are sealed by a job, after their commit: a chain that each write had to continue would have
all staff wait for one another. Until then an entry is protected by its own digest alone, and the
report says how many are. One transaction seals at a time, by an advisory lock.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from api.models import AuditEntry, AuditSeal
from api.services.operations import jobs

log = structlog.get_logger("holdfast.audit")

BATCH = 2000
# an entry is committed within that time after others with higher ids: no transaction lasts as long
LATE = timedelta(hours=1)
START = bytes(32)
MAX_LISTED = 20
_LOCK = 4_701_818

_ENTRY, _SEAL = AuditEntry._meta.db_table, AuditSeal._meta.db_table


@dataclass(frozen=True)
class Link:
    """A place in the chain. Kept elsewhere, it proves that nothing before it was changed."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Link:
        """Raises `ValueError`."""
        if not (found := re.fullmatch(r"([0-9]+):([0-9a-f]{64})", text)):
            raise ValueError(text)
        return cls(int(found[1]), bytes.fromhex(found[2]))

    def follow(self, digest: bytes) -> Link:
        return Link(self.position + 1, hashlib.sha256(self.hash + digest).digest())


@dataclass
class Report:
    problems: list[str] = field(default_factory=list)
    sealed: int = 0
    erased: int = 0
    unsealed: int = 0
    oldest_unsealed_at: datetime | None = None
    head: Link = field(default_factory=lambda: Link(0, START))

    def add(self, problem: str) -> None:
        if len(self.problems) < MAX_LISTED:
            self.problems.append(problem)


def seal() -> int:
    """Seals what was written since; how many entries. None while another process does."""
    floor = (
        f"coalesce((SELECT min(entry_id) FROM {_SEAL} WHERE sealed_at > now() - %s),"
        f" (SELECT entry_id FROM {_SEAL} ORDER BY position DESC LIMIT 1), 0)"
    )
    return _seal_all(f"e.id >= {floor}", [LATE])


def seal_everything() -> int:
    """Also what was committed later than any transaction should be."""
    return _seal_all("true", [])


def _seal_all(where: str, params: list[Any]) -> int:
    many = 0
    while count := _seal_batch(where, params):
        many += count
        jobs.report_progress(many)
        if count < BATCH:
            break
    return many


@transaction.atomic
def _seal_batch(where: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        link = _get_head()
        cursor.execute(
            f"SELECT e.id, e.digest FROM {_ENTRY} e WHERE {where}"
            f" AND NOT EXISTS (SELECT FROM {_SEAL} s WHERE s.entry_id = e.id)"
            f" ORDER BY e.id LIMIT {BATCH}",
            params,
        )
        seals = []
        for entry_id, digest in cursor.fetchall():
            link = link.follow(bytes(digest))
            seals.append(AuditSeal(position=link.position, entry_id=entry_id, hash=link.hash))
    AuditSeal.objects.bulk_create(seals)
    if seals:
        # in the log, and so outside of this database, stands what was true by then
        log.info("audit_sealed", count=len(seals), head=str(link))
    return len(seals)


def _get_head() -> Link:
    row = AuditSeal.objects.order_by("-position").values_list("position", "hash").first()
    return Link(row[0], bytes(row[1])) if row else Link(0, START)


@transaction.atomic
def verify(expected: Link | None = None) -> Report:
    """Compares every entry with its digest, and every seal with the entries and the seal before.
    `expected` is a link that was printed earlier: it must still be part of the chain."""
    report = Report()
    _check_digests(report)
    _check_chain(report, expected)
    _count_unsealed(report)
    return report


def _check_digests(report: Report) -> None:
    """An erased entry has its content's digest only."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, object FROM {_ENTRY} e WHERE digest <> api_audit_digest(e) OR"
            " (salt IS NULL AND num_nonnulls(before, after) > 0) OR"
            " (salt IS NOT NULL AND content_digest <> api_audit_content_digest(e))"
            f" ORDER BY id LIMIT {MAX_LISTED}"
        )
        for entry_id, name in cursor.fetchall():
            report.add(f"Entry {entry_id} about {name} is not as it was written.")
        cursor.execute(f"SELECT count(*) FROM {_ENTRY} WHERE salt IS NULL")
        report.erased = cursor.fetchone()[0]


def _check_chain(report: Report, expected: Link | None) -> None:
    link = Link(0, START)
    for position, found, entry_id, digest in _list_seals():
        if position != link.position + 1:
            report.add(f"Seals {link.position + 1} to {position - 1} are missing.")
        elif digest is None:
            report.add(f"Entry {entry_id} is missing, which seal {position} is of.")
        elif link.follow(digest).hash != found:
            report.add(f"Seal {position} of entry {entry_id} does not follow from the one before.")
        link = Link(position, found)  # so that one break is told once
        if expected and position == expected.position and found != expected.hash:
            report.add(f"Seal {position} is not the one that was printed.")
        report.sealed += 1
    if expected and expected.position > link.position:
        report.add(f"The chain ends at {link.position}, before the seal that was printed.")
    report.head = link


def _list_seals() -> Iterator[tuple[int, bytes, int, bytes | None]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT s.position, s.hash, s.entry_id, e.digest FROM {_SEAL} s"
            f" LEFT JOIN {_ENTRY} e ON e.id = s.entry_id ORDER BY s.position"
        )
        while rows := cursor.fetchmany(BATCH):
            for position, found, entry_id, digest in rows:
                yield position, bytes(found), entry_id, None if digest is None else bytes(digest)
            jobs.report_progress(rows[-1][0])


def _count_unsealed(report: Report) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), min(at) FROM {_ENTRY} e"
            f" WHERE NOT EXISTS (SELECT FROM {_SEAL} s WHERE s.entry_id = e.id)"
        )
        report.unsealed, report.oldest_unsealed_at = cursor.fetchone()
