"""The client certificate: asked for, sent, accepted; and every way in which a server may refuse it."""

import contextlib
import ssl

import pytest
import trustme

from onboarding.fleet.checks import Result, Rung, Turn
from onboarding.fleet.client import new_context
from onboarding.fleet.messages import words
from onboarding.fleet.target import CredentialMaterial
from tests.fleet.alerts import alerting
from tests.fleet.climbing import by_rung, failure, run, target_of
from tests.fleet.conftest import FLEETS, MZP, context_of
from tests.fleet.servers import Server, answering, http, over_tls, read_request, reset, serving

# Alerts by which a server refuses, in the order of RFC 8446, section 6: number, code, whose turn.
REFUSALS = [
    (40, "client_handshake_failure", Turn.MAKER),
    (42, "client_certificate_bad", Turn.PARTNER),
    (43, "client_certificate_unsupported", Turn.MAKER),
    (44, "client_certificate_revoked", Turn.MAKER),
    (45, "client_certificate_expired", Turn.PARTNER),
    (46, "client_certificate_unknown", Turn.MAKER),
    (48, "client_ca_unknown", Turn.PARTNER),
    (49, "client_access_denied", Turn.MAKER),
    (51, "client_signature_refused", Turn.PARTNER),
    (80, "client_handshake_broken", Turn.MAKER),
    (116, "client_certificate_not_sent", Turn.PARTNER),
]


@pytest.mark.parametrize(("alert", "code", "turn"), REFUSALS, ids=[code for _, code, _ in REFUSALS])
def test_each_alert_that_refuses_is_known_by_its_number(
    material: CredentialMaterial,
    server_certificate: trustme.LeafCert,
    ca: trustme.CA,
    tls_version: ssl.TLSVersion,
    alert: int,
    code: str,
    turn: Turn,
) -> None:
    with serving(alerting(context_of(server_certificate, ca, tls_version), alert)) as server:
        report = run(material, target_of(server))
    check = failure(report)
    assert (check.rung, check.code, check.turn) == (Rung.CLIENT_CERTIFICATE, code, turn)
    assert check.evidence["alert"] == alert
    assert (check.evidence["requested"], check.evidence["sent"]) == ("yes", "yes")
    assert check.evidence["serial_number"] == report.facts["client_certificate_serial_number"]
    assert by_rung(report)[Rung.SERVER_TLS].result == Result.PASSED
    assert by_rung(report)[Rung.AUTHENTICATION].result == Result.NOT_REACHED


def test_an_alert_that_nobody_has_defined_stays_unknown_with_its_evidence(
    material: CredentialMaterial, server_certificate: trustme.LeafCert, ca: trustme.CA
) -> None:
    with serving(alerting(context_of(server_certificate, ca, ssl.TLSVersion.TLSv1_2), 199)) as server:
        check = failure(run(material, target_of(server)))
    assert (check.code, check.evidence["alert"]) == ("unknown", 199)
    assert "SSLError" in str(check.evidence["text"])


def test_what_the_server_asked_for_and_got_is_in_the_evidence(
    material: CredentialMaterial, server_certificate: trustme.LeafCert, ca: trustme.CA, tls_version: ssl.TLSVersion
) -> None:
    with serving(over_tls(context_of(server_certificate, ca, tls_version), answering(200, FLEETS))) as server:
        found = by_rung(run(material, target_of(server)))[Rung.CLIENT_CERTIFICATE].evidence
    assert (found["requested"], found["sent"]) == ("yes", "yes")


def test_a_server_that_asks_only_once_it_knows_the_path_gets_the_certificate(
    material: CredentialMaterial, server_certificate: trustme.LeafCert, ca: trustme.CA
) -> None:
    """Post-handshake authentication (RFC 8446, section 4.6.2)."""
    context = context_of(server_certificate, ca, ssl.TLSVersion.TLSv1_3)
    context.post_handshake_auth = True

    def talk(server: Server, tls: ssl.SSLSocket) -> None:
        read_request(tls)
        tls.verify_client_post_handshake()
        answer = http(200, FLEETS)
        tls.sendall(answer[:9])  # the request for the certificate goes out with it
        tls.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            tls.recv(1)  # the certificate is all that comes
        server.requests.append(str(tls.getpeercert()).encode())
        tls.sendall(answer[9:])

    with serving(over_tls(context, talk)) as server:
        report = run(material, target_of(server))
    assert by_rung(report)[Rung.CLIENT_CERTIFICATE].code == "client_certificate_accepted"
    assert report.result == Result.PASSED
    assert MZP.encode() in server.requests[0]


def test_a_connection_that_is_cut_after_the_handshake_is_not_said_to_be_a_refusal(
    material: CredentialMaterial, server_certificate: trustme.LeafCert, ca: trustme.CA, tls_version: ssl.TLSVersion
) -> None:
    def talk(_: Server, tls: ssl.SSLSocket) -> None:
        read_request(tls)
        reset(tls)

    with serving(over_tls(context_of(server_certificate, ca, tls_version), talk)) as server:
        check = failure(run(material, target_of(server)))
    assert check.code in {"reset_without_reason", "closed_without_reason"}
    assert "refused" not in words(check).title


def test_python_is_held_to_tls_1_2_at_least() -> None:
    assert new_context().minimum_version == ssl.TLSVersion.TLSv1_2
    old = [one for one in new_context().get_ciphers() if one["protocol"] != "TLSv1.3"]
    assert all(one["aead"] or "SHA256" in one["name"] or "SHA384" in one["name"] for one in old)


def test_where_nothing_refuses_hardly_any_time_is_waited(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        wait = by_rung(run(material, target_of(server)))[Rung.CLIENT_CERTIFICATE].ms
    assert wait is not None
    assert wait < 200
