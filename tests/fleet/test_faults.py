"""The catalogue of faults: each row, held against the exceptions and answers that show it."""

import json
import socket
import ssl
from collections import Counter

import pytest
import requests
import trustme
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from onboarding.fleet import client
from onboarding.fleet.checks import Rung, Turn
from onboarding.fleet.faults import (
    BY_CODE,
    FAULTS,
    UNKNOWN,
    classify,
    classify_response,
    error_chain,
    normal_reason,
)
from onboarding.fleet.target import CredentialMaterial
from onboarding.fleet.trace import Deadline, Stage, Trace
from tests.fleet.conftest import PASSPHRASE, encrypted
from tests.fleet.servers import Server, read_client_hello, serving, wait_for_end

# Every alert that a server may send about a client certificate or the handshake: number, fault before it has asked
# for our certificate, fault after (RFC 8446, section 6.2; RFC 5246, section 7.2.2).
ALERTS = {
    40: ("no_common_cipher", "client_handshake_failure"),
    42: ("handshake_broken", "client_certificate_bad"),
    43: ("handshake_broken", "client_certificate_unsupported"),
    44: ("handshake_broken", "client_certificate_revoked"),
    45: ("handshake_broken", "client_certificate_expired"),
    46: ("handshake_broken", "client_certificate_unknown"),
    47: ("handshake_broken", "client_handshake_broken"),
    48: ("handshake_broken", "client_ca_unknown"),
    49: ("handshake_denied", "client_access_denied"),
    50: ("handshake_broken", "client_handshake_broken"),
    51: ("handshake_broken", "client_signature_refused"),
    70: ("tls_version_mismatch", "tls_version_mismatch"),
    71: ("no_common_cipher", "no_common_cipher"),
    80: ("handshake_broken", "client_handshake_broken"),
    109: ("handshake_broken", "client_handshake_broken"),
    112: ("server_name_refused", "server_name_refused"),
    115: ("handshake_broken", "client_handshake_broken"),
    116: ("handshake_broken", "client_certificate_not_sent"),
    120: ("handshake_broken", "client_handshake_broken"),
}


def call(server: Server, context: ssl.SSLContext) -> tuple[Exception, Trace]:
    trace = Trace()
    with pytest.raises((requests.RequestException, OSError)) as caught:
        client.send(client.Call(f"{server.url}/"), context, trace=trace, deadline=Deadline(3))
    return caught.value, trace


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_of_a_server_is_known_by_its_number_on_the_wire(alert: int) -> None:
    def talk(_: Server, connection: socket.socket) -> None:
        read_client_hello(connection)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02" + bytes([alert]))
        wait_for_end(connection)

    with serving(talk) as server:
        error, trace = call(server, client.new_context())
    assert trace.alert == alert
    before, after = ALERTS[alert]
    assert classify(error, trace.stage, trace.alert).code == before
    assert classify(error, Stage.OFFER, trace.alert).code == after


@pytest.mark.parametrize("reason", ["HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN"])
def test_whatever_a_server_says_when_we_have_no_certificate_to_send_it_is_that(reason: str) -> None:
    error = ssl.SSLError(1, "made up")
    error.reason = f"SSLV3_ALERT_{reason}"
    for stage in (Stage.OFFER, Stage.WAIT):
        assert classify(error, stage, hints=["unsent"]).code == "client_certificate_not_sent"


def test_an_alert_that_nobody_has_defined_is_unknown() -> None:
    def talk(_: Server, connection: socket.socket) -> None:
        read_client_hello(connection)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\xfa")
        wait_for_end(connection)

    with serving(talk) as server:
        error, trace = call(server, client.new_context())
    assert classify(error, trace.stage, trace.alert) is UNKNOWN


# OpenSSL's numbers (x509_vfy.h), with what each means here.
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (2, "ca_is_intermediate"),
        (3, "server_crl_missing"),
        (9, "server_not_yet_valid"),
        (10, "server_expired"),
        (18, "server_self_signed"),
        (19, "server_unknown_root"),
        (20, "server_unknown_ca"),
        (26, "server_wrong_purpose"),
        (62, "server_wrong_name"),
        (64, "server_wrong_name"),
        (66, "server_weak"),
        (79, "server_ca_invalid"),
        (85, "server_certificate_malformed"),
        (89, "server_certificate_malformed"),
        (92, "server_certificate_malformed"),
        (50, "server_untrusted"),
    ],
)
def test_each_verdict_about_the_servers_certificate_has_its_fault(number: int, code: str) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = number
    fault = classify(requests.exceptions.SSLError(MaxRetryError(None, "/", error)), Stage.TLS)  # type: ignore[arg-type]
    assert (fault.code, fault.rung) == (code, Rung.SERVER_TLS)


@pytest.mark.parametrize(
    ("error", "stage", "code"),
    [
        (ConnectionRefusedError(111, "x"), Stage.CONNECT, "connection_refused"),
        (OSError(113, "x"), Stage.CONNECT, "unreachable"),
        (OSError(101, "x"), Stage.CONNECT, "unreachable"),
        (TimeoutError("x"), Stage.CONNECT, "connect_timeout"),
        (TimeoutError(110, "x"), Stage.CONNECT, "connect_timeout"),
        (TimeoutError("x"), Stage.TLS, "handshake_timeout"),
        (TimeoutError("x"), Stage.REQUEST, "answer_timeout"),
        (TimeoutError("x"), Stage.BODY, "answer_stalled"),
        (TimeoutError("x"), Stage.PROXY, "proxy_unreachable"),
        (ConnectionResetError(104, "x"), Stage.CONNECT, "reset_at_connect"),
        (ConnectionResetError(104, "x"), Stage.TLS, "reset_in_handshake"),
        (ConnectionResetError(104, "x"), Stage.OFFER, "closed_at_offer"),
        (ConnectionResetError(104, "x"), Stage.REQUEST, "reset_without_reason"),
        (BrokenPipeError(32, "x"), Stage.REQUEST, "reset_without_reason"),
        (ConnectionResetError(104, "x"), Stage.BODY, "answer_cut_off"),
        (socket.gaierror(-2, "x"), Stage.RESOLVE, "name_unknown"),
        (socket.gaierror(-3, "x"), Stage.RESOLVE, "resolver_failing"),
        (socket.gaierror(-4, "x"), Stage.RESOLVE, "resolver_failed"),
        (socket.gaierror(-5, "x"), Stage.RESOLVE, "name_without_address"),
        (socket.gaierror(-2, "x"), Stage.PROXY, "proxy_unreachable"),
        (OSError("Tunnel connection failed: 407 x"), Stage.TUNNEL, "proxy_wants_login"),
        (TimeoutError("x"), Stage.TUNNEL, "proxy_silent"),
        (KeyError("x"), Stage.REQUEST, "unknown"),
        (OSError(28, "x"), Stage.CONNECT, "unknown"),
    ],
)
def test_the_same_error_means_something_else_at_another_stage(error: Exception, stage: Stage, code: str) -> None:
    wrapped = NewConnectionError(None, "text that says refused, expired, reset")  # type: ignore[arg-type]
    wrapped.__cause__ = error
    outer = requests.ConnectionError(MaxRetryError(None, "/", wrapped))  # type: ignore[arg-type]
    assert classify(outer, stage).code == code
    assert classify(requests.ConnectionError(ProtocolError("aborted", error)), stage).code == code
    assert classify(error, stage).code == code


def test_an_exception_that_carries_itself_does_not_hang_the_walk() -> None:
    error = OSError("loop")
    error.args = (error,)
    error.__cause__ = error
    assert error_chain(error) == (error,)


@pytest.mark.parametrize(
    "reason", ["SSLV3_ALERT_UNKNOWN_CA", "TLSV1_ALERT_UNKNOWN_CA", "TLSV13_ALERT_UNKNOWN_CA", "UNKNOWN_CA"]
)
def test_the_version_in_openssls_reasons_does_not_count(reason: str) -> None:
    assert normal_reason(reason) == "UNKNOWN_CA"


# Our own credential, as OpenSSL reads it


def loading_fault(certificate: bytes, key: bytes, passphrase: bytes = PASSPHRASE) -> str:
    with pytest.raises(ssl.SSLError) as caught:
        client.present(client.new_context(), certificate, key, passphrase)
    return classify(caught.value, Stage.LOAD).code


def test_credentials_that_openssl_cannot_load_are_told_apart(
    material: CredentialMaterial, stranger: trustme.LeafCert, ca: trustme.CA
) -> None:
    elliptic = ca.issue_cert("partner.example", key_type=trustme.KeyType.ECDSA)
    assert loading_fault(material.certificate_pem, encrypted(stranger)) == "key_mismatch"
    assert loading_fault(material.certificate_pem, encrypted(elliptic)) in {
        "key_mismatch",
        "key_type_mismatch",
    }
    assert loading_fault(material.certificate_pem, material.key_pem, b"wrong") == "credential_unreadable"
    assert loading_fault(b"garbage", material.key_pem) == "credential_unreadable"
    client.present(client.new_context(), material.certificate_pem, material.key_pem, PASSPHRASE)


# Answers


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, "<center>No required SSL certificate was sent</center>", "client_certificate_missing_http"),
        (400, "<center>The SSL certificate error</center>", "client_certificate_refused_http"),
        (400, "<center>The plain HTTP request was sent to HTTPS port</center>", "plain_http_to_tls"),
        (495, "", "client_certificate_refused_http"),
        (496, "", "client_certificate_missing_http"),
        (200, {"code": "495", "message": "x"}, "client_certificate_refused_http"),
        (400, {"httpCode": "400", "moreInformation": "No client id: add client_id."}, "client_id_missing"),
        (400, {"code": 40000, "message": "bad parameter"}, "application_refuses_request"),
        (400, "", "bad_request"),
        (
            401,
            {"httpCode": "401", "moreInformation": "The request did not pass the security checks."},
            "login_refused",
        ),
        (401, {"httpCode": "401", "moreInformation": "Invalid client id or secret."}, "client_id_refused"),
        (401, {"httpCode": "401", "moreInformation": "not registered to a plan"}, "client_not_subscribed"),
        (401, {"httpCode": "401", "moreInformation": "no explanation"}, "login_refused"),
        (401, {"code": 40100, "message": "x"}, "application_unauthorised"),
        (401, "", "login_refused"),
        (403, {"httpCode": "403"}, "gateway_forbids"),
        (403, {"code": 40300, "message": "x"}, "application_forbids"),
        (403, "<html>", "forbidden_page"),
        (403, "RBAC: access denied", "forbidden"),
        (403, "", "forbidden"),
        (403, {"httpCode": "403", "moreInformation": "not registered to a plan"}, "client_not_subscribed"),
        (403, {"httpCode": "403", "moreInformation": "Invalid client id or secret."}, "client_id_refused"),
        (403, {"code": "495", "message": "Invalid or expired client certificate"}, "client_certificate_refused_http"),
        (400, {"code": "496", "message": "No client certificate"}, "client_certificate_missing_http"),
        (200, {"httpCode": "401", "httpMessage": "Unauthorized"}, "login_refused"),
        (200, {"httpCode": "403"}, "gateway_forbids"),
        (200, {"httpCode": "429"}, "rate_limited"),
        (200, {"httpCode": "500"}, "server_error"),
        (200, {"httpCode": "503"}, "unavailable"),
        (200, {"code": 40410, "message": "x"}, "no_vehicle"),
        (404, {"code": 40400, "message": "x"}, "no_status"),
        (404, {"code": 40410, "message": "x"}, "no_vehicle"),
        (404, {"code": 40499, "message": "x"}, "no_data"),
        (404, {"code": 40477, "message": "x"}, "application_finds_nothing"),
        (404, "<html>", "wrong_address"),
        (406, "", "not_acceptable"),
        (408, "", "request_timeout"),
        (410, "", "wrong_address"),
        (418, "", "unexpected_status"),
        (407, "", "network_wants_login"),
        (511, "<html>", "network_wants_login"),
        (421, "", "misdirected"),
        (429, {"httpCode": "429"}, "rate_limited"),
        (500, {"code": 50038, "message": "x"}, "vin_lookup_failed"),
        (500, {"code": 50000, "message": "x"}, "application_error"),
        (500, "", "server_error"),
        (502, "<html>", "bad_gateway"),
        (503, "", "unavailable"),
        (504, "", "gateway_timeout"),
        (301, "", "redirected"),
        (302, "", "redirected"),
        (307, "", "redirected"),
        (308, "", "redirected"),
        (202, "", "unexpected_status"),
        (204, "", "empty_answer"),
        (200, "", "empty_answer"),
        (200, " \n", "empty_answer"),
        (200, "<!doctype html>", "html_answer"),
        (200, "fleets", "not_json"),
        (200, '{"total": NaN}', "not_json"),
        (200, "<?xml version='1.0'?><fleets/>", "not_json"),
        (200, "<soap:Envelope/>", "not_json"),
        (400, {"error": "invalid_grant"}, "invalid_grant"),
        (401, {"error": "invalid_client"}, "client_unrecognised"),
        (400, {"error": "invalid_client"}, "client_unrecognised"),
        (400, {"error": "unauthorized_client"}, "grant_not_allowed"),
        (400, {"error": "unsupported_grant_type"}, "grant_not_allowed"),
        (400, {"error": "invalid_request"}, "token_request_refused"),
        (400, {"error": "no_such_error"}, "bad_request"),
        (999, "", "unknown"),
    ],
)
def test_each_answer_has_its_fault(status: int, body: str | dict[str, object], code: str) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fault = classify_response(status, {}, raw)
    assert fault is not None
    assert fault.code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [('{"name": "Dépôt"}', "not_utf8"), ("Dépôt", "not_json"), ("<p>Dépôt", "html_answer")],
    ids=["JSON", "text", "page"],
)
def test_json_in_another_encoding_is_told_from_what_is_no_json(body: str, code: str) -> None:
    fault = classify_response(200, {}, body.encode("latin-1"))
    assert fault is not None
    assert fault.code == code


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'{"code": 0}', b'{"message": "plan, client id or secret"}'])
def test_a_200_with_json_has_no_fault(body: bytes) -> None:
    assert classify_response(200, {"content-type": "text/html"}, body) is None


# The table


def test_no_sign_belongs_to_two_rows_and_no_code_is_used_twice() -> None:
    assert max(Counter(sign for fault in FAULTS for sign in fault.signs).values()) == 1
    assert len(BY_CODE) == len(FAULTS) + 1


def test_nothing_that_a_login_or_a_certificate_was_refused_for_is_tried_again() -> None:
    codes = (
        "login_refused",
        "forbidden",
        "gateway_forbids",
        "client_id_refused",
        "client_unrecognised",
        "client_ca_unknown",
        "client_certificate_expired",
    )
    refused = [BY_CODE[code] for code in codes]
    assert not any(fault.transient for fault in refused)
    assert all(fault.turn in (Turn.PARTNER, Turn.MAKER) for fault in refused)
