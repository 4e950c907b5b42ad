"""Checks as JSON, their texts, and what evidence may show."""

import string
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from onboarding.fleet.checks import RUNGS, VIRTUAL_KEY, Check, Result, Rung, Turn
from onboarding.fleet.client import Answer
from onboarding.fleet.evidence import MAX_TEXT, Redactor, of_answer, retry_after_seconds
from onboarding.fleet.faults import BY_CODE
from onboarding.fleet.messages import MESSAGES, RUNG_TITLES, words
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.programmes import PROGRAMMES
from tests.fleet.conftest import MZP, PASSWORD, SECRET
from tests.leaks import spellings

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


def test_a_check_survives_its_json() -> None:
    check = Check(Rung.ANSWER, "rate_limited", Result.FAILED, Turn.PARTNER, {"http_status": 429}, 12.5)
    assert Check.from_json(check.to_json()) == check


def test_a_result_that_does_not_exist_is_not_read() -> None:
    with pytest.raises(ValueError, match="perhaps"):
        Check.from_json({**Check("answer", "x", Result.PASSED).to_json(), "result": "perhaps"})


def test_every_programme_has_a_ladder_and_every_rung_a_title() -> None:
    assert set(RUNGS) == {*PROGRAMMES, VIRTUAL_KEY}
    assert {rung for rungs in RUNGS.values() for rung in rungs} == set(Rung) == set(RUNG_TITLES)
    assert all(len(set(rungs)) == len(rungs) for rungs in RUNGS.values())


def test_every_fault_has_words_and_something_to_do() -> None:
    for code in BY_CODE:
        assert MESSAGES[code].title
        assert MESSAGES[code].remedy or code == "invalid_grant"


def test_every_template_can_be_filled() -> None:
    formatter = string.Formatter()
    for message in MESSAGES.values():
        for template in (message.title, message.remedy):
            assert all(name is None or name.isidentifier() for _, name, _, _ in formatter.parse(template))


def test_words_are_translated_before_they_are_filled() -> None:
    check = Check(Rung.TCP_CONNECT, "connection_refused", Result.FAILED, evidence={"host": "{port}", "port": 9})
    said = words(check, lambda text: text.replace("Nothing listens at", "Rien n'écoute à"))
    assert said.title == "Rien n'écoute à {port}, port 9"


def test_a_code_without_a_message_is_an_error() -> None:
    with pytest.raises(KeyError):
        words(Check(Rung.ANSWER, "no_such_code", Result.FAILED))


@pytest.mark.parametrize(
    "spelling", sorted({*spellings(PASSWORD), *spellings(SECRET), *spellings(f"{MZP}:{PASSWORD}")})
)
def test_a_secret_is_taken_out_in_whatever_notation_it_comes_back(material: CredentialMaterial, spelling: str) -> None:
    material = replace(material, client_secret=SECRET)
    cleaned = Redactor(material, Target("https://localhost")).clean(f"it was {spelling}!")
    assert "marker" not in cleaned
    assert spelling not in cleaned
    assert cleaned.startswith("it was ")
    assert "[redacted]" in cleaned


def test_a_secret_is_taken_out_before_a_text_is_cut(material: CredentialMaterial) -> None:
    clean = Redactor(material, Target("https://localhost", proxy="http://u:marker-proxy@127.0.0.1:1")).clean
    for start in range(MAX_TEXT - len(PASSWORD) - 2, MAX_TEXT + 1):
        assert PASSWORD[:6] not in clean("x" * start + PASSWORD)
    assert clean("via marker-proxy") == "via [redacted]"
    assert clean("a\r\nb\x00\x1b[31mc") == "a b [31mc"
    assert clean("nothing secret") == "nothing secret"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Tue, 01 Jan 2030 12:02:00 GMT", 120),
        ("Tue, 01 Jan 2030 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: int | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds


# What issue and notes ask of the catalogue: every way to fail, by code.
CATALOGUE = [
    "name_unknown", "name_unusable", "name_without_address", "resolver_failing", "resolver_failed",
    "resolver_timeout", "connection_refused", "unreachable", "connect_timeout", "answer_timeout", "answer_stalled",
    "reset_in_handshake", "reset_without_reason", "not_tls", "tls_version_mismatch", "no_common_cipher",
    "server_unknown_ca", "server_self_signed", "server_expired", "server_not_yet_valid", "server_wrong_name",
    "server_chain_incomplete", "server_public_ca", "client_certificate_not_sent", "client_ca_unknown",
    "client_certificate_expired", "client_certificate_bad", "client_certificate_revoked",
    "client_certificate_unsupported", "client_certificate_unknown", "client_access_denied",
    "client_signature_refused", "client_handshake_failure", "closed_without_reason", "proxy_forbids",
    "proxy_wants_login", "client_id_missing", "login_refused", "application_unauthorised", "gateway_forbids",
    "application_forbids", "forbidden", "forbidden_page", "client_not_subscribed", "client_id_refused",
    "wrong_address", "rate_limited", "client_certificate_refused_http", "client_certificate_missing_http",
    "server_error", "bad_gateway", "unavailable", "gateway_timeout", "redirected", "empty_answer", "not_json",
    "answer_cut_off", "answer_too_large", "wrong_shape", "no_status", "no_vehicle", "no_data", "vin_lookup_failed",
    "key_mismatch", "key_too_small", "unknown",
]  # fmt: skip


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_catalogue_has_what_is_asked_of_it(code: str) -> None:
    assert code in BY_CODE


def test_every_template_about_a_fault_is_filled_from_what_there_always_is() -> None:
    """A fault's title and remedy never depend on what a server may leave out."""
    always = {"host", "port", "http_status", "code", "address", "verify_message", "server_issuer", "error"}
    formatter = string.Formatter()
    for code in BY_CODE:
        for template in (MESSAGES[code].title, MESSAGES[code].remedy):
            assert {name for _, name, _, _ in formatter.parse(template) if name} <= always, code


def test_how_long_a_server_asks_to_wait_is_part_of_the_remedy() -> None:
    evidence = {"host": "api.example", "http_status": 503, "retry_after": 90}
    said = words(Check(Rung.ANSWER, "unavailable", Result.FAILED, Turn.MAKER, evidence))
    assert said.remedy == "Nothing is wrong on your side. Run again later. The server asks to wait 90 s first."


def test_a_pattern_that_a_server_could_stretch_costs_little(material: CredentialMaterial) -> None:
    clean = Redactor(material, Target("https://localhost")).clean
    started = time.monotonic()
    for text in ("://" + "a:" * 500_000, "<script" * 100_000, "-----BEGIN " + "A" * 500_000, "Basic " * 100_000):
        assert len(clean(text)) <= MAX_TEXT
        of_answer(Answer(502, {}, text.encode()), NOW)
    assert time.monotonic() - started < 2
