"""The address that a driver's browser is sent to."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from onboarding.oauth import authorization, scopes
from onboarding.programmes import data_items, profile

ASKED = authorization.Request(
    endpoint="https://idpcvs.peugeot.com/am/oauth2/authorize",
    client_id="it's & so # on",
    realm="clientsB2CPeugeot",
    redirect_uri="https://app.example/back?from=idp",
    scopes=("data:alert", "data:position"),
    state="s-1_x",
)


def test_what_is_sent_is_read_back_as_it_was() -> None:
    parts = urlsplit(ASKED.url)
    assert parts._replace(query="").geturl() == ASKED.endpoint
    assert dict(parse_qsl(parts.query, strict_parsing=True)) == {
        "client_id": "it's & so # on",
        "response_type": "code",
        "scope": "data:alert,data:position",
        "redirect_uri": "https://app.example/back?from=idp",
        "state": "s-1_x",
        "realm": "clientsB2CPeugeot",
    }


def test_blanks_between_scopes_are_sent_as_percent_20() -> None:
    asked = replace(ASKED, separator=" ")
    assert "scope=data%3Aalert%20data%3Aposition&" in asked.url


def test_each_parameter_is_explained() -> None:
    asked = replace(ASKED, language="fr-FR")
    assert {"endpoint", *asked.parameters} == set(authorization.EXPLAINED)


@pytest.mark.parametrize("environment", ["production", "preproduction"])
def test_drivers_are_sent_to_the_neighbour_of_the_token_endpoint(environment: str) -> None:
    token_url = profile("end_user").environments[environment].token_url.format(domain="opel.com")
    assert authorization.authorize_url(token_url).endswith(".opel.com/am/oauth2/authorize")


def test_what_is_no_token_endpoint_has_no_such_neighbour() -> None:
    with pytest.raises(ValueError, match="token endpoint"):
        authorization.authorize_url("https://idp.example/token")


def test_every_scope_of_the_catalogue_is_put_into_words() -> None:
    assert {scope for item in data_items().values() for scope in item.scopes} <= set(scopes.SCOPES)


def test_the_scopes_needed_name_what_would_be_absent_without_them() -> None:
    items = [data_items()[name] for name in ("alert_type", "alert_start_position", "vehicle_pictures")]
    needs = scopes.needed(items)
    assert {need.scope: [item.id for item in need.items] for need in needs} == {
        "data:alert": ["alert_type", "alert_start_position"],
        "data:position": ["alert_start_position"],
    }


@pytest.mark.parametrize("text", ["a,b", "a b", " a , b a", "a,,b"])
def test_scopes_are_read_however_they_are_joined(text: str) -> None:
    assert scopes.read(text) == ("a", "b")
