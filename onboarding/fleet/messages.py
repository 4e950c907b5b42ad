"""What each code of a check means, and what to do: English templates, translated
where they are shown.

Templates are `str.format` strings over the check's evidence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from onboarding.findings import Message
from onboarding.findings import gettext_noop as _
from onboarding.fleet import virtual_key_messages
from onboarding.fleet.checks import Check, Rung
from onboarding.pki import messages as pki

RUNG_TITLES: Mapping[str, str] = {
    Rung.COMPLETE: _("Everything is here"),
    Rung.KEY_PAIR: _("Key and certificate belong together"),
    Rung.CERTIFICATE: _("The certificate is good"),
    Rung.COMMON_NAME: _("The common name is your MZP"),
    Rung.PROXY: _("The proxy lets the call out"),
    Rung.NAME_RESOLUTION: _("The server's name resolves"),
    Rung.TCP_CONNECT: _("The server can be reached"),
    Rung.SERVER_TLS: _("The server proves who it is"),
    Rung.CLIENT_CERTIFICATE: _("Your certificate is let in"),
    Rung.AUTHENTICATION: _("The partner login is accepted"),
    Rung.CLIENT_ID: _("The client ID is known"),
    Rung.ANSWER: _("The API answers"),
    Rung.TOKEN_ENDPOINT: _("The token endpoint answers"),
    Rung.TOKEN: _("The answer holds a token"),
    Rung.EXPIRY: _("The token's end makes sense"),
    Rung.CAPABILITIES: _("The vehicle you named can be asked about"),
    Rung.RATE_LIMITS: _("Calls are left"),
    Rung.CLOCK: _("The clocks agree"),
}

_STATES: Mapping[str, Message] = {
    "running": Message(_("Being checked now"), ""),
    "retrying": Message(_("That failed in a way that may pass. Attempt {attempt} begins in {seconds} s"), ""),
    "not_reached": Message(_("Not checked: the run ended before anything was proven here"), ""),
}

_SUCCESSES: Mapping[str, Message] = {
    "set_complete": Message(_("The credential set has everything that this programme needs"), ""),
    "key_matches": Message(_("The private key is the one that the certificate was issued for"), ""),
    "certificate_good": Message(_("Valid until {not_valid_after}, and signed by the CA you were given"), ""),
    "common_name_is_mzp": Message(_("The certificate is made out to {found}, your partner login"), ""),
    "common_name_not_compared": Message(
        _("The certificate is made out to {found}; this set names no MZP to compare it with"), ""
    ),
    "name_resolved": Message(_("{host} is at {addresses}"), ""),
    "name_left_to_proxy": Message(_("{host} is looked up by the proxy"), ""),
    "connected": Message(_("{host} takes connections at {address}, port {port}"), ""),
    "connected_elsewhere": Message(
        _("{host} takes connections at {address}, port {port}; it could not be reached at {unreached}"), ""
    ),
    "proxy_opened": Message(_("The proxy at {proxy} lets calls to {host} out"), ""),
    "connected_through_proxy": Message(_("The proxy opened a way to {host}, port {port}"), ""),
    "server_trusted": Message(
        _("{host} speaks {tls_version}, and its certificate chains to the CA you were given"), ""
    ),
    "client_certificate_accepted": Message(_("{host} asked for your certificate and let it in"), ""),
    "login_accepted": Message(_("The MZP and its password were accepted"), ""),
    "client_id_known": Message(_("The client ID is known and may use this API"), ""),
    "fleets_listed": Message(_("The API returned your fleets: {fleets} in all, first “{first_fleet_name}”"), ""),
    "user_probe_answered": Message(
        _(
            "The API answered in its own words, with HTTP {http_status}. We take this to mean that it let the"
            " certificate in. Asked without a driver's token, it proves no more: neither the client ID, nor a right to"
            " anything"
        ),
        "",
    ),
    "driver_shown": Message(_("The API shows the account of {driver}. Vehicles in it: {vehicles}"), ""),
    "code_exchanged": Message(_("{host} gave an access token for the code. Granted: {scope}"), ""),
    "capabilities_shown": Message(
        _("The API knows the vehicle {vin} (motorization: {motorization}) and gives {data_kinds} kinds of data of it"),
        "",
    ),
    "capabilities_shown_without_token": Message(
        _(
            "The API knows the vehicle {vin} (motorization: {motorization}) and could give {data_kinds} kinds of data"
            " of it. It was asked without a driver's token, so this does not show that its driver has consented"
        ),
        "",
    ),
    "rate_limits_left": Message(_("Calls left, of those allowed: {quotas}"), ""),
    "rate_limits_not_announced": Message(_("The answer announced no rate limits"), ""),
    "clocks_agree": Message(_("The clock of {host} and ours agree, to {seconds} s"), ""),
    "clock_not_compared": Message(_("{host} did not say what time it has"), ""),
    "token_endpoint_reached": Message(_("{host} answers, and its certificate is trusted"), ""),
    "client_recognised": Message(
        _(
            "We asked with a code that cannot exist, and only the code was refused ({error}). We"
            " take this to mean that client ID and secret were recognised. It does not show that a driver can consent,"
            " nor that your redirect address is registered"
        ),
        "",
    ),
}

_WARNINGS: Mapping[str, Message] = {
    "client_certificate_not_requested": Message(
        _("{host} answered without asking for a client certificate, so yours was not put to the test"),
        _("Check that the API's address of this environment is the one for client certificates."),
    ),
    "client_certificate_left_out": Message(
        _("{host} asked for a client certificate, got none, and answered all the same"),
        _("Your certificate was not put to the test. Check that its key is of a kind that the server takes (RSA)."),
    ),
    "unexpected_media_type": Message(
        _("The answer is what we asked for, but is not called JSON: “{content_type}”"),
        _("Many programs go by the media type. Send the car maker this result."),
    ),
    "capabilities_not_open": Message(
        _("The API does not show the vehicle {vin} without a driver's token or a right of yours to it"),
        _("Nothing has to be done for this check. Ask the car maker if you expected to see this vehicle."),
    ),
    "capabilities_not_offered": Message(
        _("The API has no call that asks about a vehicle by its VIN"),
        _("Nothing has to be done for this check: that this programme has such a call is our assumption."),
    ),
    "vehicle_not_found": Message(
        _("The API does not know the vehicle {vin}, or it is not one of yours"),
        _("Check the VIN. If it is right, ask the car maker to attach the vehicle to one of your fleets."),
    ),
    "rate_limits_low": Message(
        _("Few calls are left, of those allowed: {quotas}"),
        _("Call less often until the quota refills, or ask the car maker for a larger plan."),
    ),
    "clock_behind": Message(
        _("The clock here is {seconds} s behind that of {host}"),
        _("Certificates and tokens depend on it: set this machine's clock by a time server."),
    ),
    "clock_ahead": Message(
        _("The clock here is {seconds} s ahead of that of {host}"),
        _("Certificates and tokens depend on it: set this machine's clock by a time server."),
    ),
    "no_fleets": Message(
        _("Everything was accepted, but the list of fleets is empty"),
        _("Ask the car maker to attach your fleets to this client ID."),
    ),
}

_SET: Mapping[str, Message] = {
    "set_cannot_be_opened": Message(
        _("The portal could not put this credential set together"),
        _("Nothing is wrong with your credentials. Tell the operator of this portal; their log says what is missing."),
    ),
    "certificate_revoked": Message(
        _("The certificate was revoked at {revoked_at}; no call was made with it"),
        _("Make a new key, and have a new certificate issued for it."),
    ),
    "set_incomplete": Message(_("The credential set lacks: {missing}"), _("Add what is missing, then run again.")),
    "target_incomplete": Message(
        _("This environment is not fully set up; it lacks: {missing}"),
        _("Ask the operator of this portal to complete the environment's addresses."),
    ),
    "key_unreadable": Message(
        _("The private key cannot be opened with its passphrase"),
        _("Upload the key again, as PEM, and check the passphrase."),
    ),
    "key_mismatch": Message(
        _("The private key is not the one that the certificate was issued for"),
        _("Use the key that the certificate request was made with. If it is lost, make a new key and request."),
    ),
    "key_type_mismatch": Message(
        _("The private key is of another kind than the certificate's"),
        _("Use the key that the certificate request was made with."),
    ),
    "key_too_small": Message(
        _("The key is too short to be used for TLS today"),
        _("Make a new RSA key of at least 2048 bits and a new certificate request."),
    ),
    "credential_unreadable": Message(
        _("Certificate and key cannot be loaded together"),
        _("Upload them again: the certificate first in its file, then any intermediate certificates, all as PEM."),
    ),
    "common_name_differs": Message(
        _("The certificate is made out to “{found}”, but the partner login is “{expected}”"),
        _("Use the certificate issued for {expected}, or correct the MZP of this set."),
    ),
}

_NETWORK: Mapping[str, Message] = {
    "url_invalid": Message(
        _("“{host}” cannot be called: the address is malformed, or not https"),
        _("Ask the operator of this portal to correct the address of this environment."),
    ),
    "proxy_invalid": Message(
        _("The proxy's address cannot be used"),
        _("Ask the operator of this portal to set it as http://host:port."),
    ),
    "proxy_silent": Message(
        _("The proxy took the connection, then said nothing about {host}"),
        _("Run again. If it stays so, ask the operator of the proxy."),
    ),
    "proxy_hung_up": Message(
        _("The proxy hung up when it was asked for a way to {host}"),
        _("Run again. If it stays so, ask the operator of the proxy."),
    ),
    "proxy_not_http": Message(
        _("What answers at the proxy's address is not an HTTP proxy"),
        _("Ask the operator of this portal to check the proxy's address and port."),
    ),
    "proxy_wants_login": Message(
        _("The proxy wants a login before it lets calls out"),
        _("Ask the operator of this portal to set user and password of the proxy."),
    ),
    "proxy_forbids": Message(
        _("The proxy does not allow calls to {host}"),
        _("Ask the operator of this portal to allow {host}, port {port}, in the proxy."),
    ),
    "proxy_cannot_reach": Message(
        _("The proxy could not reach {host}"),
        _("Run again in a few minutes. If it stays so, ask the operator of the proxy."),
    ),
    "proxy_refused": Message(
        _("The proxy refused to open a way to {host}"),
        _("Ask the operator of this portal to check the proxy."),
    ),
    "proxy_unreachable": Message(
        _("The proxy itself cannot be reached"),
        _("Ask the operator of this portal to check the proxy's address, and that it runs."),
    ),
    "name_unknown": Message(
        _("There is no server called {host}"),
        _("Ask the operator of this portal to check the address, and whether an internal name server is needed."),
    ),
    "name_without_address": Message(
        _("The name {host} exists, but has no address"),
        _("Ask the operator of this portal to check the address of this environment."),
    ),
    "name_unusable": Message(
        _("The name {host} leads to no address that a server can have"),
        _("A name server that blocks names answers like this. Ask the operator of this portal to have it allowed."),
    ),
    "resolver_failing": Message(
        _("The name server gave no answer about {host} just now"),
        _("Run again in a minute. If it stays so, the network's name server needs attention."),
    ),
    "resolver_failed": Message(
        _("The name server failed to look up {host}"), _("The network's name server needs attention.")
    ),
    "resolver_timeout": Message(
        _("The name server did not answer about {host} in time"),
        _("Run again in a minute. If it stays so, the network's name server needs attention."),
    ),
    "connection_refused": Message(
        _("Nothing listens at {host}, port {port}"),
        _("Check that the address and port are right and, for the sandbox, that it runs."),
    ),
    "unreachable": Message(
        _("There is no way through the network to {host}"),
        _("Check that this network may reach {host}: firewall, route, VPN."),
    ),
    "connect_timeout": Message(
        _("{host} did not answer on port {port} in time"),
        _("A firewall that drops packets looks like this: allow outgoing calls to {host}, port {port}."),
    ),
    "reset_at_connect": Message(
        _("The connection to {host} was cut as soon as it was made"),
        _("Run again. If it stays so, look for a firewall on the way."),
    ),
}

_SERVER: Mapping[str, Message] = {
    "handshake_timeout": Message(
        _("{host} took the connection, then said nothing"),
        _("Run again. If it stays so, something between here and the server holds TLS back, or the server is stuck."),
    ),
    "reset_in_handshake": Message(
        _("The connection to {host} was cut while encryption was being set up"),
        _("Run again. If it stays so, look for a firewall that inspects TLS."),
    ),
    "closed_in_handshake": Message(
        _("{host} hung up while encryption was being set up, before it asked for a certificate"),
        _("Run again. If it stays so, look for a firewall that inspects TLS, and check the address."),
    ),
    "not_tls": Message(
        _("What answers at {host}, port {port}, does not speak TLS"),
        _("Check the port: plain HTTP or another service listens there."),
    ),
    "plain_http_to_tls": Message(
        _("{host} passed the call on without TLS to something that wants it"),
        _("Nothing is wrong on your side: what stands behind {host} is set up wrong. Send the car maker this result."),
    ),
    "tls_version_mismatch": Message(
        _("{host} offers no version of TLS from 1.2 on"),
        _("Older versions are unsafe and not used here. Ask the car maker which versions it offers."),
    ),
    "no_common_cipher": Message(
        _("{host} takes none of the ciphers, curves and signatures that were offered, and ended the handshake"),
        _("Send the car maker this result and ask which TLS versions and ciphers it offers."),
    ),
    "server_name_refused": Message(
        _("The server does not know itself by the name {host}"),
        _("Check the API's address of this environment."),
    ),
    "handshake_denied": Message(
        _("{host}, or something before it, denied access before it had seen your certificate"),
        _("A firewall that lets in known addresses only looks like this: tell the car maker the one you call from."),
    ),
    "handshake_broken": Message(
        _("{host} broke off the handshake before it had seen your certificate"),
        _("Run again, then send the car maker this result."),
    ),
    "server_public_ca": Message(
        _("{host} shows a certificate of a public CA ({server_issuer}), not of the CA you were given"),
        _("Only the CA of this set is trusted. Check that address and CA certificate belong to the same environment."),
    ),
    "server_ca_namesake": Message(
        _("{host} shows a certificate of a CA that is called like the one you were given, but has another key"),
        _("The CA was most likely renewed under its old name. Ask the car maker for its present CA certificate."),
    ),
    "server_chain_incomplete": Message(
        _("{host} shows its own certificate alone, and nothing that leads from its issuer to the CA you were given"),
        _(
            "Its issuer is {server_issuer}. If that is an intermediate of your CA, the server has to send it: tell the"
            " car maker. Otherwise the CA certificate of this set belongs to another server."
        ),
    ),
    "server_self_signed": Message(
        _("{host} shows a self-signed certificate, not one of the CA you were given"),
        _("Check that the CA certificate of this set is the right one, and that no proxy intercepts TLS."),
    ),
    "server_unknown_root": Message(
        _("The certificate of {host} chains to a root that is not the CA you were given"),
        _("Check the CA certificate of this set. A company proxy that intercepts TLS also looks like this."),
    ),
    "server_unknown_ca": Message(
        _("The certificate of {host} was not issued by the CA it has to come from, or an intermediate is missing"),
        _("Check that the CA certificate is the one that belongs to this server. Only that CA is trusted here."),
    ),
    "ca_is_intermediate": Message(
        _("The CA certificate of this set is an intermediate; its root is missing"),
        _("Add the root certificate to the CA file."),
    ),
    "server_not_yet_valid": Message(
        _("The certificate of {host}, or of its CA, is not valid yet"),
        _("Check this machine's clock. If it is right, tell the car maker."),
    ),
    "server_expired": Message(
        _("The certificate of {host}, or of its CA, has expired"),
        _("Check this machine's clock. If it is right, tell the car maker, or use a newer CA certificate."),
    ),
    "server_wrong_name": Message(
        _("The server at {address} shows a certificate that is not for {host}"),
        _("Check the API's address of this environment: name and certificate must agree."),
    ),
    "server_wrong_purpose": Message(
        _("The certificate of {host} is not meant for servers"),
        _("Tell the car maker; nothing can be done here."),
    ),
    "server_weak": Message(
        _("The certificate of {host} is too weak to be trusted"),
        _("Tell the car maker; nothing can be done here."),
    ),
    "server_ca_invalid": Message(
        _("The certificate of {host} was issued by something that may not issue certificates"),
        _("Check the CA certificate of this set, then ask the car maker."),
    ),
    "server_revoked": Message(_("The certificate of {host} has been revoked"), _("Tell the car maker.")),
    "server_crl_missing": Message(
        _("The list of revoked certificates for {host} is missing or out of date"),
        _("Ask the operator of this portal to renew it."),
    ),
    "server_certificate_malformed": Message(
        _("The certificate of {host} does not follow the standard, or its signature is wrong"),
        _("Send the car maker this result."),
    ),
    "server_untrusted": Message(
        _("The certificate of {host} cannot be trusted: {verify_message}"),
        _("Send the car maker this result."),
    ),
}

_CLIENT: Mapping[str, Message] = {
    "client_certificate_not_sent": Message(
        _("{host} wants a client certificate, and none reached it"),
        _("Check that certificate and key are of a kind that the server takes (RSA), then run again."),
    ),
    "client_chain_unverified": Message(
        _("{host} names the CA of your certificate among those it takes, but could not verify yours"),
        _(
            "Send the car maker this result: its revocation list may be missing, your chain may be longer than it"
            " allows, or its CA may be another of the same name."
        ),
    ),
    "client_ca_unknown": Message(
        _("{host} does not know the CA that signed your certificate"),
        _(
            "Check that the certificate was issued for this environment, and add intermediate"
            " certificates if you got"
            " any."
        ),
    ),
    "client_certificate_expired": Message(
        _("{host} says that your certificate has expired"),
        _(
            "If its dates are right, the server's own revocation list may have expired: send the car"
            " maker this result."
            " Otherwise renew the certificate."
        ),
    ),
    "client_certificate_bad": Message(
        _("{host} refused your certificate as bad: not yet valid, or too weak"),
        _("Check its dates and key. If they are right, send the car maker this result."),
    ),
    "client_certificate_revoked": Message(
        _("{host} says that your certificate has been revoked"),
        _("Ask the car maker why, and request a new certificate."),
    ),
    "client_certificate_unsupported": Message(
        _("{host} refused your certificate: it is not made for what it is used for"),
        _("Ask the issuer for a certificate that permits client authentication."),
    ),
    "client_certificate_unknown": Message(
        _("{host} refused your certificate and gave no closer reason"),
        _("Send the car maker the certificate's serial number and this result."),
    ),
    "client_access_denied": Message(
        _("{host} knows your certificate, but does not let it in"),
        _("Ask the car maker to admit this certificate in this environment."),
    ),
    "client_signature_refused": Message(
        _("{host} could not verify that you hold the certificate's key"),
        _("Use the key that the certificate request was made with."),
    ),
    "client_handshake_broken": Message(
        _("{host} got your certificate and then broke off with an internal fault"),
        _("Run again, then send the car maker the certificate's serial number and this result."),
    ),
    "client_handshake_failure": Message(
        _("{host} asked for your certificate and then ended the handshake without a closer reason"),
        _("Most often the certificate is not accepted. Send the car maker its serial number and this result."),
    ),
    "closed_at_offer": Message(
        _("{host} asked for your certificate and then hung up without a word"),
        _("Run again. If it stays so, send the car maker the certificate's serial number and this result."),
    ),
    "closed_without_reason": Message(
        _("{host} closed the connection after the handshake without saying why"),
        _("Run again. If it stays so, send the car maker this result; nothing here says what is wrong."),
    ),
    "reset_without_reason": Message(
        _("The connection to {host} was cut after the handshake without a reason"),
        _("Run again. If it stays so, send the car maker this result; a firewall can also look like this."),
    ),
    "client_certificate_missing_http": Message(
        _("{host} says that it received no client certificate"),
        _("Check that nothing between here and the server ends TLS, then run again."),
    ),
    "client_certificate_refused_http": Message(
        _("{host} refused the client certificate"),
        _("Check that this certificate was issued for this client ID and environment; if so, ask the car maker."),
    ),
}

_ANSWERS: Mapping[str, Message] = {
    "answer_timeout": Message(
        _("{host} took the request and did not answer in time"), _("Run again in a few minutes.")
    ),
    "answer_stalled": Message(_("The answer of {host} came too slowly to wait for"), _("Run again in a few minutes.")),
    "answer_cut_off": Message(_("The answer of {host} broke off in the middle"), _("Run again.")),
    "answer_garbled": Message(_("The answer of {host} could not be unpacked"), _("Send the car maker this result.")),
    "answer_too_large": Message(
        _("The answer of {host} is far larger than any expected one, and was not read"),
        _("Check the API's address of this environment."),
    ),
    "headers_too_large": Message(
        _("{host} sent more around its answer than any API does, and it was not read"),
        _("Send the car maker this result."),
    ),
    "not_http": Message(
        _("What answers at {host}, port {port}, does not speak HTTP"), _("Check the address and the port.")
    ),
    "client_id_missing": Message(
        _("The API did not receive the client ID"),
        _("Ask the operator of this portal: this is not your mistake."),
    ),
    "client_not_subscribed": Message(
        _("The client ID is known, but not subscribed to a plan of this API"),
        _("Ask the car maker to subscribe the client ID to a plan."),
    ),
    "client_id_refused": Message(
        _("The gateway does not accept the client ID"),
        _("Check the client ID for typing mistakes and that it belongs to this environment."),
    ),
    "login_refused": Message(
        _("The MZP and its password were not accepted (HTTP 401)"),
        _("Check MZP and password of this environment. We do not try again by ourselves, so that nothing gets locked."),
    ),
    "application_unauthorised": Message(
        _("The application did not accept the login (HTTP 401)"),
        _("Check MZP and password of this environment."),
    ),
    "gateway_forbids": Message(
        _("The gateway does not allow this client to use the API (HTTP 403)"),
        _("Ask the car maker what this client ID is allowed to use."),
    ),
    "forbidden_page": Message(
        _("{host} answered with a web page that forbids the call (HTTP 403), before the API saw it"),
        _("A firewall before the API looks like this. Send the car maker this result, with the address you call from."),
    ),
    "forbidden": Message(
        _("{host} does not allow this call (HTTP 403)"),
        _("Ask the car maker what this client ID is allowed to use."),
    ),
    "application_forbids": Message(
        _("You are let in, but may not see this data (HTTP 403)"),
        _("Ask the car maker which fleets and vehicles belong to this client ID."),
    ),
    "no_status": Message(_("There is no status for this vehicle (code 40400)"), _("Check the vehicle.")),
    "no_vehicle": Message(
        _("Everything was accepted, but no vehicle was found (code 40410)"),
        _("Ask the car maker to attach vehicles to your fleets."),
    ),
    "no_data": Message(
        _("Everything was accepted, but there is no data for you yet (code 40499)"),
        _("Ask the car maker to attach your fleets to this client ID."),
    ),
    "vin_lookup_failed": Message(
        _("The car maker's lookup of the account's vehicles failed (code 50038)"),
        _("Run again in a few minutes."),
    ),
    "application_refuses_request": Message(
        _("The application found the request wrong (code {code})"),
        _("Ask the operator of this portal: this is not your mistake."),
    ),
    "application_finds_nothing": Message(
        _("The application found nothing to return (code {code})"), _("Send the car maker this result.")
    ),
    "application_error": Message(
        _("The application failed (code {code})"),
        _("Run again. If it stays so, send the car maker this result."),
    ),
    "bad_request": Message(
        _("{host} found the request wrong (HTTP 400)"),
        _("Ask the operator of this portal: this is not your mistake."),
    ),
    "wrong_address": Message(
        _("There is no such API at {host} (HTTP {http_status})"),
        _("Check the API's address of this environment."),
    ),
    "not_acceptable": Message(
        _("{host} has no answer in a form we asked for (HTTP 406)"), _("Ask the operator of this portal.")
    ),
    "network_wants_login": Message(
        _("Something between here and {host} wants a login before it lets calls through (HTTP {http_status})"),
        _("Ask the operator of this portal to have calls to {host} let through, or to set the proxy."),
    ),
    "misdirected": Message(
        _("What answers at {host} does not serve that name (HTTP 421)"),
        _("Check the API's address of this environment."),
    ),
    "request_timeout": Message(_("{host} gave up waiting for the request (HTTP 408)"), _("Run again.")),
    "rate_limited": Message(
        _("Too many calls: the quota of this client ID is used up (HTTP 429)"),
        _("Wait before you run again, or ask the car maker for a larger plan."),
    ),
    "server_error": Message(
        _("{host} failed (HTTP 500)"), _("Run again. If it stays so, send the car maker this result.")
    ),
    "bad_gateway": Message(
        _("The car maker's gateway is there, but not what stands behind it (HTTP 502)"),
        _("Nothing is wrong on your side. Run again later."),
    ),
    "unavailable": Message(
        _("{host} is not available just now (HTTP 503)"), _("Nothing is wrong on your side. Run again later.")
    ),
    "gateway_timeout": Message(
        _("The car maker's gateway got no answer in time from what stands behind it (HTTP 504)"),
        _("Nothing is wrong on your side. Run again later."),
    ),
    "redirected": Message(
        _("{host} sends us elsewhere (HTTP {http_status})"),
        _("Credentials are never sent after a redirect. Check the API's address of this environment."),
    ),
    "empty_answer": Message(_("{host} gave an empty answer"), _("Send the car maker this result.")),
    "html_answer": Message(
        _("{host} answered with a web page instead of data"),
        _("Check the API's address of this environment; a proxy's login page also looks like this."),
    ),
    "not_utf8": Message(
        _("The answer of {host} is JSON, but not in UTF-8, as it has to be"), _("Send the car maker this result.")
    ),
    "not_json": Message(_("The answer of {host} is not JSON"), _("Send the car maker this result.")),
    "wrong_shape": Message(
        _("The answer of {host} is JSON, but not what this call returns"),
        _("Check that the address is that of this programme's API, then send the car maker this result."),
    ),
    "access_token_refused": Message(
        _("{host} did not accept the driver's access token (HTTP {http_status})"),
        _("Check that x-introspect-realm is the realm of the driver's brand, and that the token has not expired."),
    ),
    "code_refused": Message(
        _("{host} did not exchange the code"),
        _("A code is good once, and for seconds. Begin anew, and send the redirect_uri of the request."),
    ),
    "no_access_token": Message(_("{host} answered without an access token"), _("Send the car maker this result.")),
    "unexpected_status": Message(
        _("{host} answered with HTTP {http_status}, which we did not expect"),
        _("Send the car maker this result."),
    ),
    "unknown": Message(
        _("The call failed in a way we do not know"),
        _("The details are below. Send them to the operator of this portal."),
    ),
}

_TOKEN: Mapping[str, Message] = {
    "client_unrecognised": Message(
        _("The token endpoint did not recognise the client ID with its secret ({error})"),
        _("Check client ID and secret, and that they belong to this environment and brand."),
    ),
    "grant_not_allowed": Message(
        _("The client may not ask for tokens in this way ({error})"),
        _("Ask the car maker to allow the authorisation-code grant for this client ID."),
    ),
    "invalid_grant": Message(_("The authorisation code was refused ({error})"), ""),
    "token_request_refused": Message(
        _("The token endpoint found the request wrong ({error}), so nothing is proven about the client"),
        _("Ask the operator of this portal to check the token endpoint's address."),
    ),
    "token_endpoint_failing": Message(
        _("The token endpoint is failing just now ({error})"), _("Run again in a few minutes.")
    ),
    "token_ca_unreadable": Message(
        _("The CA certificate that belongs to the token endpoint cannot be read"),
        _("Ask the operator of this portal to set it again, as PEM."),
    ),
    "token_answer_unexpected": Message(
        _("{host} accepted a code that cannot exist, so its answer proves nothing"),
        _("Ask the operator of this portal to check the token endpoint's address."),
    ),
}

MESSAGES: dict[str, Message] = {
    **_STATES,
    **_SUCCESSES,
    **_WARNINGS,
    **_SET,
    **_NETWORK,
    **_SERVER,
    **_CLIENT,
    **_ANSWERS,
    **_TOKEN,
    **virtual_key_messages.MESSAGES,
    # What checking the certificate itself finds.
    **{f"pki_{code}": message for code, message in pki.MESSAGES.items()},
}


@dataclass(frozen=True, slots=True)
class Words:
    """A check in one language. remedy: empty where there is nothing to do; command: a shell command that mends it."""

    rung: str
    title: str
    remedy: str
    command: str = ""


WAIT = _("The server asks to wait {retry_after} s first.")
UNCERTAIN = _(
    "A token may have been granted all the same, which nobody received: so the request is not sent again by itself. "
    "Asking anew does no harm, and gives another token."
)
NOT_NAMED = _("The server names the CAs whose certificates it takes, and yours ({issuer}) is not among them.")


class _Evidence(dict[str, str | int]):
    """Evidence that a run of an older version did not gather shows as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def words(check: Check, translate: Callable[[str], str] = str) -> Words:
    """Put a check into words. `translate` is gettext, or the identity for English.

    Raises KeyError for a code that has no message: a mistake of ours, found by a test.
    """
    message = MESSAGES[check.code]
    evidence = _Evidence(check.evidence)

    def fill(template: str) -> str:
        return translate(template).format_map(evidence) if template else ""

    remedy = fill(message.remedy)
    if remedy and "retry_after" in check.evidence:
        remedy = f"{remedy} {fill(WAIT)}"
    if remedy and check.evidence.get("uncertain") == "yes":
        remedy = f"{remedy} {fill(UNCERTAIN)}"
    if remedy and check.evidence.get("issuer_named") == "no":
        remedy = f"{remedy} {fill(NOT_NAMED)}"
    return Words(translate(RUNG_TITLES[check.rung]), fill(message.title), remedy, message.command.format_map(evidence))
