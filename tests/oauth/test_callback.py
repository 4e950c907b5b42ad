"""The address that a driver's browser came back to: what is found in it, and what is never shown."""

import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.findings import Finding, Severity, explain
from onboarding.fleet.checks import Turn
from onboarding.oauth import callback
from onboarding.oauth.messages import ERRORS, MESSAGES

BACK = "https://app.example/back"
CODE = "marker-of-the-code-Zx81qpTT"
STATE = "state-1_x"
SENT = callback.Sent(BACK, STATE, ("data:alert", "data:position"))


def read(text: str, **options: str) -> callback.Callback:
    return callback.read(text, SENT, **options)


def codes(back: callback.Callback) -> set[str]:
    return {one.code for one in back.findings}


@pytest.mark.parametrize(
    "text",
    [
        f"{BACK}?code={CODE}&state={STATE}&scope=data%3Aalert%2Cdata%3Aposition",
        f"?code={CODE}&state={STATE}&scope=data:alert+data:position",
        f"code={CODE}&state={STATE}&scope=data:position data:alert",
        f"  <{BACK}?state={STATE}&code={CODE}&scope=data%3Aalert%20data%3Aposition#>  ",
    ],
)
def test_a_good_callback_may_go_on(text: str) -> None:
    back = read(text)
    assert codes(back) == {"state_equal", "code_there", "scopes_granted"}
    assert back.may_go_on
    assert back.code == CODE


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"code={CODE}", "state_missing"),
        (f"code={CODE}&state=", "state_missing"),
        (f"code={CODE}&state=another", "state_differs"),
        (f"code={CODE}&state={STATE}&state={STATE}", "twice"),
        (f"code={CODE}&code=x&state={STATE}", "twice"),
        (f"code={CODE}&error=access_denied&state={STATE}", "code_and_error"),
        (f"state={STATE}", "no_code"),
        (f"code=&state={STATE}", "no_code"),
        ("utm=1", "nothing"),
        ("client_id=c&response_type=code&scope=x", "is_the_request"),
        ("&".join(f"a{number}=1" for number in range(callback.MAX_FIELDS + 1)), "too_many"),
    ],
)
def test_what_is_not_in_order_is_named_and_the_code_not_used(query: str, found: str) -> None:
    back = read(f"{BACK}?{query}")
    assert found in codes(back)
    assert not back.may_go_on


def test_a_state_that_was_encoded_twice_is_told_from_a_foreign_one() -> None:
    sent = callback.Sent(BACK, "a/b", ())
    assert "state_encoded" in codes(callback.read(f"code={CODE}&state=a%252Fb", sent))
    assert "state_equal" in codes(callback.read(f"code={CODE}&state=a%2Fb", sent))


def test_without_the_state_that_was_sent_nothing_is_compared_and_that_is_said() -> None:
    back = callback.read(f"code={CODE}&state=x", callback.Sent(BACK, "", ()))
    assert "state_not_sent" in codes(back)
    assert back.may_go_on


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("http://app.example/back", "redirect_scheme"),
        ("http://app.example/back/", "redirect_scheme"),
        ("https://app.example/back/", "redirect_slash"),
        ("https://app.example/elsewhere", "redirect_other"),
        ("com.example:/back", "redirect_other"),
        ("https://app.example:8443/back", "redirect_other"),
        ("https://evil.example/back", "redirect_other"),
    ],
)
def test_another_address_than_the_registered_one_is_named(address: str, found: str) -> None:
    assert found in codes(read(f"{address}?code={CODE}&state={STATE}"))


def test_a_code_that_came_in_the_clear_is_not_used() -> None:
    assert not read(f"http://app.example/back?code={CODE}&state={STATE}").may_go_on


def test_an_apps_own_scheme_is_an_address_too() -> None:
    sent = callback.Sent("com.example.app:/back", STATE, ())
    assert codes(callback.read(f"com.example.app:/back?code={CODE}&state={STATE}", sent)) == {
        "state_equal", "code_there", "scope_later",
    }  # fmt: skip


def test_parameters_of_the_registered_address_itself_are_no_strangers() -> None:
    sent = callback.Sent(f"{BACK}?tenant=7", STATE, ())
    assert "others" not in codes(callback.read(f"{BACK}?tenant=7&code={CODE}&state={STATE}", sent))
    assert "others" in codes(callback.read(f"{BACK}?tenant=7&code={CODE}&state={STATE}&iss=x", sent))


def test_tokens_in_a_fragment_are_the_implicit_grant() -> None:
    back = read(f"{BACK}#access_token={CODE}&state={STATE}")
    assert "implicit" in codes(back)
    assert not back.may_go_on
    assert CODE not in back.shown


def test_a_code_in_a_fragment_never_reaches_a_server() -> None:
    assert "in_fragment" in codes(read(f"{BACK}#code={CODE}&state={STATE}"))


def test_a_query_that_was_encoded_as_a_whole_is_read_and_said_to_be() -> None:
    back = read(quote(f"code={CODE}&state={STATE}", safe=""))
    assert {"query_encoded", "state_equal", "code_there"} <= codes(back)
    assert CODE not in back.shown


def test_a_code_alone_is_not_enough() -> None:
    back = read(CODE)
    assert codes(back) == {"bare_code"}
    assert CODE not in back.shown


@pytest.mark.parametrize("error", ERRORS)
def test_each_error_of_oauth_is_explained_with_whose_turn_it_is(error: str) -> None:
    back = read(f"{BACK}?error={error}&error_description=because&state={STATE}")
    assert back.error == error
    assert {f"error_{error}", "description"} <= codes(back)
    assert isinstance(ERRORS[error].turn, Turn)


def test_an_error_that_nobody_knows_is_shown_and_not_believed() -> None:
    back = read(f"{BACK}?error=%1b[31moops&state={STATE}")
    assert back.error == "unknown"
    (shown,) = (one.found for one in back.findings if one.code == "error_unknown")
    assert shown == " [31moops"


def test_scopes_that_were_not_granted_are_named() -> None:
    back = read(f"{BACK}?code={CODE}&state={STATE}&scope=data:alert")
    assert back.missing == ("data:position",)
    assert back.may_go_on


def test_the_tokens_answer_has_the_last_word_on_scopes() -> None:
    back = read(f"{BACK}?code={CODE}&state={STATE}", granted="data:position,extra")
    assert back.missing == ("data:alert",)
    assert "scopes_unasked" in codes(back)


def test_every_message_can_be_filled_and_none_is_left_over() -> None:
    for code in MESSAGES:
        words = explain(Finding(code, Severity.NOTE, "state", "found", "expected"), MESSAGES)
        assert words.title
        for text in (words.title, words.remedy):
            assert not [name for _, name, _, _ in string.Formatter().parse(text) if name]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | st.text(alphabet="code=&?#%23DAstate:/.", max_size=120))
def test_whatever_is_pasted_is_read_without_failing(text: str) -> None:
    back = read(text)
    assert back.findings
    for one in back.findings:
        explain(one, MESSAGES)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["code", "access_token", "refresh_token", "id_token"]),
    st.text(alphabet=string.ascii_letters + string.digits + "-._~", min_size=17, max_size=60),
    st.sampled_from(["?", "#", BACK + "?", BACK + "#", "x=1&", "#a=b&"]),
)
def test_no_code_and_no_token_is_shown_again(name: str, secret: str, before: str) -> None:
    for text in (f"{before}{name}={secret}&state={STATE}", quote(f"{name}={secret}&state=1", safe="")):
        back = read(text)
        assert secret not in back.shown
        assert secret not in repr(back)
