"""What the codes of a request for a virtual-key token mean, as `onboarding.fleet.messages` has it of all others."""

from collections.abc import Mapping

from onboarding.findings import Message
from onboarding.findings import gettext_noop as _

_SEND = _("Use the token, if it works for you, and send the car maker this result.")
_AGAIN = _("Ask again once. If it stays so, send the car maker this result.")

MESSAGES: Mapping[str, Message] = {
    "virtual_key_answered": Message(_("{host} carried the request out (HTTP {http_status})"), ""),
    "virtual_key_read": Message(_("A token of the type {token_type}, with a signature"), ""),
    "virtual_key_expiry_read": Message(_("It is good until {expires}, as long as you asked for"), ""),
    # Refusals
    "virtual_key_request_refused": Message(
        _("The API refuses what was asked for (HTTP {http_status}); no token was granted"),
        _(
            "Most often CarData and its signature are not of one answer, or are too old: add the vehicle in the SDK "
            "again, and paste both values from that answer. Then check the duration: {asked_seconds} s were asked for."
        ),
    ),
    "virtual_key_not_allowed": Message(
        _("Your client ID may not ask for virtual-key tokens (HTTP 403)"),
        _(
            "Ask the car maker to open virtual keys to this client ID. Other calls may work meanwhile: it is a right "
            "of its own."
        ),
    ),
    "virtual_key_vehicle_forbidden": Message(
        _("You are let in, but may not have a token for this vehicle (HTTP 403)"),
        _(
            "Ask the car maker whether the vehicle belongs to a fleet of this client ID, and whether it takes virtual "
            "keys."
        ),
    ),
    "virtual_key_not_offered": Message(
        _("{host} has no such request (HTTP {http_status})"),
        _(
            "The car maker published it until December 2019, and may offer it elsewhere now, or to some partners only. "
            "Send this result, and ask where virtual-key tokens are granted."
        ),
    ),
    "virtual_key_vehicle_unknown": Message(
        _("The API does not find the vehicle that the CarData is of (HTTP {http_status})"),
        _(
            "Check that the CarData is of this environment and brand: one environment knows nothing of another's "
            "vehicles. Add the vehicle in the SDK again, and paste both values anew."
        ),
    ),
    # Answers that hold no token
    "virtual_key_of_other_shape": Message(
        _("The answer of {host} is JSON, but not what this request returns"),
        _("Send the car maker this result. Check first that the address is that of the fleet owners' API."),
    ),
    "virtual_key_missing": Message(_("The answer of {host} is good, and holds no token"), _AGAIN),
    "virtual_key_unreadable": Message(_("The token of {host} is no text, so that nothing can be done with it"), _AGAIN),
    # Answers with a token, and something odd about them
    "virtual_key_flattened": Message(
        _("The token is there, but its fields are not inside “token”, where the documents' example has them"),
        _("Use the token. Let your own program read both shapes: the documents' example and table differ in this."),
    ),
    "virtual_key_of_other_type": Message(
        _("The token is of the type “{token_type}”, where “bearer” is documented"), _SEND
    ),
    "virtual_key_without_type": Message(_("The token does not say of what type it is; “bearer” is documented"), _SEND),
    "virtual_key_unsigned": Message(
        _("The token has no signature; the documents have one"),
        _("The SDK may refuse a token that it cannot check. If it does, send the car maker this result."),
    ),
    "virtual_key_expired": Message(
        _("The token ended at {expires}, before it came"),
        _("Look at the check of the clocks: if they agree, the token is of no use, and the car maker has to mend it."),
    ),
    "virtual_key_expiry_missing": Message(
        _("The answer does not say until when the token is good"),
        _("Expect no more than the {asked_seconds} s that were asked for, and send the car maker this result."),
    ),
    "virtual_key_expiry_unreadable": Message(
        _("The answer says until when the token is good in a form that cannot be read"),
        _("Expect no more than the {asked_seconds} s that were asked for, and send the car maker this result."),
    ),
    "virtual_key_expiries_differ": Message(
        _("The answer names two ends of the token that differ; the earlier one is {expires}"),
        _("Count on the earlier one. Compare the clocks, then send the car maker this result."),
    ),
    "virtual_key_of_other_duration": Message(
        _("The token is good until {expires}, which is not the {asked_seconds} s that were asked for"),
        _("Go by the end that the answer names: the car maker may grant less, or more, than it was asked for."),
    ),
    "virtual_key_expiry_once": Message(
        _("The token is good until {expires}; the answer says so once, where the documents have it twice"),
        _("Nothing has to be done. Let your own program do with either of “expires” and “expires_in”."),
    ),
    # Of our own
    "virtual_key_unknown_end": Message(
        _("The request was interrupted on our side after it had gone out"),
        _("It is not sent again by itself. Ask anew if you need a token."),
    ),
}
"""By code; templates over the check's evidence."""
