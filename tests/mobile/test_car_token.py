"""CarData and its signature, found in whatever the SDK's answer was pasted as."""

import pytest

from onboarding.mobile.car_token import Found, find, looks_like_json

BOTH = Found("SGVsbG8=", "V29ybGQ=")


@pytest.mark.parametrize(
    "text",
    [
        '{"carToken":{"CarData":"SGVsbG8=","CarData_signature":"V29ybGQ="},"duration":"3600"}',
        '{"CarData":"SGVsbG8=","CarData_signature":"V29ybGQ="}',
        '"CarData": "SGVsbG8=", "CarData_signature": "V29ybGQ=",',
        """{"transactionId": "7", "status": "SUCCEEDED", "result": {
            "vin": "VF3SANDBX00000001", "carToken": {"carData": "SGVsbG8=", "carData_signature": "V29ybGQ="}}}""",
        "I/PIMS: {'status': 'SUCCEEDED', 'result': {'CarData ': 'SGVsbG8=', 'CARDATA_SIGNATURE': 'V29ybGQ='}} // added",
        '{"result":"{\\"CarData\\":\\"SGVsbG8=\\",\\"CarData_signature\\":\\"V29ybGQ=\\"}"}',
        '{"carToken": {"CarData": "SGVs\nbG8=",\n "CarData_signature": "V29y\r\n  bGQ="}}',
    ],
)
def test_both_values_are_found_in_any_of_its_forms(text: str) -> None:
    assert find(text) == BOTH


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ('{"carToken":{"CarData":"SGVsbG8="}}', ("CarData_signature",)),
        ('{"carToken":{"CarData":"","CarData_signature":"V29ybGQ="}}', ("CarData",)),
        ('{"carToken":{"CarData":7,"CarData_signature":null}}', ("CarData", "CarData_signature")),
        ("not json", ("CarData", "CarData_signature")),
        ("", ("CarData", "CarData_signature")),
        ("[" * 100_000, ("CarData", "CarData_signature")),
        ('{"a":' * 5_000, ("CarData", "CarData_signature")),
    ],
)
def test_what_is_missing_is_named_whatever_was_pasted(text: str, missing: tuple[str, ...]) -> None:
    assert find(text).missing == missing


def test_two_vehicles_in_one_text_are_told_apart() -> None:
    assert find('[{"CarData":"QQ==","CarData_signature":"QQ=="},{"CarData":"Qg==","CarData_signature":"Qg=="}]').twice
    assert not find(
        '[{"CarData":"QQ==","CarData_signature":"QQ=="},{"CarData":"QQ==","CarData_signature":"QQ=="}]'
    ).twice


def test_a_value_is_not_taken_for_a_message() -> None:
    assert not looks_like_json("SGVsbG8+/w==")
    assert looks_like_json('{"CarData"')
    assert "SGVsbG8=" not in repr(BOTH)
