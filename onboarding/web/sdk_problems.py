"""What the rehearsals' API says when it cannot do what was asked: problem details (RFC 9457), with what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from onboarding.activation import rehearsing, worlds
from onboarding.mobile.rehearsal import MAX_DEVICES, TooMany
from onboarding.mobile.sdk import BY_ID
from onboarding.mobile.situations import NotYet

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. status: of HTTP; what, remedy: texts to translate; retry_after: seconds, 0 for none."""

    status: int
    what: str
    remedy: str
    retry_after: int = 0


KINDS: Mapping[str, Kind] = {
    "token_missing": Kind(
        401,
        _("No token came with the request."),
        _("Send the header “Authorization: Bearer …” with the token that the rehearsal's page has shown."),
    ),
    "token_wrong": Kind(
        401,
        _("No rehearsal has this token."),
        _("Make a new token on the rehearsal's page; the one before ends with it."),
    ),
    "not_found": Kind(
        404,
        _("This token opens no rehearsal at this address."),
        _("Take the address from the page that has shown the token."),
    ),
    "method_not_allowed": Kind(
        405, _("This address does not take {method}."), _("Use {wanted}; openapi.json has every address.")
    ),
    "length_missing": Kind(
        411, _("The body came in pieces of unknown length."), _("Send it whole, with the header “Content-Length”.")
    ),
    "too_large": Kind(413, _("More than {most} bytes came."), _("Send one call at a time.")),
    "not_json_type": Kind(
        415, _("The body is not said to be JSON."), _("Send the header “Content-Type: application/json”.")
    ),
    "not_json": Kind(400, _("The body is no JSON object: {why}."), _("Send one JSON object in UTF-8.")),
    "field_missing": Kind(422, _("“{field}” is missing."), _("Add it: {wanted}.")),
    "field_wrong": Kind(422, _("“{field}” cannot have this value."), _("Send {wanted}.")),
    "field_unknown": Kind(422, _("There is no “{field}” here."), _("Leave it out, or use one of these: {wanted}.")),
    "text_too_long": Kind(
        422, _("A text is too long, or there are too many parameters."), _("No parameter of the SDK is that long.")
    ),
    "too_many_phones": Kind(
        409, _("The rehearsal has no room for a further phone: {most} are the most."), _("Use one of its phones.")
    ),
    "not_yet": Kind(
        409,
        _("Something has to be done before: “{title}”."),
        _("Make the call under “needs” on the phone, then ask again."),
    ),
    "log_full": Kind(
        409, _("{most} calls were made, and a rehearsal keeps no more."), _("Take the trace along, then reset.")
    ),
    "too_far_ahead": Kind(
        422, _("The clock of a rehearsal cannot be put ahead so far."), _("Wait for less, or reset.")
    ),
    "unreadable": Kind(409, _("What is kept of this rehearsal is of another version of the portal."), _("Reset it.")),
    "too_much": Kind(409, _("More was done in this rehearsal than is kept."), _("Reset it.")),
    "busy": Kind(503, _("Too many calls came at the same time."), _("Send it again."), 1),
    "too_many_requests": Kind(
        429, _("More than {most} requests came within a minute."), _("Wait, then send it again."), 60
    ),
}


class Problem(Exception):
    """A request that cannot be done. code: of `KINDS`; params: what fills its words; more: further members."""

    def __init__(self, code: str, more: Mapping[str, Any] | None = None, **params: str | int) -> None:
        super().__init__(code)
        self.code, self.params, self.more = code, params, more or {}

    @property
    def kind(self) -> Kind:
        """Which kind it is."""
        return KINDS[self.code]

    def words(self) -> dict[str, str]:
        """Return what is the matter, and what to do, in the active language."""
        kind = self.kind
        return {
            "what": gettext(kind.what).format(**self.params),
            "remedy": gettext(kind.remedy).format(**self.params),
        }

    def answer(self) -> HttpResponse:
        """Return it as an answer, in the language that the request asks for."""
        kind, words = self.kind, self.words()
        body = {
            "type": f"{reverse('sdk_openapi')}#{self.code}",
            "title": words["what"],
            "status": kind.status,
            "code": self.code,
            **words,
            **self.more,
        }
        response = JsonResponse(body, status=kind.status, content_type=MEDIA_TYPE)
        if kind.status == 401:
            response["WWW-Authenticate"] = 'Bearer realm="rehearsal"'
        if kind.retry_after:
            response["Retry-After"] = str(kind.retry_after)
        return response


def problem_of(error: Exception) -> Problem | None:
    """Return the problem that an error of a rehearsal is, None for an error that is none of these."""
    match error:
        case Problem():
            return error
        case TooMany() if error.args == ("phones",):
            return Problem("too_many_phones", most=MAX_DEVICES)
        case TooMany():
            return Problem("text_too_long")
        case NotYet():
            operation = BY_ID[error.needs]
            return Problem("not_yet", {"needs": error.needs}, title=gettext(operation.title))
        case rehearsing.LogFull():
            return Problem("log_full", most=rehearsing.MAX_CALLS)
        case rehearsing.TooFarAhead():
            return Problem("too_far_ahead")
        case rehearsing.Busy():
            return Problem("busy")
        case rehearsing.Gone():
            return Problem("not_found")
        case worlds.Unreadable():
            return Problem("unreadable")
        case worlds.TooLarge():
            return Problem("too_much")
    return None


ERRORS = (
    Problem,
    TooMany,
    NotYet,
    rehearsing.LogFull,
    rehearsing.TooFarAhead,
    rehearsing.Busy,
    rehearsing.Gone,
    worlds.Unreadable,
    worlds.TooLarge,
)
"""What `problem_of` knows."""
