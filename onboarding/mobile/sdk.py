"""The SDK's calls, steps and services, one table each.

Sources are pages of the public SDK documents, by their titles: "steps" (Service Activation Steps), "enrolment" (Device
Enrollment & Account Management), "authentication" (Authentication), "otp" (OTP), "carkey" (CarKey Check), "changelog"
(API changes by version), and "reference" (the reference of each call, and the list of errors).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onboarding.findings import Word
from onboarding.findings import gettext_noop as _

Version = tuple[int, int]
OLDEST: Version = (2, 0)
NEWEST: Version = (2, 3)
VERSIONS: tuple[Version, ...] = ((2, 0), (2, 1), (2, 2), (2, 3))


def version(text: str) -> Version | None:
    """Return the version that a text names ("2.3", "2.3.1", "v2.3.X"), None if it names none."""
    numbers = text.strip().lower().lstrip("v").split(".")
    if len(numbers) < 2 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in numbers[:2]):
        return None
    return int(numbers[0]), int(numbers[1])


class Method(Word):
    """What can be done with an API of the SDK. Only get and set are part of service activation."""

    GET = "get"
    SET = "set"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class Step(Word):
    """The steps of service activation, in the order in which they are done (steps: Steps Name)."""

    TRUSTED_PHONE = "trustedPhone"
    DEVICE_ACTIVATION = "deviceActivation"
    MEDIUM_CAR_KEY = "mediumCarKey"


class StepStatus(Word):
    """Whether a step is still to do (steps: Steps Status)."""

    TODO = "todo"
    ALREADY_DONE = "alreadyDone"


class CarKeyStatus(Word):
    """The status of a CarKey (reference: get pims.vehicle.carkey)."""

    UNKNOWN = "unknown"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Service:
    """What needs the steps. gives: what it is for, a text to translate."""

    id: str
    title: str
    gives: str
    source: str = "steps: Available Services"


SERVICES: tuple[Service, ...] = (
    Service("vehicle_status", _("Vehicle status"), _("Read the vehicle: VIN, brand, energy, doors, preconditioning.")),
    Service("remote_commands", _("Remote commands"), _("Doors, horn, lights, charging and preconditioning from afar.")),
)

STEP_TITLES: Mapping[Step, str] = {
    Step.TRUSTED_PHONE: _("Trusted phone"),
    Step.DEVICE_ACTIVATION: _("Device activation"),
    Step.MEDIUM_CAR_KEY: _("CarKey"),
}

STEP_TASKS: Mapping[Step, str] = {
    Step.TRUSTED_PHONE: _("Prove a phone number with a code that comes by SMS."),
    Step.DEVICE_ACTIVATION: _("Enrol this phone with an SMS code and a PIN."),
    Step.MEDIUM_CAR_KEY: _("Prove in the car, connected by Bluetooth, that the keys are at hand."),
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """What has to be so in the car before a CarKey is activated. id: the switch of the rehearsal."""

    id: str
    title: str
    source: str = "carkey: Requirements"


CARKEY_REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement("paired", _("Your phone is connected with the vehicle by Bluetooth.")),
    Requirement("key_present", _("You have the vehicle's keys with you.")),
    Requirement("in_car", _("You sit in the vehicle, with keys and phone.")),
)


class Type(Word):
    """What a parameter is, as the SDK wants it."""

    TEXT = "text"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a call.

    one_of: the values it can have; empty: any. example: what a snippet shows where nothing is known.
    until: the last version that takes it; since: the first. platform: the only language that sends it; empty: both.
    """

    name: str
    type: Type = Type.TEXT
    required: bool = True
    one_of: tuple[str, ...] = ()
    example: str = ""
    until: Version = NEWEST
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the SDK, with what tells it from others of the same API.

    by: parameters whose value, or, where that is empty, whose presence selects it. step: the step that it is part of;
    completes: whether its success completes that step. also: a further step that it completes.
    errors: the documented error codes. since: the first version that has it.
    """

    id: str
    method: Method
    api: str
    title: str
    source: str
    by: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    errors: frozenset[int] = frozenset()
    step: Step | None = None
    completes: bool = False
    also: Step | None = None
    since: Version = OLDEST

    def takes(self, sdk: Version, platform: str = "") -> tuple[Parameter, ...]:
        """Return the parameters that this version wants, on this platform if one is named."""
        return tuple(
            one
            for one in self.parameters
            if sdk <= one.until and (not platform or not one.platform or one.platform == platform)
        )


USER_API = "pims.authentication.user"
STEPS_API = "pims.subscription.steps"
NEXT_API = "pims.subscription.step"
ACCOUNT_API = "pims.authentication.account"
PHONE_API = "pims.authentication.trustedphonenumber"
SMS_API = "pims.authentication.smscode"
ENROLMENT_API = "pims.authentication.enrollment"
PIN_API = "pims.authentication.pincode"
OTP_API = "pims.authentication.otp"
VIN_API = "pims.vehicle.vin"
CARKEY_API = "pims.vehicle.carkey"

STEPS_STATUS = ("todo", "alreadyDone", "all")

_LISTING = (
    Parameter("resetSteps", Type.BOOLEAN, example="false"),
    Parameter("stepsStatus", one_of=STEPS_STATUS, example="all"),
)
_PHONE = Parameter("phoneNumber", example="0123456789")
_SMS_CODE = Parameter("smsCode", example="")
_PIN = Parameter("pinCode", example="")

_STEPS_ERRORS = frozenset({2000, 2101, 2102, 2201, 2202, 2203, 2204})
_SMS_ASKED = frozenset({2001, 2006, 2101, 2102, 2201, 2202, 2204})
_PROVIDER = frozenset({2308, 2309, 2310, 2311, 2312, 2313, 2314, 2316, 2317})
_SMS_SENT = _SMS_ASKED | {2305, 2306} | _PROVIDER | {2344}
_ENROLMENT = frozenset({2001, 2101, 2102, 2305, 2306, 2344}) | _PROVIDER
_OTP = frozenset({2000, 2001, 2006, 2101, 2102, 2202}) | _PROVIDER
_ACCOUNT = frozenset({2001, 2101, 2102, 2344})
_CARKEY_GET = frozenset({2000, 2006, 2101, 2102, 2201, 2202, 2203, 2204})
_CARKEY_SET = frozenset({2000, 2006, 2201, 2202, 2203, 2204, 2205, 2341, 2342, 2354, 2355, 2356})


def _chosen(name: str, value: str) -> tuple[Mapping[str, str], Parameter]:
    return {name: value}, Parameter(name, one_of=(value,), example=value)


def _strong(kind: str) -> tuple[Mapping[str, str], tuple[Parameter, ...]]:
    by = {"actionType": "strong", "type": kind}
    return by, tuple(Parameter(name, one_of=(value,), example=value) for name, value in by.items())


_ACTIVATED_BY, _ACTIVATED = _strong("isDeviceActivated")
_BLOCKED_BY, _BLOCKED = _strong("isAccountBlocked")
_CERTIFICATION_BY, _CERTIFICATION = _chosen("type", "phoneNumberCertification")
_SMS_ENROL_BY, _SMS_ENROL = _chosen("type", "enrollment")
_SMS_PIN_BY, _SMS_PIN = _chosen("type", "resetPIN")
_ADD_BY, _ADD = _chosen("type", "addPhoneNumber")
_MODIFY_BY, _MODIFY = _chosen("type", "modifyPhoneNumber")
_CHECK_BY, _CHECK = _chosen("action", "enrollment")
_ENROL_BY, _ENROL = _chosen("action", "enroll")
_SHORT_BY, _SHORT = _chosen("action", "enrollWithPhoneNumber")
_REMOVE_BY, _REMOVE = _chosen("action", "remove")
_RESET_BY, _RESET = _chosen("action", "reset")
_UPDATE_BY, _UPDATE = _chosen("action", "update")
_WITH_BY, _WITH = _chosen("action", "withPIN")
_WITHOUT_BY, _WITHOUT = _chosen("action", "withoutPIN")
_LOGIN_BY, _LOGIN = _chosen("action", "login")

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "sign_in",
        Method.SET,
        USER_API,
        _("Sign in"),
        "authentication: Login",
        _LOGIN_BY,
        (_LOGIN,),
        frozenset({2000, 2001, 2101, 2102, 2202}),
    ),
    Operation(
        "steps_first",
        Method.GET,
        STEPS_API,
        _("First list of steps, by the car association"),
        "steps: First List Request",
        {"carAssociationID": ""},
        (Parameter("carAssociationID", example="987654"), *_LISTING),
        _STEPS_ERRORS,
    ),
    Operation(
        "steps_again",
        Method.GET,
        STEPS_API,
        _("Updated list of steps, by the stepsID"),
        "steps: Update the List",
        {"stepsID": ""},
        (Parameter("stepsID", example="132324"), *_LISTING),
        _STEPS_ERRORS,
    ),
    Operation(
        "steps_by_vin",
        Method.GET,
        STEPS_API,
        _("List of steps, by the VIN"),
        "reference: get pims.subscription.steps - vin",
        {"vin": ""},
        (Parameter("vin", example="VR1AB12C3D4567890"), *_LISTING),
        _STEPS_ERRORS,
    ),
    Operation(
        "next_step",
        Method.GET,
        NEXT_API,
        _("Next step"),
        "steps: Retrieve Next Step",
        {},
        (Parameter("stepsID", example="132324"),),
        frozenset({2101, 2102, 2346}),
    ),
    Operation(
        "is_device_activated",
        Method.GET,
        ACCOUNT_API,
        _("Is this phone activated?"),
        "enrolment: 1",
        _ACTIVATED_BY,
        _ACTIVATED,
        _ACCOUNT,
    ),
    Operation(
        "is_account_blocked",
        Method.GET,
        ACCOUNT_API,
        _("Is the account blocked?"),
        "enrolment: 2",
        _BLOCKED_BY,
        _BLOCKED,
        _ACCOUNT,
    ),
    Operation(
        "phone_number",
        Method.GET,
        PHONE_API,
        _("The account's trusted phone number"),
        "enrolment: 3",
        errors=frozenset({2001, 2006, 2201, 2202, 2204, 2307}),
    ),
    Operation(
        "sms_for_phone",
        Method.GET,
        SMS_API,
        _("SMS code to prove a phone number"),
        "enrolment: 4.1 and 4.2",
        _CERTIFICATION_BY,
        (_CERTIFICATION, _PHONE),
        _SMS_ASKED,
        Step.TRUSTED_PHONE,
    ),
    Operation(
        "add_phone",
        Method.SET,
        SMS_API,
        _("Register the trusted phone number"),
        "enrolment: 4.2",
        _ADD_BY,
        (_ADD, _SMS_CODE, _PHONE),
        _SMS_SENT | {2390},
        Step.TRUSTED_PHONE,
        completes=True,
    ),
    Operation(
        "modify_phone",
        Method.SET,
        SMS_API,
        _("Change the trusted phone number"),
        "enrolment: D",
        _MODIFY_BY,
        (_MODIFY, _SMS_CODE, _PHONE),
        _SMS_SENT,
    ),
    Operation(
        "sms_for_enrolment",
        Method.GET,
        SMS_API,
        _("SMS code to enrol this phone"),
        "enrolment: 5",
        _SMS_ENROL_BY,
        (_SMS_ENROL, Parameter("phoneNumber", required=False, example="0123456789")),
        _SMS_ASKED | {2307},
        Step.DEVICE_ACTIVATION,
    ),
    Operation(
        "check_sms",
        Method.SET,
        SMS_API,
        _("Send the SMS code, and learn whether there is a PIN"),
        "enrolment: 6",
        _CHECK_BY,
        (_CHECK, _SMS_CODE),
        _SMS_SENT,
        Step.DEVICE_ACTIVATION,
    ),
    Operation(
        "enrol",
        Method.SET,
        ENROLMENT_API,
        _("Enrol this phone with the PIN"),
        "enrolment: 7 and 8",
        _ENROL_BY,
        (_ENROL, _PIN, Parameter("smsCode", required=False, example="", platform="swift")),
        _ENROLMENT,
        Step.DEVICE_ACTIVATION,
        completes=True,
    ),
    Operation(
        "enrol_with_phone",
        Method.SET,
        ENROLMENT_API,
        _("Register the phone number and enrol, in one call"),
        "enrolment: 4.1",
        _SHORT_BY,
        (_SHORT, _PIN, _SMS_CODE, _PHONE),
        _ENROLMENT | {2390},
        Step.TRUSTED_PHONE,
        completes=True,
        also=Step.DEVICE_ACTIVATION,
        since=(2, 1),
    ),
    Operation(
        "remove_enrolments",
        Method.SET,
        ENROLMENT_API,
        _("Remove all enrolments of the account"),
        "enrolment: A",
        _REMOVE_BY,
        (_REMOVE,),
        _ENROLMENT | {2202, 2204},
    ),
    Operation(
        "sms_for_pin",
        Method.GET,
        SMS_API,
        _("SMS code to reset the PIN"),
        "reference: get pims.authentication.smscode - resetPIN",
        _SMS_PIN_BY,
        (_SMS_PIN,),
        _SMS_ASKED | {2307},
    ),
    Operation(
        "reset_pin",
        Method.SET,
        PIN_API,
        _("Reset the PIN"),
        "enrolment: B",
        _RESET_BY,
        (_RESET, _PIN, _SMS_CODE),
        _ENROLMENT | {2315},
    ),
    Operation(
        "update_pin",
        Method.SET,
        PIN_API,
        _("Change the PIN"),
        "enrolment: C",
        _UPDATE_BY,
        (_UPDATE, Parameter("oldPIN"), Parameter("newPIN")),
        _ENROLMENT | {2315},
    ),
    Operation(
        "otp_with_pin",
        Method.GET,
        OTP_API,
        _("One-time password, with the PIN"),
        "otp: Receive OTP code",
        _WITH_BY,
        (_WITH, _PIN),
        _OTP,
    ),
    Operation(
        "otp_without_pin",
        Method.GET,
        OTP_API,
        _("One-time password, without the PIN"),
        "reference: get pims.authentication.otp - withoutPIN",
        _WITHOUT_BY,
        (_WITHOUT,),
        _OTP,
    ),
    Operation(
        "select_vehicle",
        Method.SET,
        VIN_API,
        _("Select the vehicle"),
        "changelog: 2.3",
        {},
        (Parameter("vin", example="VR1AB12C3D4567890"),),
        frozenset({2101, 2102, 2366}),
        since=(2, 3),
    ),
    Operation(
        "carkey_status",
        Method.GET,
        CARKEY_API,
        _("Status of the CarKey"),
        "carkey: Check Carkey status",
        {},
        (Parameter("vin", example="VR1AB12C3D4567890", until=(2, 2)),),
        _CARKEY_GET,
    ),
    Operation(
        "activate_carkey",
        Method.SET,
        CARKEY_API,
        _("Activate the CarKey"),
        "carkey: Activate CarKey",
        errors=_CARKEY_SET,
        step=Step.MEDIUM_CAR_KEY,
        completes=True,
    ),
)

STEP_CALLS: Mapping[Step, tuple[str, ...]] = {
    Step.TRUSTED_PHONE: ("sms_for_phone", "add_phone"),
    Step.DEVICE_ACTIVATION: ("is_device_activated", "sms_for_enrolment", "check_sms", "enrol"),
    Step.MEDIUM_CAR_KEY: ("select_vehicle", "carkey_status", "activate_carkey"),
}
"""Which calls do a step, in their order, in the newest version."""

BY_ID: Mapping[str, Operation] = {operation.id: operation for operation in OPERATIONS}
APIS: frozenset[str] = frozenset(operation.api for operation in OPERATIONS)


def calls_of(step: Step, sdk: Version) -> tuple[Operation, ...]:
    """Return the calls that do a step, in their order, in a version of the SDK."""
    return tuple(BY_ID[one] for one in STEP_CALLS[step] if BY_ID[one].since <= sdk)


EVERYWHERE: frozenset[int] = frozenset({2000, 2001, 2002, 2003, 2004, 2006, 2301, 2302, 2344})
"""Errors that any call can end with, whether its page lists them or not (otp; reference: Errors)."""


def operation(method: str, api: str, parameters: Mapping[str, str]) -> Operation | None:
    """Return the call that these make, all in the SDK's own spelling; None if it is none of the table.

    Where the parameter that would tell is missing, the first that fits is meant, so that it can be said what is
    missing. Where its value is unknown, it is none.
    """
    best, most = None, -1
    for one in OPERATIONS:
        if one.api != api or one.method != method:
            continue
        given = [name for name in one.by if name in parameters]
        if all(not one.by[name] or parameters[name] == one.by[name] for name in given) and len(given) > most:
            best, most = one, len(given)
    if most == 0 and any(name in parameters for one in OPERATIONS if one.api == api for name in one.by):
        return None
    return best
