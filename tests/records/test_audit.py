"""The audit: one chain per organisation, each entry bound to the one before; what was done to it is found and named."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from onboarding.audit import chaining, checkpoints, documents, guards, keys, verifying
from onboarding.audit.events import Event
from onboarding.audit.models import Chain, Checkpoint, Entry
from onboarding.audit.record import record
from onboarding.partners.actors import SYSTEM, Actor, ActorKind
from onboarding.partners.models import Organisation, User
from tests.journey import submitted
from tests.records.chains import (
    chain_of,
    chains_hold,
    command,
    delete,
    edit,
    found,
    put_in,
    raw,
    renumber,
    set_head,
)


@pytest.fixture
def chain(partner: Organisation, owner: User) -> Chain:
    return chain_of(partner, owner, 12)


@pytest.fixture
def vouched(chain: Chain) -> documents.Vouched:
    made, outcome = checkpoints.make()
    assert made is not None, outcome
    return documents.read(made.document.encode(), keys.ring())


# --- Recording -----------------------------------------------------------------------------------------------


def test_a_journey_leaves_chains_that_hold(owner: User, rival: User) -> None:
    submitted(owner)
    submitted(rival)
    assert Chain.objects.count() == 2
    assert chains_hold()


def test_what_concerns_no_partner_has_one_chain_of_its_own(partner: Organisation, owner: User) -> None:
    for _ in range(2):
        record(Event.ROLE_GRANTED, owner, actor=SYSTEM, organisation=None)
    assert Chain.objects.get(organisation=None).length == 2
    assert chains_hold()


def test_entries_name_people_by_id_only(owner: User) -> None:
    submitted(owner)
    for entry in Entry.objects.all():
        text = str([entry.data, entry.event, entry.subject_type])
        assert owner.email not in text
        assert owner.name not in text


@pytest.mark.parametrize(
    ("came_as", "kept_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("somewhere", ""),
        ("", ""),
    ],
)
def test_an_address_is_kept_in_its_one_form_however_it_came(came_as: str, kept_as: str, owner: User) -> None:
    actor = Actor(ActorKind.MEMBER, owner.pk, came_as)
    record(Event.SIGNED_IN, owner, actor=actor, organisation=None)
    assert Entry.objects.get().address == kept_as
    assert chains_hold()


def test_what_a_database_could_give_back_otherwise_is_not_taken(owner: User) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        record(Event.SIGNED_IN, owner, actor=SYSTEM, organisation=None, data={"ms": 1.5})
    odd = {"ключ": "\u2028 “é” \U0001f600", "b": [1, None, {"z": True, "a": ["x"]}], "a": 2**70}
    record(Event.SIGNED_IN, owner, actor=SYSTEM, organisation=None, data=odd)
    assert Entry.objects.get().data == odd
    assert chains_hold()


# --- What was done to it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"number": 99}},
        {"event": "member:removed"},
        {"actor_kind": "staff"},
        {"address": "192.0.2.9"},
        {"subject_type": "organisation"},
        {"partner_visible": False},
        {"occurred_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_edited_entry_is_named_whatever_was_edited(change: dict[str, Any], chain: Chain) -> None:
    edit(chain, 5, **change)
    assert found() == [("edited", 5, 5)]


@pytest.mark.parametrize("column", ["id", "actor_id", "subject_id", "application_id"])
def test_an_edited_id_is_found_too(column: str, chain: Chain, rival_partner: Organisation) -> None:
    edit(chain, 5, **{column: rival_partner.pk})
    assert found() == [("edited", 5, 5)]


def test_the_first_the_last_and_several_edited_entries_are_each_named(chain: Chain) -> None:
    for position in (1, 6, 7, 12):
        edit(chain, position, data={})
    assert found() == [("edited", 1, 1), ("edited", 6, 6), ("unproven", 7, 7), ("forged", 12, 12)]


def test_an_entry_edited_together_with_its_hash_is_named(chain: Chain) -> None:
    edit(chain, 5, data={}, mac="0" * 64)
    assert found() == [("edited", 5, 5), ("unproven", 6, 6)]


def test_an_entry_put_in_at_the_end_as_its_head_is_named(chain: Chain) -> None:
    put_in(chain, 13, like=5)
    set_head(chain, 13)
    assert found() == [("forged", 13, 13)]


def test_an_entry_that_names_a_key_of_nobodys_is_named(chain: Chain) -> None:
    edit(chain, 5, data={}, key_id="00000000")
    assert found() == [("edited", 5, 5)]


def test_deleted_entries_are_named(chain: Chain) -> None:
    delete(chain, 1, 5, 6)
    assert found() == [("deleted", 1, 1), ("deleted", 5, 6)]


def test_a_deletion_that_was_covered_up_by_renumbering_is_named(chain: Chain) -> None:
    delete(chain, 5, 6)
    renumber(chain, {position: position - 2 for position in range(7, 13)})
    set_head(chain, 10)
    assert found() == [("deleted", 5, 6)]


def test_an_entry_put_in_at_the_end_is_named(chain: Chain) -> None:
    put_in(chain, 13, like=5)
    assert found() == [("inserted", 13, 13)]


def test_an_entry_put_in_between_is_named(chain: Chain) -> None:
    renumber(chain, {position: position + 1 for position in range(5, 13)})
    put_in(chain, 5, like=1)
    set_head(chain, 13)
    assert found() == [("inserted", 5, 5)]


@pytest.mark.parametrize(("first", "second"), [(5, 6), (2, 11), (1, 12)])
def test_entries_that_changed_places_are_named(first: int, second: int, chain: Chain) -> None:
    renumber(chain, {first: second, second: first})
    assert found() == [("reordered", first, second)]


def test_a_chain_that_was_cut_off_says_itself_how_far_it_went(chain: Chain) -> None:
    delete(chain, 10, 11, 12)
    assert found() == [("cut_off", 10, 12)]


def test_only_a_checkpoint_sees_a_chain_that_was_cut_off_and_given_another_head(
    chain: Chain, vouched: documents.Vouched
) -> None:
    delete(chain, 10, 11, 12)
    set_head(chain, 9)
    assert found() == []
    assert found(vouched) == [("cut_off", 10, 12)]


def test_a_chain_that_was_cut_off_and_went_on_is_not_the_one_that_was_signed_for(
    chain: Chain, vouched: documents.Vouched, partner: Organisation, owner: User
) -> None:
    delete(chain, 10, 11, 12)
    set_head(chain, 9)
    chain_of(partner, owner, 5)
    assert found() == []
    assert found(vouched) == [("rewritten", 12, 12)]


def test_a_chain_written_anew_with_the_audits_own_key_is_not_the_one_that_was_signed_for(
    chain: Chain, vouched: documents.Vouched
) -> None:
    key, previous = keys.newest(), ""
    with guards.lifted():
        for entry in Entry.objects.filter(chain=chain).order_by("position"):
            entry.data = {"number": 0}
            values = [getattr(entry, name) for name in chaining.COLUMNS]
            entry.mac = chaining.entry_mac(key.secret, key.id, chain.pk, chain.organisation_id, previous, values)
            entry.save()
            previous = entry.mac
        Chain.objects.filter(pk=chain.pk).update(head=previous)
    assert found() == []
    assert found(vouched) == [("rewritten", 12, 12)]


def test_a_chain_that_is_gone_is_named(chain: Chain, vouched: documents.Vouched) -> None:
    with guards.lifted():
        Entry.objects.filter(chain=chain).delete()
    assert found() == [("cut_off", 1, 12)]
    with guards.lifted():
        Chain.objects.all().delete()
    assert found() == []
    assert found(vouched) == [("chain_removed", 1, 12)]


def test_a_head_that_was_changed_is_named(chain: Chain) -> None:
    with guards.lifted():
        Chain.objects.filter(pk=chain.pk).update(head="0" * 64)
    assert found() == [("head_differs", 12, 12)]


def test_two_chains_whose_companies_changed_places_are_named(
    chain: Chain, partner: Organisation, rival_partner: Organisation, owner: User
) -> None:
    other = chain_of(rival_partner, owner, 3)
    with guards.lifted():
        Chain.objects.filter(pk=chain.pk).update(organisation=None)
        Chain.objects.filter(pk=other.pk).update(organisation=partner)
        Chain.objects.filter(pk=chain.pk).update(organisation=rival_partner)
    outcome = verifying.verify(keys.ring())
    assert {(one.code, one.params["chain"], one.found) for one in outcome.findings} == {
        ("swapped", str(chain.pk), str(partner.pk)),
        ("swapped", str(other.pk), str(rival_partner.pk)),
    }


def test_two_chains_whose_entries_changed_places_are_named(
    chain: Chain, rival_partner: Organisation, owner: User
) -> None:
    other = chain_of(rival_partner, owner, 12)
    with guards.lifted():
        theirs = list(Entry.objects.filter(chain=other).values_list("pk", flat=True))
        Entry.objects.filter(pk__in=theirs).update(position=1_000_000 + F("position"))
        Entry.objects.filter(chain=chain).update(chain=other)
        Entry.objects.filter(pk__in=theirs).update(chain=chain, position=F("position") - 1_000_000)
    assert {one.code for one in verifying.verify(keys.ring()).findings} == {"swapped"}


def test_what_is_wrong_in_one_chain_is_no_others(chain: Chain, rival_partner: Organisation, owner: User) -> None:
    chain_of(rival_partner, owner, 3)
    edit(chain, 5, data={})
    [one] = verifying.verify(keys.ring()).findings
    assert one.params["chain"] == str(chain.pk)


# --- The database refuses ----------------------------------------------------------------------------------------


def refused(statement: str, *values: object) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        raw(statement, *values)


def test_the_database_refuses_to_change_what_was_recorded(chain: Chain) -> None:
    refused("UPDATE audit_entry SET event = 'member:left'")
    refused("DELETE FROM audit_entry")
    refused("DELETE FROM audit_chain")
    refused("UPDATE audit_chain SET length = 3")
    refused("UPDATE audit_chain SET head = ''")
    if connection.vendor == "postgresql":
        raw("SET CONSTRAINTS ALL IMMEDIATE")
        refused("TRUNCATE audit_entry")
        refused("TRUNCATE audit_entry, audit_chain")
    else:
        refused("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry")
    assert chains_hold()


def test_a_database_that_would_not_refuse_is_pointed_out(chain: Chain) -> None:
    guards.remove()
    assert [code for code, *_rest in found()] == ["unguarded"]
    guards.install()
    assert chains_hold()


# --- Keys --------------------------------------------------------------------------------------------------------


def test_a_newer_key_goes_on_where_an_older_one_ended(
    settings: Any, chain: Chain, partner: Organisation, owner: User, capsys: Any
) -> None:
    old = settings.AUDIT_KEY
    settings.AUDIT_KEY = f"a newer key,{old}"
    chain_of(partner, owner, 3)
    assert Entry.objects.values_list("key_id", flat=True).distinct().count() == 2
    assert chains_hold()
    edit(chain, 2, data={})
    edit(chain, 13, data={})
    assert found() == [("edited", 2, 2), ("edited", 13, 13)]


def test_without_the_older_key_what_it_made_cannot_be_judged(
    settings: Any, chain: Chain, partner: Organisation, owner: User, capsys: Any
) -> None:
    old = keys.newest().id
    settings.AUDIT_KEY = "a newer key"
    chain_of(partner, owner, 3)
    code, report = command(capsys)
    assert (code, report["result"], report["unjudged"]) == (2, "cannot_run", {old: 12})
    edit(chain, 14, data={})
    assert command(capsys)[0] == 1


# --- Checkpoints -------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_exported_once_and_names_the_one_before(
    chain: Chain, vouched: documents.Vouched, settings: Any
) -> None:
    [path] = checkpoints.export()
    assert checkpoints.export() == []
    assert path.parent == Path(settings.AUDIT_CHECKPOINT_DIR)
    first, *heads, last = [json.loads(line) for line in path.read_text().splitlines()]
    assert (first["number"], first["chains"], first["entries"]) == (1, 1, 12)
    assert heads[0]["head"] == chain.head
    assert set(last) == {"signature"}
    made, _outcome = checkpoints.make()
    assert made is not None
    assert json.loads(made.document.splitlines()[0])["previous"] == Checkpoint.objects.get(number=1).digest


@pytest.mark.parametrize("how", ["a character", "a line taken away", "the signature", "nothing but its name"])
def test_a_checkpoint_that_was_changed_is_refused(how: str, vouched: documents.Vouched) -> None:
    document = Checkpoint.objects.get().document
    lines = document.splitlines(keepends=True)
    changed = {
        "a character": document.replace('"length":12', '"length":11'),
        "a line taken away": "".join([lines[0], lines[-1]]),
        "the signature": "".join([*lines[:-1], '{"signature":"00"}\n']),
        "nothing but its name": "{}",
    }[how]
    with pytest.raises(documents.BadCheckpoint):
        documents.read(changed.encode(), keys.ring())


def test_a_checkpoint_is_not_made_of_a_chain_that_was_cut_off(chain: Chain, vouched: documents.Vouched) -> None:
    delete(chain, 11, 12)
    set_head(chain, 10)
    made, outcome = checkpoints.make()
    assert made is None
    assert [(one.code, one.params["first"], one.params["last"]) for one in outcome.findings] == [("cut_off", 11, 12)]


def test_a_checkpoint_looks_only_at_what_was_recorded_since_the_one_before(
    chain: Chain, vouched: documents.Vouched, partner: Organisation, owner: User
) -> None:
    chain_of(partner, owner, 3)
    made, outcome = checkpoints.make()
    assert (made and made.number, outcome.entries) == (2, 3)
    edit(chain, 14, data={})
    chain_of(partner, owner, 1)
    assert checkpoints.make()[0] is not None  # it is the whole verification's to find
    edit(chain, 16, data={})
    chain_of(partner, owner, 1)
    assert found() == [("edited", 14, 14), ("edited", 16, 16)]


def test_a_database_that_was_set_back_is_found_by_the_exported_files(chain: Chain, vouched: documents.Vouched) -> None:
    checkpoints.export()
    Checkpoint.objects.all().delete()
    assert [one.code for one in checkpoints.lost()] == ["checkpoint_lost"]
    assert checkpoints.make()[0] is None


def test_only_the_latest_checkpoints_stay_in_the_database(chain: Chain, monkeypatch: Any) -> None:
    monkeypatch.setattr(checkpoints, "KEPT", 2)
    for _ in range(4):
        checkpoints.make()
    assert list(Checkpoint.objects.order_by("number").values_list("number", flat=True)) == [3, 4]


# --- The command -------------------------------------------------------------------------------------------------


def test_the_command_says_whole(chain: Chain, capsys: Any) -> None:
    code, report = command(capsys)
    assert (code, report["result"], report["chains"], report["entries"]) == (0, "whole", 1, 12)


def test_the_command_holds_the_chains_against_the_last_checkpoint_by_itself(
    chain: Chain, vouched: documents.Vouched, capsys: Any
) -> None:
    delete(chain, 11, 12)
    set_head(chain, 10)
    code, report = command(capsys)
    assert (code, report["result"], report["checkpoints"]) == (1, "tampered", [1])
    [one] = report["findings"]
    assert (one["code"], one["chain"], one["first"], one["last"]) == ("cut_off", str(chain.pk), 11, 12)
    assert "entries 11 to 12 are missing" in one["text"]


def test_the_command_holds_the_chains_against_a_file_where_the_database_forgot(
    chain: Chain, vouched: documents.Vouched, settings: Any, capsys: Any, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.jsonl"
    elsewhere.write_text(Checkpoint.objects.get().document)
    Checkpoint.objects.all().delete()
    delete(chain, 11, 12)
    set_head(chain, 10)
    assert command(capsys)[0] == 0
    code, report = command(capsys, "--checkpoint", str(elsewhere))
    assert (code, [one["code"] for one in report["findings"]]) == (1, ["cut_off"])


def test_the_command_cannot_run_with_a_file_that_is_none_or_was_changed_or_with_another_key(
    chain: Chain, vouched: documents.Vouched, settings: Any, capsys: Any, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    document = Checkpoint.objects.get().document
    assert command(capsys, "--checkpoint", str(file))[0] == 2
    for content in (b"", b"\xff\xfe", b"[" * 100_000, b"{}\n{}\n", document.replace("12", "13").encode()):
        file.write_bytes(content)
        code, report = command(capsys, "--checkpoint", str(file))
        assert (code, report["result"]) == (2, "cannot_run"), content[:20]
    file.write_text(document)
    assert command(capsys, "--checkpoint", str(file))[0] == 0
    settings.AUDIT_KEY = "another"
    assert command(capsys, "--checkpoint", str(file))[0] == 2
    settings.AUDIT_KEY = ""
    assert command(capsys)[0] == 2


def test_a_checkpoint_that_was_changed_in_the_database_is_a_finding(
    chain: Chain, vouched: documents.Vouched, capsys: Any
) -> None:
    row = Checkpoint.objects.get()
    row.document = row.document.replace('"length":12', '"length":11')
    row.save()
    code, report = command(capsys)
    assert (code, [one["code"] for one in report["findings"]]) == (1, ["checkpoint_changed"])


@pytest.mark.needs("openssl")
def test_others_check_a_checkpoint_with_openssl_and_without_the_key(
    chain: Chain, vouched: documents.Vouched, capsys: Any, tmp_path: Path
) -> None:
    call_command("verify_audit", "--public-key")
    (tmp_path / "audit.pem").write_text(capsys.readouterr().out)
    *body, last = Checkpoint.objects.get().document.splitlines(keepends=True)
    (tmp_path / "signature").write_bytes(bytes.fromhex(json.loads(last)["signature"]))
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "audit.pem", "-rawin", "-in", "body"]
    for text, code in (("".join(body), 0), ("".join(body).replace("12", "13"), 1)):
        (tmp_path / "body").write_text(text)
        done = subprocess.run([*verify, "-sigfile", "signature"], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == code, done.stderr


def test_a_signature_is_checked_without_a_database(settings: Any, capsys: Any, tmp_path: Path) -> None:
    """No database is asked for here, so one that was asked would be refused."""
    head = documents.Head(None, 3, "00")
    document, _chains, _entries = documents.write(
        [(uuid4(), head)], number=7, previous="", made_at=datetime(2026, 1, 1, tzinfo=UTC), key=keys.newest()
    )
    file = tmp_path / "audit-00000007.jsonl"
    file.write_text(document)
    code, report = command(capsys, "--checkpoint", str(file), "--signature-only")
    assert (code, report["result"], report["number"], report["entries"]) == (0, "signed", 7, 3)
    file.write_text(document.replace('"length":3', '"length":2'))
    assert command(capsys, "--checkpoint", str(file), "--signature-only")[0] == 2


def test_in_words_it_says_which_entry_of_which_chain(chain: Chain, capsys: Any) -> None:
    edit(chain, 5, data={})
    delete(chain, 9)
    with pytest.raises(SystemExit) as end:
        call_command("verify_audit")
    said = capsys.readouterr().out
    assert end.value.code == 1
    assert f"Chain {chain.pk} (organisation {chain.organisation_id}): Entry 5 was edited" in said
    assert "Entry 9 was deleted." in said
    assert "Tampered with: 2 findings." in said
