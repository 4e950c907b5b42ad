"""Answers, as real servers garble, stretch and swell them; each is bounded in time and in bytes."""

import gzip
import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable

import pytest

from onboarding.fleet.checks import Result, Rung, Turn
from onboarding.fleet.messages import words
from onboarding.fleet.target import CredentialMaterial
from tests.fleet.climbing import by_rung, failure, run, target_of
from tests.fleet.conftest import FLEETS
from tests.fleet.servers import Server, answering, http, over_tls, read_request, replying, reset, serving

JSON, HTML = "application/json", "text/html"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", "answer_garbled"),
        (CHUNKED + b"5\r\n{", "answer_cut_off"),
        (CHUNKED, "answer_cut_off"),
        (OK + b"Content-Length: 400\r\n\r\n{}", "answer_cut_off"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "answer_garbled"),
        (OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"{}" * 99)[:-9], "not_json"),
        (b"220 mail.example ESMTP\r\n\r\n", "not_http"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "not_http"),
        (b"HTTP/9.1 200 OK\r\n\r\n", "not_http"),
        (OK + b"X-Long: " + b"a" * 70_000 + b"\r\n\r\n", "headers_too_large"),
        (OK + b"X-Many: 1\r\n" * 120 + b"\r\n", "headers_too_large"),
        (b"HTTP/1.1 200 " + b"O" * 70_000, "headers_too_large"),
        (http(200, b"[" * 100_000), "not_json"),
        (http(200, b"\xff\xfe{}"), "not_json"),
        (http(200, b'{"total": 1e999}'), "wrong_shape"),
    ],
)
def test_what_cannot_be_read_is_named(
    material: CredentialMaterial, mutual: ssl.SSLContext, raw: bytes, code: str
) -> None:
    with serving(over_tls(mutual, replying(raw))) as server:
        check = failure(run(material, target_of(server)))
    assert (check.rung, check.code) == (Rung.ANSWER, code)


def test_an_answer_cut_by_a_reset_broke_off(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    def reset_later(connection: socket.socket) -> None:
        time.sleep(0.1)  # what has not been read yet is lost with the connection
        reset(connection)

    with serving(over_tls(mutual, replying(OK + b"Content-Length: 400\r\n\r\n{", reset_later))) as server:
        assert failure(run(material, target_of(server))).code == "answer_cut_off"


def test_fifty_megabytes_packed_into_fifty_kilobytes_are_not_unpacked(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    packed = gzip.compress(b"\x00" * (50 * 1024 * 1024))
    assert len(packed) < 60_000
    with serving(over_tls(mutual, answering(200, packed, Content_Encoding="gzip"))) as server:
        tracemalloc.start()
        check = failure(run(material, target_of(server)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert check.code == "answer_too_large"
    assert peak < 8 * 1024 * 1024


def endless(piece: bytes, head: bytes = b"") -> Callable[[Server, ssl.SSLSocket], None]:
    def talk(_: Server, tls: ssl.SSLSocket) -> None:
        read_request(tls)
        tls.sendall(head)
        for _ in range(4_000):
            tls.sendall(piece)

    return talk


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (endless(b"HTTP/1.1 100 Continue\r\nX-Padding: " + b"x" * 4000 + b"\r\n\r\n"), "answer_too_large"),
        (endless(b"HTTP/1.1 103 Early Hints\r\nLink: </" + b"x" * 4000 + b">\r\n\r\n"), "answer_too_large"),
        (endless(b"X-Padding: " + b"x" * 60_000 + b"\r\n", OK), "answer_too_large"),
        (endless(b"a" * 65_536, OK + b"Connection: close\r\n\r\n"), "answer_too_large"),
        (endless(b"10000\r\n" + b"a" * 65_536 + b"\r\n", CHUNKED), "answer_too_large"),
    ],
    ids=["interim answers", "early hints", "headers", "body", "chunks"],
)
def test_whatever_has_no_end_is_not_read_to_its_end(
    material: CredentialMaterial, mutual: ssl.SSLContext, talk: Callable[[Server, ssl.SSLSocket], None], code: str
) -> None:
    started = time.monotonic()
    with serving(over_tls(mutual, talk)) as server:
        check = failure(run(material, target_of(server)))
        assert time.monotonic() - started < 4
    assert (check.rung, check.code) == (Rung.ANSWER, code)


def test_interim_answers_before_the_real_one_are_gone_past(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    with serving(over_tls(mutual, replying(interim + http(200, FLEETS)))) as server:
        assert run(material, target_of(server)).result == Result.PASSED


def test_interim_answers_that_drip_hit_the_deadline(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    def talk(_: Server, tls: ssl.SSLSocket) -> None:
        read_request(tls)
        while True:
            tls.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.05)

    started = time.monotonic()
    with serving(over_tls(mutual, talk)) as server:
        check = failure(run(material, target_of(server), deadline=0.6))
        assert time.monotonic() - started < 1.5
    assert check.code == "answer_timeout"


def test_a_handshake_that_drips_hits_the_deadline(material: CredentialMaterial) -> None:
    def talk(_: Server, connection: object) -> None:
        connection.recv(65536)  # type: ignore[attr-defined]
        for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(500):
            connection.sendall(bytes([byte]))  # type: ignore[attr-defined]
            time.sleep(0.05)

    started = time.monotonic()
    with serving(talk) as server:
        check = failure(run(material, target_of(server), deadline=0.5))
        assert time.monotonic() - started < 1.2
    assert (check.rung, check.code) == (Rung.SERVER_TLS, "handshake_timeout")


def test_fields_that_we_do_not_know_are_ignored(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    embedded = {"Fleets": [{"id": "5f0c", "name": None, "newField": [1]}], "other": {}}
    body = {"total": 7, "newField": {"deep": [None]}, "_embedded": embedded, "_links": 3}
    with serving(over_tls(mutual, answering(200, body, Content_Type="application/hal+json;charset=UTF-8"))) as server:
        report = run(material, target_of(server))
    assert (report.result, report.facts["fleets"]) == (Result.PASSED, 7)


@pytest.mark.parametrize("media_type", ["text/html", "text/plain; charset=utf-8", "application/octet-stream"])
def test_fleets_under_another_name_than_json_are_a_warning(
    material: CredentialMaterial, mutual: ssl.SSLContext, media_type: str
) -> None:
    with serving(over_tls(mutual, answering(200, FLEETS, Content_Type=media_type))) as server:
        report = run(material, target_of(server))
    check = by_rung(report)[Rung.ANSWER]
    assert (report.result, check.code, check.result) == (Result.PASSED, "unexpected_media_type", Result.WARNING)
    assert media_type in words(check).title


@pytest.mark.parametrize(
    ("status", "body", "media_type", "rung", "code", "turn"),
    [
        (403, {"httpCode": "403", "moreInformation": "x"}, JSON, Rung.CLIENT_ID, "gateway_forbids", Turn.MAKER),
        (403, {"code": 40300, "message": "x"}, JSON, Rung.ANSWER, "application_forbids", Turn.MAKER),
        (403, b"<html>Access denied</html>", HTML, Rung.ANSWER, "forbidden_page", Turn.MAKER),
        (403, b"RBAC: access denied", "text/plain", Rung.CLIENT_ID, "forbidden", Turn.MAKER),
        (400, {"moreInformation": "No client id."}, JSON, Rung.CLIENT_ID, "client_id_missing", Turn.OPERATOR),
        (401, {"code": 40100, "message": "x"}, JSON, Rung.AUTHENTICATION, "application_unauthorised", Turn.PARTNER),
        (496, b"", HTML, Rung.CLIENT_CERTIFICATE, "client_certificate_missing_http", Turn.PARTNER),
        (404, {"code": 40499, "message": "x"}, JSON, Rung.ANSWER, "no_data", Turn.MAKER),
        (404, b"<html>", HTML, Rung.ANSWER, "wrong_address", Turn.OPERATOR),
        (200, {"httpCode": "401"}, JSON, Rung.AUTHENTICATION, "login_refused", Turn.PARTNER),
        (200, {"httpCode": "500"}, JSON, Rung.ANSWER, "server_error", Turn.MAKER),
        (500, {"code": 50000, "message": "x"}, JSON, Rung.ANSWER, "application_error", Turn.MAKER),
        (404, {"code": 40477}, JSON, Rung.ANSWER, "application_finds_nothing", Turn.MAKER),
        (400, {"code": 40000}, JSON, Rung.ANSWER, "application_refuses_request", Turn.OPERATOR),
        (302, b"", HTML, Rung.ANSWER, "redirected", Turn.OPERATOR),
        (599, b"", HTML, Rung.ANSWER, "unexpected_status", Turn.MAKER),
    ],
)  # fmt: skip
def test_each_kind_of_refusal_has_its_rung_and_whose_turn_it_is(
    material: CredentialMaterial,
    mutual: ssl.SSLContext,
    status: int,
    body: bytes | dict[str, object],
    media_type: str,
    rung: Rung,
    code: str,
    turn: Turn,
) -> None:
    with serving(over_tls(mutual, answering(status, body, Content_Type=media_type))) as server:
        check = failure(run(material, target_of(server)))
    assert (check.rung, check.code, check.turn) == (rung, code, turn)
