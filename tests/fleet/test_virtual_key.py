"""A virtual-key token: the request as another server records it, each answer explained, and nothing sent twice."""

import base64
import json
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.fleet import virtual_key
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.client import Answer
from onboarding.fleet.messages import MESSAGES, words
from onboarding.fleet.portal_material import PortalChecks
from onboarding.fleet.retry import Policy
from onboarding.fleet.target import CredentialMaterial, Target
from onboarding.fleet.virtual_key import Asked, BadBase64, NoToken, Obtained, Token, obtain, read, read_base64
from tests.fleet.conftest import MZP, PASSWORD
from tests.fleet.servers import Server, answering, over_tls, replying, reset, serving

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
CAR_DATA, SIGNATURE, TOKEN = "c2VjcmV0LWNhci1kYXRh", "c2VjcmV0LXNpZ25hdHVyZQ==", "VGhpcyBpcyBhIHNlY3JldCB0b2tlbg=="
ASKED = Asked(CAR_DATA, SIGNATURE, 3600)
GOOD = {
    "token": {
        "access_token": TOKEN,
        "expires": "2030-01-01T13:00:00Z",
        "expires_in": "3600",
        "token_type": "bearer",
    },
    "token_signature": "VGhpcyB0b2tlbiBpcyB2YWxpZCA7KQ==",
}


def now_good() -> dict[str, object]:
    """Return a good answer of this moment."""
    at = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return GOOD | {"token": GOOD["token"] | {"expires": at}}  # type: ignore[operator]


def asked(material: CredentialMaterial, server: Server, **more: object) -> Obtained:
    given = {"policy": Policy(attempts=3, first_wait=0.01), "deadline": 20.0} | more
    target = Target(f"{server.url}/connectedcar/v3/")
    return obtain(material, target, ASKED, checks=PortalChecks, now=datetime.now(UTC), **given)  # type: ignore[arg-type]


def worst(obtained: Obtained) -> Check:
    """Return the check that a reader looks at first."""
    for result in (Result.FAILED, Result.WARNING):
        for check in obtained.report.checks:
            if check.result == result:
                return check
    return next(check for check in obtained.report.checks if check.rung == Rung.TOKEN)


# --- The request ----------------------------------------------------------------------------------------------


def test_another_server_records_exactly_what_the_documents_show(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    odd = replace(material, client_id="client 7&é")
    with serving(over_tls(mutual, answering(200, now_good()))) as server:
        got = asked(odd, server)
    assert len(server.requests) == 1
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    line, *fields = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    path = "/connectedcar/v3/fleets/virtualkey/smartaccess/token?client_id=client+7%26%C3%A9"
    assert line == f"POST {path} HTTP/1.1"
    assert body == (
        b'{"carToken":{"CarData":"c2VjcmV0LWNhci1kYXRh","CarData_signature":"c2VjcmV0LXNpZ25hdHVyZQ=="},'
        b'"duration":"3600"}'
    )
    assert headers == {
        "host": f"localhost:{server.port}",
        "accept": "application/json",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "authorization": "Basic " + base64.b64encode(f"{MZP}:{PASSWORD}".encode()).decode(),
        "accept-encoding": "identity",
        "user-agent": "fleet-onboarding",
    }
    assert got.report.result == Result.PASSED
    assert got.token is not None
    assert got.token.value == TOKEN


def test_without_a_client_certificate_that_is_taken_nothing_is_sent(
    stranger: object, material: CredentialMaterial, other_ca: object, mutual: ssl.SSLContext
) -> None:
    from tests.fleet.conftest import chain_pem, encrypted

    other = replace(material, certificate_pem=chain_pem(stranger), key_pem=encrypted(stranger))  # type: ignore[arg-type]
    with serving(over_tls(mutual, answering(200, now_good()))) as server:
        got = asked(other, server)
    assert (got.token, server.requests, got.is_uncertain) == (None, [], False)


# --- Once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="hangs up"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", id="cut off"),
        *(
            pytest.param(
                f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n".encode(), id=str(status)
            )
            for status in (408, 429, 500, 502, 503, 504)
        ),
    ],
)
def test_what_may_have_arrived_is_never_sent_again(
    raw: bytes, material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    with serving(over_tls(mutual, replying(raw))) as server:
        got = asked(material, server)
    assert (len(server.requests), server.connections) == (1, 1)
    assert got.token is None
    assert got.is_uncertain is (b" 429 " not in raw)
    said = words(next(check for check in got.report.checks if check.result == Result.FAILED))
    assert ("may have been granted all the same" in said.remedy) is got.is_uncertain


def test_what_cannot_have_arrived_is_tried_again(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    def at_the_second_time(server: Server, connection: object) -> None:
        if server.connections == 1:
            reset(connection)  # type: ignore[arg-type]
        else:
            over_tls(mutual, answering(200, now_good()))(server, connection)

    sent: list[int] = []
    with serving(at_the_second_time) as server:
        got = asked(material, server, on_request=lambda: sent.append(1))
    assert (got.report.result, len(server.requests), sent) == (Result.PASSED, 1, [1])


def test_what_is_told_before_the_request_goes_out_can_keep_it_back(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    class TakenOver(Exception):
        pass

    def refuse() -> None:
        raise TakenOver

    with serving(over_tls(mutual, answering(200, now_good()))) as server, pytest.raises(TakenOver):
        asked(material, server, on_request=refuse)
    assert b"".join(server.requests) == b""


# --- Refusals -------------------------------------------------------------------------------------------------

APPLICATION = {"uuid": "u", "message": "because", "timestamp": "2030-01-01T12:00:00Z"}


def gateway(status: int) -> dict[str, str]:
    return {"httpCode": str(status), "httpMessage": "No", "moreInformation": "because"}


@pytest.mark.parametrize(
    ("status", "body", "rung", "code", "turn"),
    [
        (400, gateway(400), Rung.ANSWER, "virtual_key_request_refused", Turn.PARTNER),
        (400, APPLICATION | {"code": 40000}, Rung.ANSWER, "virtual_key_request_refused", Turn.PARTNER),
        (401, gateway(401), Rung.AUTHENTICATION, "login_refused", Turn.PARTNER),
        (403, gateway(403), Rung.CLIENT_ID, "virtual_key_not_allowed", Turn.MAKER),
        (403, APPLICATION | {"code": 40300}, Rung.ANSWER, "virtual_key_vehicle_forbidden", Turn.MAKER),
        (404, gateway(404), Rung.ANSWER, "virtual_key_not_offered", Turn.MAKER),
        (404, APPLICATION | {"code": 40499}, Rung.ANSWER, "virtual_key_vehicle_unknown", Turn.PARTNER),
        (408, b"", Rung.ANSWER, "request_timeout", Turn.MAKER),
        (429, gateway(429), Rung.ANSWER, "rate_limited", Turn.PARTNER),
        (500, APPLICATION | {"code": 50000}, Rung.ANSWER, "application_error", Turn.MAKER),
        (500, b"<html>no", Rung.ANSWER, "server_error", Turn.MAKER),
        (502, b"<html>no", Rung.ANSWER, "bad_gateway", Turn.MAKER),
        (503, b"", Rung.ANSWER, "unavailable", Turn.MAKER),
        (504, b"", Rung.ANSWER, "gateway_timeout", Turn.MAKER),
        (302, b"", Rung.ANSWER, "redirected", Turn.OPERATOR),
        (418, b"", Rung.ANSWER, "unexpected_status", Turn.MAKER),
        (200, b"", Rung.ANSWER, "empty_answer", Turn.MAKER),
        (200, b"<html>log in", Rung.ANSWER, "html_answer", Turn.OPERATOR),
        (200, b'{"token": {"access_token": "' + TOKEN.encode(), Rung.ANSWER, "not_json", Turn.MAKER),
        (200, b"[1]", Rung.ANSWER, "virtual_key_of_other_shape", Turn.MAKER),
        (200, b"{}", Rung.TOKEN, "virtual_key_missing", Turn.MAKER),
    ],
)
def test_each_documented_status_and_each_bad_answer_says_why_whose_turn_it_is_and_what_to_do(
    status: int,
    body: bytes,
    rung: Rung,
    code: str,
    turn: Turn,
    material: CredentialMaterial,
    mutual: ssl.SSLContext,
) -> None:
    headers = {"Location": "/login"} if status == 302 else {}
    with serving(over_tls(mutual, answering(status, body, **headers))) as server:
        got = asked(material, server)
    check = worst(got)
    assert (check.rung, check.code, check.turn, got.token) == (rung, code, turn, None)
    assert words(check).title
    assert words(check).remedy
    assert "–" not in words(check).title
    assert len(server.requests) == 1


def test_no_check_shows_what_was_sent_or_what_came(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    """Cut off, echoed, or in a page: where an answer is no good, its text could hold the token."""
    unseen = "Zm9v" * 20
    bodies: list[bytes] = [
        b'{"token": {"access_token": "' + TOKEN.encode() + b'", "token_signature": "c2ln" ',
        b"<html>" + TOKEN.encode() + b" for " + CAR_DATA.encode() + b" " + unseen.encode(),
        json.dumps(APPLICATION | {"code": 40000, "message": f"bad CarData {CAR_DATA} / {SIGNATURE}"}).encode(),
        b"access_token=" + TOKEN.encode() + b" " + SIGNATURE.encode(),
    ]
    for body in bodies:
        for status in (200, 400, 500):
            with serving(over_tls(mutual, answering(status, body))) as server:
                got = asked(material, server)
            shown = json.dumps([check.to_json() for check in got.report.checks]) + json.dumps(dict(got.report.facts))
            hidden = [CAR_DATA, SIGNATURE, unseen, PASSWORD]
            hidden += [TOKEN] if status == 200 or b"<html>" not in body else []
            assert not [text for text in hidden if text.rstrip("=") in shown], (body, status)
    for text in (repr(ASKED), repr(read(Answer(200, {}, json.dumps(GOOD).encode()), ASKED, NOW))):
        assert not [secret for secret in (CAR_DATA, SIGNATURE, TOKEN) if secret in text]


# --- The answer -----------------------------------------------------------------------------------------------


def with_token(**fields: object) -> dict[str, object]:
    token = {name: value for name, value in (GOOD["token"] | fields).items() if value is not None}  # type: ignore[operator]
    return GOOD | {"token": token}


def answered(content: object) -> Token:
    return read(Answer(200, {}, json.dumps(content).encode()), ASKED, NOW)


def test_the_documents_example_is_read_without_a_remark() -> None:
    token = answered(GOOD)
    assert (token.value, token.kind, token.remarks) == (TOKEN, "bearer", ())
    assert token.expires == NOW + timedelta(hours=1)
    assert token.signature == GOOD["token_signature"]


@pytest.mark.parametrize(
    "content",
    [
        with_token(token_type="Bearer"),
        with_token(expires_in=3600),
        with_token(expires_in=3600.0),
        with_token(expires="2030-01-01T14:00:00+01:00"),
        with_token(expires="2030-01-01T13:00:00.123Z"),
        with_token(access_token="1f0e8a4c-5f7b-4c0e-9d3a-2b6c1d4e5f60"),
        with_token(new_field={"x": 1}),
    ],
)
def test_what_the_documents_write_in_two_ways_is_taken_in_either(content: object) -> None:
    assert answered(content).remarks == ()


@pytest.mark.parametrize(
    ("content", "remarks"),
    [
        ({**GOOD["token"], "token_signature": "c2ln"}, ["virtual_key_flattened"]),  # type: ignore[dict-item]
        ({**GOOD["token"], "token": TOKEN, "access_token": None, "token_signature": "c2ln"}, None),  # type: ignore[dict-item]
        (with_token(token_type=None), ["virtual_key_without_type"]),
        (with_token(token_type="mac"), ["virtual_key_of_other_type"]),
        (with_token(token_type=7), ["virtual_key_of_other_type"]),
        ({"token": GOOD["token"]}, ["virtual_key_unsigned"]),
        (GOOD | {"token_signature": 3}, ["virtual_key_unsigned"]),
        (with_token(expires=None, expires_in=None), ["virtual_key_expiry_missing"]),
        (with_token(expires="soon", expires_in="an hour"), ["virtual_key_expiry_unreadable"]),
        (with_token(expires=True, expires_in=True), ["virtual_key_expiry_unreadable"]),
        (with_token(expires=None), ["virtual_key_expiry_once"]),
        (with_token(expires_in=None), ["virtual_key_expiry_once"]),
        (with_token(expires="2029-12-31T12:00:00Z", expires_in="-86400"), ["virtual_key_expired"]),
        (with_token(expires="2029-12-31T12:00:00Z"), ["virtual_key_expired", "virtual_key_expiries_differ"]),
        (with_token(expires="2030-01-02T12:00:00Z"), ["virtual_key_expiries_differ"]),
        (with_token(expires="2030-01-01T12:10:00Z", expires_in="600"), ["virtual_key_of_other_duration"]),
        (with_token(expires="9999-12-31T23:59:59-23:00", expires_in="3600"), ["virtual_key_expiry_unreadable"]),
        (with_token(expires_in="9" * 400), ["virtual_key_expiry_unreadable"]),
        (with_token(expires_in=float("1e300")), ["virtual_key_expiry_unreadable"]),
    ],
)
def test_an_odd_answer_gives_its_token_and_says_what_is_odd(content: object, remarks: list[str] | None) -> None:
    if remarks is None:
        with pytest.raises(NoToken):
            answered(content)
        return
    token = answered(content)
    assert (token.value, list(token.remarks)) == (TOKEN, remarks)


def test_of_two_ends_the_earlier_one_counts() -> None:
    assert answered(with_token(expires="2030-01-02T12:00:00Z")).expires == NOW + timedelta(hours=1)
    assert answered(with_token(expires_in="86400")).expires == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([], "virtual_key_of_other_shape"),
        (7, "virtual_key_of_other_shape"),
        ({}, "virtual_key_missing"),
        ({"token": 7}, "virtual_key_of_other_shape"),
        ({"token": []}, "virtual_key_of_other_shape"),
        ({"token": {}}, "virtual_key_missing"),
        (with_token(access_token=""), "virtual_key_missing"),
        (with_token(access_token="  "), "virtual_key_unreadable"),
        (with_token(access_token=12), "virtual_key_unreadable"),
        (with_token(access_token={"a": 1}), "virtual_key_unreadable"),
        (with_token(access_token="a\u0000b"), "virtual_key_unreadable"),
    ],
)
def test_an_answer_without_a_token_is_none(content: object, code: str) -> None:
    with pytest.raises(NoToken) as refused:
        answered(content)
    assert refused.value.code == code


def test_every_code_has_words_and_a_rung() -> None:
    assert MESSAGES.keys() >= virtual_key.CODES
    for code in virtual_key.CODES - {"virtual_key_read", "virtual_key_expiry_read"}:
        assert MESSAGES[code].remedy


def test_a_token_that_is_called_something_else_than_json_is_handed_over_with_a_warning(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    body = json.dumps(now_good()).encode()
    with serving(over_tls(mutual, answering(200, body, Content_Type="text/plain"))) as server:
        got = asked(material, server)
    assert (worst(got).code, got.report.result) == ("unexpected_media_type", Result.PASSED)
    assert got.token is not None


# --- What is pasted -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["SGVsbG8=", " SGVs\r\nbG8=\n", '"SGVsbG8="', "\tSGVs bG8= "])
def test_line_breaks_and_blanks_inside_base64_are_taken_out(text: str) -> None:
    assert read_base64(text) == "SGVsbG8="


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ('""', "empty"),
        ("A" * 16_388, "too_long"),
        ("A" * 100_000, "too_long"),
        ("SGVs-G8_", "url_safe"),
        ("SGVs*bG8=", "characters"),
        ("SGVsbG8é", "characters"),
        ("SGVs\u200bbG8=", "characters"),
        ("SGVsbG8", "cut_off"),
        ("SGVsbG8==", "cut_off"),
        ("====", "cut_off"),
        ("S", "cut_off"),
    ],
)
def test_what_the_sdk_cannot_have_handed_out_is_named(text: str, code: str) -> None:
    with pytest.raises(BadBase64) as refused:
        read_base64(text)
    assert refused.value.code == code
