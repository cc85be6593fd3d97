"""The audit log shows what was changed, removed or put in later."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from api.models import AuditEntry, AuditSeal
from api.services.audit import sealing
from api.services.audit.recording import AuditActor, Recorder
from api.services.audit.sealing import Link

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(client_of, sam, court):
    """Five entries, none of them sealed."""
    for number in range(5):
        answer = client_of(sam).patch(f"/api/v1/resources/{court.pk}/", {"floor": number + 1})
        assert answer.status_code == 200
    return list(AuditEntry.objects.order_by("id"))


@pytest.fixture
def as_superuser():
    """Runs SQL without the triggers, as only the owner of the tables can."""

    def run(sql, *params):
        with connection.cursor() as cursor:
            tables = ("api_auditentry", "api_auditseal")
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(sql, params)
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return run


def verify(*args):
    """What the command says; raises `CommandError`."""
    out = io.StringIO()
    call_command("verify_audit", *args, stdout=out)
    return out.getvalue()


def problems(expected=None):
    return sealing.verify(expected).problems


def test_untouched_log_is_verified_and_sealed_by_the_command(log):
    report = sealing.verify()
    assert (report.problems, report.sealed, report.unsealed) == ([], 0, 5)
    said = verify()
    assert said.startswith("5 entries since ")
    assert "5 entries are as they were written.\n" in said
    assert sealing.verify().unsealed == 0
    assert "not yet sealed" not in verify()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE api_auditentry SET action = 'read'",
        "UPDATE api_auditentry SET after = '{}'",
        "UPDATE api_auditentry SET after = NULL, before = NULL",
        "UPDATE api_auditentry SET after = NULL, before = NULL, salt = NULL, user_id = 1",
        "DELETE FROM api_auditentry",
        "UPDATE api_auditseal SET entry_id = entry_id + 1",
        "DELETE FROM api_auditseal",
    ],
)
def test_nothing_is_changed_or_removed_by_sql(log, sql):
    sealing.seal()
    before = list(AuditEntry.objects.values()), list(AuditSeal.objects.values())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(sql)
    assert (list(AuditEntry.objects.values()), list(AuditSeal.objects.values())) == before


def test_log_outside_of_tests_is_never_emptied():
    """Between tests the tables are: the trigger looks at the name of the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE pg_get_triggerdef(oid) LIKE"
            " '%BEFORE TRUNCATE%current_database() !~~ ''test%api_audit_is_kept()' ORDER BY 1"
        )
        assert cursor.fetchall() == [("api_auditentry",), ("api_auditseal",)]


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        "after = '{\"floor\": 9}'",
        "user_id = user_id + 1",
        "at = at - interval '1 day'",
        "object = 'resource:0'",
        "after = NULL, before = NULL",
    ],
)
def test_changed_entry_is_found(log, as_superuser, sealed, change):
    if sealed:
        sealing.seal()
    as_superuser(f"UPDATE api_auditentry SET {change} WHERE id = %s", log[2].pk)
    [problem] = problems()
    assert problem.startswith(f"Entry {log[2].pk} about ")
    with pytest.raises(CommandError):
        verify()


def test_changed_entry_with_a_digest_of_its_own_breaks_the_chain(log, as_superuser):
    sealing.seal()
    as_superuser("UPDATE api_auditentry SET user_id = 0 WHERE id = %s", log[2].pk)
    as_superuser(
        "UPDATE api_auditentry e SET digest = api_audit_digest(e) WHERE id = %s", log[2].pk
    )
    assert problems() == [
        f"Seal 3 of entry {log[2].pk} does not follow from the one before.",
    ]


def test_removed_entry_is_found(log, as_superuser):
    sealing.seal()
    as_superuser("DELETE FROM api_auditentry WHERE id = %s", log[2].pk)
    assert problems() == [f"Entry {log[2].pk} is missing, which seal 3 is of."]


def test_removed_seals_are_found(log, as_superuser):
    sealing.seal()
    as_superuser("DELETE FROM api_auditseal WHERE position IN (2, 3)")
    assert problems()[0] == "Seals 2 to 3 are missing."


def test_removed_end_is_found_by_a_seal_that_was_kept_elsewhere(log, as_superuser):
    sealing.seal()
    head = str(sealing.verify().head)
    as_superuser("DELETE FROM api_auditentry WHERE id = %s", log[4].pk)
    as_superuser("DELETE FROM api_auditseal WHERE position = 5")
    assert problems() == []  # nobody can tell by what is left
    assert problems(Link.parse(head)) == ["The chain ends at 4, before the seal that was printed."]
    with pytest.raises(CommandError):
        verify("--expect", head)


def test_chain_made_anew_is_found_by_a_seal_that_was_kept_elsewhere(log, as_superuser):
    sealing.seal()
    head = sealing.verify().head
    as_superuser("DELETE FROM api_auditseal")
    as_superuser("DELETE FROM api_auditentry WHERE id = %s", log[0].pk)
    sealing.seal_everything()
    assert problems() == []
    assert problems(head) == ["The chain ends at 4, before the seal that was printed."]
    assert problems(Link(4, head.hash)) == ["Seal 4 is not the one that was printed."]


def test_seal_that_is_none_is_refused_by_the_command(db):
    for text in ("5", "x:00", "5:zz"):
        with pytest.raises(CommandError, match="POSITION:HASH"):
            verify("--expect", text)


def test_entries_are_sealed_once_and_in_parts(log, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 2)
    assert [sealing.seal(), sealing.seal()] == [5, 0]
    assert list(AuditSeal.objects.values_list("position", "entry")) == [
        (number, entry.pk) for number, entry in enumerate(log, 1)
    ]
    assert problems() == []


def test_entry_that_is_committed_after_later_ones_is_sealed_too(log, as_superuser):
    """Its transaction began before theirs and ended after."""
    last = AuditSeal(
        position=1, entry=log[1], hash=Link(0, sealing.START).follow(log[1].digest).hash
    )
    last.save(force_insert=True)
    assert sealing.seal() == 3  # those after it; the first is older than all that was sealed lately
    assert sealing.verify().unsealed == 1
    assert sealing.seal_everything() == 1
    assert problems() == []


def test_entry_is_stamped_by_the_database_whatever_is_inserted(log):
    made = AuditEntry.objects.create(
        kind="staff", action="read", object="user:1", at=log[0].at - timedelta(days=9), digest=b"x"
    )
    made.refresh_from_db()
    assert made.at > log[4].at
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_two_processes_seal_one_chain(log, at_once):
    """Without the advisory lock one of the two fails on the position of the other."""
    counts = at_once(sealing.seal, sealing.seal, sealing.seal)
    assert sum(counts) == 5
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_staff_who_write_at_once_do_not_wait_for_one_another(log, sam):
    """An open transaction with entries of its own does not hold up the next, nor the sealing."""
    other = connection.copy()
    recorder = Recorder(AuditActor("staff", sam.pk), "r-2")
    try:
        with transaction.atomic():
            recorder.start()
            sam.first_name = "Samuel"
            sam.save()
            recorder.stop()
            assert AuditEntry.objects.count() == 6
            with other.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
                cursor.execute(
                    "INSERT INTO api_auditentry (kind, action, object, request_id, content_digest,"
                    " digest) VALUES ('staff', 'read', 'user:1', '', '', '')"
                )
            assert sealing.seal() == 7
    finally:
        other.close()
    assert problems() == []
