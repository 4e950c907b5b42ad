"""The SDK's error codes: what each means, who can do something about it, and what.

Labels and numbers are those of the SDK's list of errors ("reference: Errors"); what to do is what the page named beside
each says, or follows from the meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from onboarding.findings import Word
from onboarding.findings import gettext_noop as _


class Handling(Word):
    """What an app does after an error, before it makes the same call again.

    retry: wait, and call again. change: the call is wrong; the same one fails again. person: ask the person for
    something. reset: list the steps with resetSteps, then call once more. pin: ask for an OTP with the PIN first.
    sms: ask for a new SMS code first. phone: register a phone number first. sign_in: sign in first. remove: remove all
    enrolments and begin anew. listing: list the steps by carAssociationID first. done: nothing; it is so already.
    set_up: the app or its configuration is wrong; no call helps.
    """

    RETRY = "retry"
    CHANGE = "change"
    PERSON = "person"
    RESET = "reset"
    PIN = "pin"
    SMS = "sms"
    PHONE = "phone"
    SIGN_IN = "sign_in"
    REMOVE = "remove"
    LISTING = "listing"
    DONE = "done"
    SET_UP = "set_up"


@dataclass(frozen=True, slots=True)
class SdkError:
    """One error code. label: what the SDK says, as documented. title, remedy: texts to translate.

    next: the call to make next, by its id; empty where it is the same call again, or none.
    """

    number: int
    label: str
    handling: Handling
    title: str
    remedy: str
    next: str = ""
    source: str = "reference: Errors"


_PROVIDER = _("Wait a moment and try again. If it stays so, send the car maker the code and the time.")

ERRORS: tuple[SdkError, ...] = (
    SdkError(
        2000,
        "Unknown error",
        Handling.RETRY,
        _("Something failed that the SDK has no name for."),
        _("Try again. If it stays so, send the car maker the transactionId and the time."),
    ),
    SdkError(
        2001,
        "Facade not initialized",
        Handling.SET_UP,
        _("The SDK was called before it was initialised."),
        _("Initialise the SDK when your app starts, and call afterwards."),
    ),
    SdkError(
        2002,
        "API not supported",
        Handling.CHANGE,
        _("This SDK has no such call."),
        _("Check the name of the API for blanks and spelling, and that your SDK version has it."),
    ),
    SdkError(
        2003,
        "Component not loaded",
        Handling.SET_UP,
        _("The component that the call belongs to is not part of your app."),
        _("Add the component to your app's configuration of the SDK."),
    ),
    SdkError(
        2004,
        "Configuration file invalid",
        Handling.SET_UP,
        _("The SDK cannot read its configuration file."),
        _("Replace the configuration file by the one that the car maker gave you."),
    ),
    SdkError(
        2005,
        "Duplicate command",
        Handling.DONE,
        _("The app has subscribed to this already."),
        _("Keep the first subscription, or unsubscribe before you subscribe again."),
    ),
    SdkError(
        2006,
        "Core not well configured",
        Handling.SET_UP,
        _("The SDK's core is not configured for this call."),
        _("Check the configuration that the SDK is initialised with: environment, brand, credentials."),
    ),
    SdkError(
        2101,
        "Missing parameter",
        Handling.CHANGE,
        _("A parameter is missing from the call."),
        _("Add the parameter that the label names. Making the same call again fails again."),
    ),
    SdkError(
        2102,
        "Invalid parameter",
        Handling.CHANGE,
        _("A parameter of the call is wrong."),
        _("Correct the parameter that the label names. Making the same call again fails again."),
    ),
    SdkError(
        2201,
        "Timeout",
        Handling.RETRY,
        _("No answer came in time."),
        _("Try again, after a growing pause."),
    ),
    SdkError(
        2202,
        "Network problem",
        Handling.RETRY,
        _("The phone has no internet connection."),
        _("Tell the person, and try again once the phone is online."),
    ),
    SdkError(
        2203,
        "Invalid return",
        Handling.RETRY,
        _("The SDK could not read what the server answered."),
        _("Try again. If it stays so, send the car maker the transactionId and the time."),
    ),
    SdkError(
        2204,
        "Server error",
        Handling.RETRY,
        _("The car maker's server failed."),
        _("Try again, after a growing pause. A suberror, if there is one, says more."),
    ),
    SdkError(
        2205,
        "CEA error",
        Handling.RETRY,
        _("The connection with the vehicle failed."),
        _("Stay in the car with the ignition on, and try again."),
    ),
    SdkError(
        2301,
        "Need basic authentication",
        Handling.SIGN_IN,
        _("Nobody is signed in."),
        _("Let the person sign in with e-mail and password, then make the call again."),
        "sign_in",
        "steps: Security",
    ),
    SdkError(
        2302,
        "Need strong authentication",
        Handling.PIN,
        _("The call needs a one-time password."),
        _("Ask for the PIN, get an OTP with it (withPIN), then make the same call again."),
        "otp_with_pin",
        "otp: When should I request an OTP?",
    ),
    SdkError(
        2305,
        "SMS code invalid",
        Handling.PERSON,
        _("The SMS code is wrong."),
        _("Let the person type it again; codes are text, of any length, and can begin with 0."),
        source="enrolment: 4.2",
    ),
    SdkError(
        2306,
        "SMS code expired",
        Handling.SMS,
        _("The SMS code is too old."),
        _("Ask for a new SMS code, and send that one."),
        "sms_for_phone",
        "enrolment: 4.2",
    ),
    SdkError(
        2307,
        "No phone number",
        Handling.PHONE,
        _("The account has no trusted phone number."),
        _("Register one: SMS code to the phone, then add the number."),
        "sms_for_phone",
        "enrolment: 3",
    ),
    SdkError(
        2308,
        "inwebo: access refused",
        Handling.PERSON,
        _("The provider of one-time passwords refused access; most often the PIN is wrong."),
        _("Let the person type the PIN again, or reset it. Too many wrong ones block the account."),
        "sms_for_pin",
        "enrolment: 8",
    ),
    SdkError(
        2309,
        "inwebo: version error",
        Handling.RETRY,
        _("The provider of one-time passwords does not take this version."),
        _PROVIDER,
    ),
    SdkError(
        2310,
        "inwebo: account is blocked",
        Handling.REMOVE,
        _("The account is blocked."),
        _("Remove all enrolments, and begin the enrolment anew."),
        "remove_enrolments",
        "enrolment: 2",
    ),
    SdkError(
        2311,
        "inwebo: internal state not correct",
        Handling.RETRY,
        _("The provider of one-time passwords is in a wrong state."),
        _PROVIDER,
    ),
    SdkError(
        2312,
        "inwebo: device is disabled or unknown",
        Handling.RESET,
        _("This phone is disabled, or not known, at the provider of one-time passwords."),
        _("List the steps with resetSteps true, do what is to do, then try the OTP once more."),
        "steps_again",
        "steps: Cache",
    ),
    SdkError(
        2313,
        "inwebo: activation needed first",
        Handling.RETRY,
        _("The provider of one-time passwords wants an activation first."),
        _PROVIDER,
    ),
    SdkError(
        2314,
        "inwebo: no service available",
        Handling.RETRY,
        _("The provider of one-time passwords has no service for this account."),
        _PROVIDER,
    ),
    SdkError(
        2315,
        "inwebo: new password equals the previous one",
        Handling.CHANGE,
        _("The new PIN is the old one."),
        _("Let the person choose another PIN."),
        source="enrolment: C",
    ),
    SdkError(
        2316,
        "inwebo: post-synchronisation failed",
        Handling.RETRY,
        _("It was done, but the provider of one-time passwords could not synchronise afterwards."),
        _PROVIDER,
    ),
    SdkError(
        2317,
        "inwebo: forbidden operation",
        Handling.RESET,
        _("The provider of one-time passwords forbids this in the phone's present state."),
        _(
            "After an OTP: list the steps with resetSteps true, then try once more. After an enrolment: remove all "
            "enrolments, and begin anew."
        ),
        "steps_again",
        "steps: Cache; enrolment: 8",
    ),
    SdkError(
        2341,
        "Location or Bluetooth need to be activated on the phone",
        Handling.PERSON,
        _("Location or Bluetooth is switched off on the phone."),
        _("Ask the person to switch both on, then activate again."),
        source="carkey: Requirements",
    ),
    SdkError(
        2342,
        "Smartphone not paired with the vehicle",
        Handling.PERSON,
        _("The phone is not paired with the vehicle."),
        _("Ask the person to pair phone and vehicle by Bluetooth, then activate again."),
        source="carkey: Requirements",
    ),
    SdkError(
        2344,
        "Component not configured",
        Handling.SET_UP,
        _("The component that the call belongs to is not configured."),
        _("Configure the component before you call it."),
    ),
    SdkError(
        2346,
        "No step for this stepsID",
        Handling.LISTING,
        _("The SDK knows no list of steps with this stepsID on this phone."),
        _("List the steps by carAssociationID on this phone; each phone has a stepsID of its own."),
        "steps_first",
        "steps: Update the List",
    ),
    SdkError(
        2354,
        "Invalid key car position",
        Handling.PERSON,
        _("The key is not where it has to be."),
        _("Ask the person to sit in the vehicle with key and phone, then activate again."),
        source="carkey: Requirements",
    ),
    SdkError(
        2355,
        "Invalid signature",
        Handling.RETRY,
        _("The vehicle's signature is not valid."),
        _("Try again in the car. If it stays so, send the car maker the transactionId and the time."),
    ),
    SdkError(
        2356,
        "Invalid timestamp",
        Handling.PERSON,
        _("The time of the phone, or of the vehicle, is wrong."),
        _("Ask the person to let the phone set its time by itself, then activate again."),
    ),
    SdkError(
        2366,
        "VIN not valid for this request",
        Handling.CHANGE,
        _("The VIN cannot be used for this call."),
        _("Check that the vehicle belongs to this account, and that the VIN has 17 characters."),
    ),
    SdkError(
        2390,
        "Phone number already registered",
        Handling.DONE,
        _("A phone number is registered already."),
        _("Go on with the SMS code for the enrolment; the short way by phone number is closed then."),
        "sms_for_enrolment",
        "enrolment: Enrollment Process",
    ),
)

BY_NUMBER: Mapping[int, SdkError] = {error.number: error for error in ERRORS}


def code(number: int) -> str:
    """Return the code of the message that words an error of the SDK."""
    return f"sdk_{number}"
