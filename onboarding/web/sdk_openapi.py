"""The rehearsals' API, described for programs: OpenAPI 3.1, made of the same tables that the API goes by."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from onboarding.activation import rehearsing
from onboarding.mobile.errors import ERRORS
from onboarding.mobile.rehearsal import MAX_TEXT
from onboarding.mobile.sdk import OPERATIONS, CarKeyStatus, Method, Step, StepStatus
from onboarding.mobile.situations import SITUATIONS
from onboarding.web.sdk_bodies import MAX_PARAMETERS
from onboarding.web.sdk_problems import KINDS, MEDIA_TYPE

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_DEVICE: Schema = {
    "type": "string",
    "maxLength": 32,
    "description": "A phone's name. A new name adds a phone.",
    "examples": [rehearsing.FIRST_PHONE],
}
_NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_NULLABLE_INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Mapping[str, Schema], required: Iterable[str] | None = None, **more: Any) -> Schema:
    wanted = list(properties if required is None else required)
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return schema | ({"required": wanted} if wanted else {}) | more


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _switches(names: Iterable[str]) -> Schema:
    return _object({name: {"type": "boolean"} for name in names}, required=())


def _call_schema() -> Schema:
    documented = ", ".join(sorted({f"{one.method} {one.api}" for one in OPERATIONS}))
    value = {"type": ["string", "integer", "boolean", "null"], "maxLength": MAX_TEXT}
    return _object(
        {
            "device": _DEVICE,
            "method": {"type": "string", "enum": [str(one) for one in Method]},
            "api": _TEXT | {"description": f"The API, as your app writes it. Documented are: {documented}."},
            "parameters": {
                "type": "object",
                "maxProperties": MAX_PARAMETERS,
                "additionalProperties": value,
                "description": "The parameters, as your app sends them.",
            },
        },
        required=("method", "api"),
    )


def _message_schema() -> Schema:
    return {
        "type": "object",
        "description": "The message that the SDK hands to the app.",
        "required": ["transactionId", "status"],
        "properties": {
            "transactionId": {"type": "string"},
            "status": {"type": "string", "enum": ["SUCCEEDED", "FAILED"]},
            "result": {"description": "As in the SDK's documents; null where there is nothing to say."},
            "error": {
                "type": "object",
                "required": ["code", "label"],
                "properties": {"code": {"type": "integer"}, "label": {"type": "string"}},
            },
        },
    }


def _state_schema() -> Schema:
    step = _object(
        {
            "name": {"type": "string", "enum": [str(one) for one in Step]},
            "status": {
                "type": ["string", "null"],
                "enum": [*(str(one) for one in StepStatus), None],
                "description": "As this phone has been told; null: it has not.",
            },
        }
    )
    phone = _object(
        {
            "name": _DEVICE,
            "switches": _switches(rehearsing.PHONE_SWITCHES),
            "activated": {"type": "boolean"},
            "steps_id": _NULLABLE_TEXT,
            "steps": {"type": "array", "items": step},
            "next_call": {
                "anyOf": [_ref("Call"), {"type": "null"}],
                "description": "The call that the phone had best make next, filled in; null where all is done.",
            },
        }
    )
    account = _object(
        {
            "car_association_id": {"type": "string"},
            "vin": {"type": "string"},
            "trusted_phone": _NULLABLE_TEXT,
            "pin_set": {"type": "boolean"},
            "blocked": {"type": "boolean"},
            "carkey": {"type": "string", "enum": [str(one) for one in CarKeyStatus]},
            "max_reactivation_date": _NULLABLE_INSTANT,
        }
    )
    sms = _object(
        {
            "to": {"type": "string"},
            "code": {"type": "string"},
            "purpose": {"type": "string", "enum": ["phone", "enrolment", "pin"]},
            "at": _INSTANT,
        }
    )
    return _object(
        {
            "id": {"type": "string", "format": "uuid"},
            "name": {"type": "string"},
            "sdk": {"type": "string"},
            "now": _INSTANT | {"description": "What time it is in the rehearsal."},
            "ahead_seconds": {"type": "integer"},
            "calls": {"type": "integer"},
            "calls_left": {"type": "integer"},
            "kept_until": _NULLABLE_INSTANT,
            "next_error": {"type": ["integer", "null"]},
            "account": account,
            "core": _switches(rehearsing.CORE_SWITCHES),
            "phones": {"type": "array", "items": phone},
            "inbox": {"type": "array", "items": sms},
        }
    )


def _provocation_schema() -> Schema:
    number = _object({"number": {"type": "integer", "enum": [one.number for one in ERRORS]}})
    situation = _object(
        {"situation": {"type": "string", "enum": [one.id for one in SITUATIONS]}, "device": _DEVICE},
        required=("situation",),
    )
    return {"oneOf": [number, situation]}


def _problem_schema() -> Schema:
    return {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "code", "what", "remedy"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": list(KINDS)},
            "what": {"type": "string", "description": "What is the matter."},
            "remedy": {"type": "string", "description": "What to do."},
            "needs": {"type": "string", "description": "With not_yet: the id of the call to make before."},
        },
    }


def _report_schema() -> Schema:
    finding = {
        "type": "object",
        "required": ["code", "severity", "what", "remedy"],
        "properties": {
            "code": {"type": "string"},
            "severity": {"type": "string", "enum": ["error", "warning", "note"]},
            "line": {"type": "integer"},
            "device": {"type": "string"},
            "what": {"type": "string"},
            "remedy": {"type": "string"},
            "source": {"type": "string"},
        },
    }
    counts = {name: {"type": "integer"} for name in ("lines", "calls", "messages", "further")}
    return _object(
        {
            "readable": {"type": "boolean"},
            "clean": {"type": "boolean", "description": "Whether nothing is wrong; notes are not wrong."},
            **counts,
            "devices": {"type": "array", "items": {"type": "string"}},
            "findings": {"type": "array", "items": finding},
        }
    )


def _operation(id_: str, summary: str, answer: Schema, body: Schema | None = None, status: int = 200) -> Schema:
    described: Schema = {
        "operationId": id_,
        "summary": summary,
        "responses": {
            str(status): {"description": "Done.", "content": answer},
            "default": {"description": "Not done.", "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}},
        },
    }
    if body is not None:
        described["requestBody"] = {"required": True, "content": _json(body)}
    return described


def document() -> dict[str, Any]:
    """Return the document, as plain values."""
    state = _json(_ref("State"))
    account = _object(
        {"blocked": {"type": "boolean"}, "carkey": {"type": "string", "enum": [str(one) for one in CarKeyStatus]}},
        required=(),
    )
    switches = _object(
        {
            "phones": {"type": "object", "additionalProperties": _switches(rehearsing.PHONE_SWITCHES)},
            "core": _switches(rehearsing.CORE_SWITCHES),
            "account": account,
        },
        required=(),
    )
    provoked = _object(
        {
            "number": {"type": ["integer", "null"], "description": "The error that is to come."},
            "calls": {"type": "array", "items": _ref("Call"), "description": "The calls that meet it, in this order."},
            "state": _ref("State"),
        }
    )
    seconds = _object({"advance_seconds": {"type": "integer", "minimum": 1, "maximum": rehearsing.MAX_AHEAD}})
    verbs = {
        "": {"get": _operation("state", "All that is true in the rehearsal", state)},
        "/calls": {
            "post": _operation(
                "call",
                "Make a call of the SDK; the answer is its message, also where that says FAILED",
                _json(_ref("Message")),
                _ref("Call"),
            )
        },
        "/phones": {"post": _operation("add_phone", "Add a phone", state, _object({"name": _DEVICE}), 201)},
        "/switches": {"post": _operation("switch", "Set switches of phones, core and account", state, switches)},
        "/provoke": {
            "post": _operation(
                "provoke",
                "Let the next call end with an error, by its number; or put the world into a situation",
                _json(provoked),
                _ref("Provocation"),
            )
        },
        "/clock": {"post": _operation("advance_clock", "Let time pass in the rehearsal", state, seconds)},
        "/reset": {"post": _operation("reset", "Begin again: one phone, an account on which nothing was done", state)},
        "/trace": {
            "get": _operation(
                "trace",
                "All calls and messages so far, as JSON lines (docs/SDK_TRACES.md)",
                {"application/x-ndjson": {"schema": {"type": "string"}}},
            )
        },
        "/check": {"get": _operation("check", "The trace so far, held against the rules", _json(_ref("Report")))},
    }
    rehearsal_id = {
        "name": "rehearsal",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{settings.PORTAL_NAME}: rehearsals of the mobile SDK",
            "version": "1",
            "description": "A simulated phone, account, vehicle and core, which answer every documented call as the "
            "SDK would. Everything in it is made up: use no real PIN, phone number or VIN.",
        },
        "servers": [{"url": f"{settings.PUBLIC_URL}/sandbox/sdk"}],
        "security": [{"token": []}],
        "paths": {
            f"/rehearsals/{{rehearsal}}{path}": {"parameters": [rehearsal_id], **verb} for path, verb in verbs.items()
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The rehearsal's own token. Its page shows it once.",
                }
            },
            "schemas": {
                "Call": _call_schema(),
                "Message": _message_schema(),
                "State": _state_schema(),
                "Provocation": _provocation_schema(),
                "Report": _report_schema(),
                "Problem": _problem_schema(),
            },
        },
    }
