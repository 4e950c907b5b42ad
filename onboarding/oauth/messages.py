"""What each code of the package means, and what to do: English templates, translated where they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from onboarding.findings import Message
from onboarding.findings import gettext_noop as _
from onboarding.fleet.checks import Turn


@dataclass(frozen=True, slots=True)
class OAuthError:
    """One error of OAuth. turn: who can do something about it."""

    words: Message
    turn: Turn
    source: str


ERRORS: Mapping[str, OAuthError] = {
    "access_denied": OAuthError(
        Message(
            _("The driver refused, or closed the page."),
            _("Tell the driver what does not work without it, and offer to ask again. Do not ask again by yourself."),
        ),
        Turn.NOBODY,
        "RFC 6749, section 4.1.2.1",
    ),
    "invalid_request": OAuthError(
        Message(
            _("A parameter is missing, is there twice, or has a value that makes no sense."),
            _("Build the address again on this page, and compare it with yours, parameter by parameter."),
        ),
        Turn.PARTNER,
        "RFC 6749, section 4.1.2.1",
    ),
    "unauthorized_client": OAuthError(
        Message(
            _("This client ID may not ask for a code."),
            _("Ask the car maker whether the client ID is open for end users, and for this brand."),
        ),
        Turn.MAKER,
        "RFC 6749, section 4.1.2.1",
    ),
    "unsupported_response_type": OAuthError(
        Message(
            _("The identity provider gives no code in this way."),
            _("Send response_type=code, exactly so."),
        ),
        Turn.PARTNER,
        "RFC 6749, section 4.1.2.1",
    ),
    "invalid_scope": OAuthError(
        Message(
            _("A scope is unknown, misspelt, or not open to this application."),
            _(
                "Compare each with the list on this page. If all are right, try blanks in place of commas; then ask"
                " the car maker which scopes are registered for the client ID."
            ),
        ),
        Turn.PARTNER,
        "RFC 6749, section 4.1.2.1",
    ),
    "server_error": OAuthError(
        Message(
            _("The identity provider failed."),
            _("Let the driver try again in some minutes. If it goes on, tell the car maker when it happened."),
        ),
        Turn.MAKER,
        "RFC 6749, section 4.1.2.1",
    ),
    "temporarily_unavailable": OAuthError(
        Message(
            _("The identity provider is overloaded, or is being maintained."),
            _("Let the driver try again later; wait longer after each attempt."),
        ),
        Turn.MAKER,
        "RFC 6749, section 4.1.2.1",
    ),
    "invalid_grant": OAuthError(
        Message(
            _("The code or refresh token is not good: used, expired, revoked, or of another client or address."),
            _(
                "A code is good once, and for seconds: begin anew with the driver. Send the same redirect_uri as in the"
                " request, and look for a second exchange: a double click, a retry, a second server."
            ),
        ),
        Turn.PARTNER,
        "RFC 6749, section 5.2",
    ),
    "invalid_client": OAuthError(
        Message(
            _("The client ID or its secret is wrong, or was not sent as HTTP Basic."),
            _("Check the secret in your credentials, and that it is sent in the header, not in the form."),
        ),
        Turn.PARTNER,
        "RFC 6749, section 5.2",
    ),
    "unsupported_grant_type": OAuthError(
        Message(
            _("The token endpoint does not know this grant_type."),
            _("Send authorization_code with a code, refresh_token with a refresh token."),
        ),
        Turn.PARTNER,
        "RFC 6749, section 5.2",
    ),
}
"""The errors of the callback (section 4.1.2.1), and those that only the token endpoint answers with (section 5.2)."""

MESSAGES: Mapping[str, Message] = {
    "empty": Message(_("Nothing was given."), _("Paste the whole address that the browser came back to.")),
    "unreadable": Message(_("This cannot be read as an address."), _("Copy it again out of the browser, whole.")),
    "nothing": Message(
        _("There is neither a code nor an error in this address."),
        _("Copy it as soon as the browser comes back: many pages take the parameters away at once."),
    ),
    "bare_code": Message(
        _("This may be a code, but state and scopes are missing."),
        _("Paste the whole address: without its state nobody can tell whose code it is."),
    ),
    "is_the_request": Message(
        _("This is the address that the driver is sent to, not the one that the browser comes back to."),
        _("Open it, sign in and decide; then paste the address of the page that follows."),
    ),
    "too_many": Message(
        _("There are more than {expected} parameters in this address."), _("Paste the address of the callback alone.")
    ),
    "twice": Message(
        _("The parameter {field} is there more than once."),
        _("Refuse such a callback: it is not as the identity provider sends it (RFC 6749, section 3.1)."),
    ),
    "redirect_other": Message(
        _("The browser came back to another address than was asked for."),
        _(
            "Yours: find out which part of your application, or which proxy before it, changes the address. The"
            " exchange must name the one of the request."
        ),
    ),
    "redirect_scheme": Message(
        _("The browser came back by http where https was asked for, or the other way round."),
        _(
            "Yours: a proxy before your server ends TLS, and your server does not know. The code has passed in the"
            " clear if it was http: do not use it. Teach your server its own address."
        ),
    ),
    "redirect_slash": Message(
        _("The two addresses differ in a slash at the end."),
        _("Yours: addresses are compared character by character. Use the registered one, exactly."),
    ),
    "query_encoded": Message(
        _("The whole query is percent-encoded."),
        _("It was read decoded once. Yours: your framework or a proxy encodes the address again; take that out."),
    ),
    "doubly_encoded": Message(
        _("The value of {field} is percent-encoded twice."),
        _("Yours: something on the way encodes what is encoded already. Decode once, and find what encodes twice."),
    ),
    "in_fragment": Message(
        _("The parameters stand behind a #, which browsers never send to a server."),
        _("Ask with response_type=code and without response_mode: then they come as a query."),
    ),
    "implicit": Message(
        _("Tokens came in the address: that is the implicit grant."),
        _(
            "Do not use them: an address is kept in histories and logs. Ask with response_type=code, and fetch the"
            " tokens from your server."
        ),
    ),
    "state_equal": Message(_("The state is the one that was sent."), ""),
    "state_not_sent": Message(
        _("It is not known which state was sent, so nothing was compared."),
        _("Compare it in your application each time, before anything else."),
    ),
    "state_missing": Message(
        _("Stop: no state came back."),
        _(
            "Do not use the code. Anybody can make a driver's browser open your callback with a code of their own, and"
            " so tie their vehicle to the driver's account (cross-site request forgery). Send a state, and refuse"
            " callbacks without it."
        ),
    ),
    "state_differs": Message(
        _("Stop: another state came back than was sent."),
        _(
            "Do not use the code. Either this answer belongs to another attempt, such as an older tab; or somebody made"
            " the browser open your callback with a code of their own (cross-site request forgery). Begin anew."
        ),
    ),
    "state_encoded": Message(
        _("Stop: the state is the one that was sent only after decoding it once more."),
        _("Yours: it is encoded twice on the way. Use letters, digits, - and _ alone; compare after decoding once."),
    ),
    "code_there": Message(
        _("There is a code. It is shown masked, and not kept."),
        _("Exchange it at once, from your server: it is good once, and for a minute or less."),
    ),
    "no_code": Message(
        _("There is no code."),
        _("Begin anew. If it happens again, tell the car maker: an answer has a code or an error."),
    ),
    "code_and_error": Message(
        _("There is a code and an error."),
        _("Refuse it: an identity provider sends one or the other (RFC 6749, section 4.1.2)."),
    ),
    "description": Message(
        _("The identity provider adds: {found}"), _("Meant for developers. Do not show it to drivers as it is.")
    ),
    "scope_later": Message(
        _("The address does not say what was granted."),
        _("Read scope in the token's answer. If it is missing there, too, all was granted (RFC 6749, section 5.1)."),
    ),
    "scopes_granted": Message(_("Everything that was asked for was granted."), ""),
    "scopes_missing": Message(
        _("The driver granted less than was asked for."),
        _("What hangs on it is absent from the answers: see the table. Your application has to do without."),
    ),
    "scopes_unasked": Message(
        _("More came back than was asked for: {found}"),
        _("It may have been granted earlier. Do not use what you did not ask for."),
    ),
    "others": Message(_("Further parameters, which say nothing to us: {found}"), ""),
    "error_unknown": Message(
        _("It ended in an error that OAuth does not know: {found}"),
        _("Ask the car maker what it means, with the time at which it happened."),
    ),
    **{f"error_{name}": error.words for name, error in ERRORS.items()},
}
"""By code of the finding."""
