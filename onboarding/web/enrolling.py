"""The page on which drivers' consent is asked for: states that nobody guesses, and everything in the reader's words."""

import hmac
import secrets
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from onboarding.credentials import kit
from onboarding.credentials.environments import environment
from onboarding.credentials.models import CredentialSet
from onboarding.enrolment.models import Walk
from onboarding.enrolment.walking import RUNGS
from onboarding.fleet.checks import Check, Rung, Turn
from onboarding.oauth import authorization, messages
from onboarding.oauth import scopes as scope_words
from onboarding.oauth.scopes import SCOPES, Need
from onboarding.programmes import SANDBOX, Brand, DataItem
from onboarding.web.presenting import explain_findings, rungs_in_words, whose_turn
from onboarding.web.requests import PortalRequest

NAMED = 6
"""Data items that are named one by one; of more, how many there are besides."""


def new_state(request: PortalRequest, about: str) -> str:
    """Return a state for one attempt: 144 random bits, and a mark that binds them to this session.

    about: what else it is bound to, such as application and brand. Only letters, digits, - and _: nothing to encode.
    """
    nonce = secrets.token_urlsafe(18)
    return nonce + _mark(request, about, nonce)


def is_own_state(request: PortalRequest, about: str, state: str) -> bool:
    """Whether `new_state` made it, for this session and the same matter."""
    nonce, mark = state[:24], state[24:]
    return hmac.compare_digest(mark.encode(), _mark(request, about, nonce).encode())


def _mark(request: PortalRequest, about: str, nonce: str) -> str:
    session = request.session.session_key or ""
    return salted_hmac("onboarding.enrol.state", f"{session}|{about}|{nonce}", algorithm="sha256").hexdigest()[:32]


def own_callback() -> str:
    """Return the portal's own callback address in the sandbox, with `{application}` for the application's id."""
    placeholder = UUID(int=0)
    path = reverse("enrol_callback", args=[placeholder, SANDBOX])
    return f"{settings.PUBLIC_URL}{path}".replace(str(placeholder), "{application}")


def endpoint(held: CredentialSet, brand: Brand) -> str:
    """Return the address that drivers of a brand are sent to. Raises KeyError if the environment is not available."""
    if held.environment == SANDBOX:
        return settings.PUBLIC_URL + reverse("idp_authorize", args=[brand.id])
    where = environment(held.application.profile, held.environment)
    return authorization.authorize_url(where.token_url.format(domain=brand.domain))


def item_names(items: Iterable[DataItem]) -> str:
    """Return what some data is called."""
    some = list(items)
    names = ", ".join(_(item.label) for item in some[:NAMED])
    more = len(some) - NAMED
    return _("%(names)s and %(n)s more") % {"names": names, "n": more} if more > 0 else names


def scope_choices(needs: Iterable[Need]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Return the scopes as choices, and what each gives in words."""
    choices, gives = [], {}
    for need in needs:
        choices.append((need.scope, need.scope))
        what = _(SCOPES[need.scope]) if need.scope in SCOPES else need.scope
        gives[need.scope] = _("%(gives)s. Registered: %(items)s") % {"gives": what, "items": item_names(need.items)}
    return choices, gives


def parts(asked: authorization.Request) -> list[dict[str, str]]:
    """Return the address part by part, each explained."""
    rows = [{"name": "", "value": asked.endpoint, "text": _(authorization.EXPLAINED["endpoint"])}]
    return rows + [
        {"name": name, "value": value, "text": _(authorization.EXPLAINED[name])}
        for name, value in asked.parameters.items()
    ]


def contradictions() -> list[dict[str, str]]:
    """Return where the documents disagree, and how that is handled."""
    return [
        {"about": one.about, "title": _(one.words.title), "handled": _(one.words.remedy), "source": _(one.source)}
        for one in authorization.CONTRADICTIONS
    ]


def errors() -> list[dict[str, str]]:
    """Return the errors of OAuth, each with whose turn it is and what to do."""
    return [
        {
            "name": name,
            "title": _(error.words.title),
            "turn": whose(error.turn),
            "remedy": _(error.words.remedy),
            "source": error.source,
        }
        for name, error in messages.ERRORS.items()
    ]


def whose(turn: Turn) -> str:
    """Say whose turn it is: what is nobody's elsewhere is the driver's here."""
    return _("The driver's") if turn == Turn.NOBODY else whose_turn(turn)


def explained(findings: Iterable[Any]) -> list[dict[str, Any]]:
    """Return findings about a callback in the reader's words."""
    return explain_findings(findings, catalogue=messages.MESSAGES)


def absent(needs: Iterable[Need], missing: Iterable[str]) -> list[dict[str, str]]:
    """Return what data is absent without the scopes that were not granted."""
    lost = set(missing)
    return [{"scope": need.scope, "items": item_names(need.items)} for need in needs if need.scope in lost]


TITLES = {
    Rung.TOKEN_ENDPOINT: gettext_noop("The code is exchanged for tokens"),
    Rung.ANSWER: gettext_noop("GET /user shows the driver"),
}
"""What two rungs are called in a walk."""


def walk_ladder(walk: Walk) -> list[dict[str, Any]]:
    """Return a walk's checks in the reader's words, for the component `ladder.html`."""
    if walk.state in (Walk.State.ASKED, Walk.State.REFUSED):
        return []
    checks = [Check.from_json(row) for row in walk.checks]
    done = {check.rung for check in checks}
    ahead = [rung for rung in RUNGS if rung not in done] if walk.is_open else []
    rows = rungs_in_words(checks, ahead)
    for row, rung in zip(rows, [*(check.rung for check in checks), *ahead], strict=True):
        row["title"] = _(TITLES[Rung(rung)]) if rung in TITLES else row["title"]
    return rows


FACTS = (
    ("driver", gettext_noop("Driver")),
    ("vehicles", gettext_noop("Vehicles")),
    ("scope", gettext_noop("Scopes granted")),
    ("tls_version", gettext_noop("TLS version")),
    ("client_certificate_seen", gettext_noop("Your certificate, as the sandbox saw it")),
)


def walk_facts(walk: Walk) -> list[dict[str, Any]]:
    """Return what a walk that passed showed, for the component `summary_list.html`."""
    if walk.state != Walk.State.PASSED:
        return []
    facts = dict(walk.facts) | {"scope": ", ".join(scope_words.read(str(walk.facts.get("scope", ""))))}
    return [{"key": _(label), "value": str(facts[name])} for name, label in FACTS if facts.get(name) not in (None, "")]


def error_in_words(error: str) -> dict[str, str]:
    """Return an error of OAuth with whose turn it is; nothing where there was none."""
    if not error:
        return {}
    found = messages.ERRORS.get(error)
    if found is None:
        return {"name": error, "title": _("What came back cannot be used."), "turn": "", "remedy": _("Begin anew.")}
    words = found.words
    return {"name": error, "title": _(words.title), "turn": whose(found.turn), "remedy": _(words.remedy)}


def snippets(held: CredentialSet, brand: Brand, redirect_uri: str) -> list[dict[str, str]]:
    """Return the exchange, the first call and the refresh, filled in for one brand and callback address."""
    values = kit.values_of(held, brand, redirect_uri)
    labels = {
        "exchange-code.sh": _("curl: the code for tokens"),
        "run.sh": _("curl: the first call, GET /user, over mutual TLS"),
        "refresh-token.sh": _("curl: a new access token"),
        "enrol.py": _("Python: the code or the refresh token for tokens, and the first call"),
    }
    return [
        {
            "id": f"snippet-{number}",
            "label": label,
            "code": kit.example(name, values, certificate_file=kit.LEAF_FILE).strip(),
        }
        for number, (name, label) in enumerate(labels.items(), start=1)
    ]
