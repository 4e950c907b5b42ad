"""What each code of this package means, and what to do: English templates, translated where they are shown.

Templates are `str.format` strings over found, expected, field and the finding's parameters.
"""

from collections.abc import Mapping

from onboarding.findings import Message
from onboarding.findings import gettext_noop as _
from onboarding.mobile import errors

_JSON: Mapping[str, Message] = {
    "file_unread": Message(_("{found} could not be read: {why}"), _("Check the name of the file.")),
    "empty": Message(_("There is nothing to read."), _("Paste one message, as the SDK handed it over.")),
    "not_json": Message(
        _("This is no message: no object begins in it."), _("Paste one message, as the SDK handed it over.")
    ),
    "not_text": Message(_("This is no text, or not in UTF-8."), _("Save the message as text in UTF-8.")),
    "not_a_message": Message(
        _("This is a list of {found} values, and none of them is a message."),
        _("Paste one message, as the SDK handed it over."),
    ),
    "nothing_known": Message(
        _("Nothing in this is part of a message of the SDK."), _("Paste one message, as the SDK handed it over.")
    ),
    "too_large": Message(
        _("The text has {found} characters; 65,536 are looked into."), _("Paste one message, not a whole log.")
    ),
    "too_deep": Message(
        _("Values are nested more than {found} deep; no message of the SDK is."), _("Paste the message alone.")
    ),
    "too_many": Message(
        _("There are more than {found} values; no message of the SDK has so many."), _("Paste the message alone.")
    ),
    "cut_off": Message(
        _("The text ends in the middle: {found} is still open."),
        _("Paste the whole message, down to its last bracket."),
    ),
    "string_not_closed": Message(
        _("A text is not closed before its line ends."), _("Close it with {found}, or paste the line as it was.")
    ),
    "unexpected": Message(_("{found} cannot stand here."), _("Look at this place: something is missing before it.")),
    "value_missing": Message(_("A name has no value."), _("Look at this place: the value was lost.")),
    "second_message": Message(
        _("A second message begins here. Only the first is explained."), _("Paste one message at a time.")
    ),
    "comment": Message(_("A comment, as the documents' examples have them. It is skipped."), ""),
    "comma_extra": Message(_("A comma too many. It is skipped."), _("A JSON parser would refuse it: take it out.")),
    "comma_missing": Message(_("A comma is missing before this."), _("A JSON parser would refuse it: add the comma.")),
    "quotation_marks": Message(
        _("Quotation marks such as {found}; JSON has straight double ones."),
        _("A JSON parser would refuse them: write straight double ones."),
    ),
    "literal_spelling": Message(_("{found} is not how JSON writes this."), _("JSON has true, false and null.")),
    "word_bare": Message(_("The text {found} has no quotation marks."), _("A JSON parser would refuse it: add them.")),
    "name_bare": Message(_("The name {found} has no quotation marks."), _("A JSON parser would refuse it: add them.")),
    "equals_sign": Message(_("= in place of a colon."), _("This looks like a printed map. Log the message as JSON.")),
    "text_before": Message(_("Text before the message. It is skipped."), ""),
    "text_after": Message(_("Text behind the message. It is skipped."), ""),
}

_FIELDS: Mapping[str, Message] = {
    "boolean_as_text": Message(
        _("{field} is {found} as text, as in the documents' examples; it is documented as a boolean."),
        _("Read both: text and boolean."),
    ),
    "number_as_text": Message(_("{field} is a number written as text: {found}."), _("Read both: text and number.")),
    "id_as_number": Message(
        _("{field} came as a number, as in the documents' examples."), _("Send it back as text: {expected}.")
    ),
    "seconds_as_number": Message(_("{field} is a number; the API has it as text."), _("Write {expected}.")),
    "type_wrong": Message(_("{field} is {found}, which is none of what it can be."), _("Expected is {expected}.")),
    "date_wrong": Message(
        _("{field} is no time with date and zone: {found}."), _("Expected is a time such as {expected}.")
    ),
    "vin_of_18": Message(
        _("The VIN has 18 characters, as in the documents' examples; a VIN has {expected}."),
        _("Take it in answers, and never send it."),
    ),
    "vin_wrong": Message(_("The VIN does not have {expected} characters."), _("Check where it comes from.")),
    "value_unknown": Message(_("{field} is {found}, which is not documented."), _("Documented are: {expected}.")),
    "name_twice": Message(_("{field} is there twice. The last one counts."), _("Check what writes the message.")),
    "field_unknown": Message(_("{field} is not in the documents. It is kept."), ""),
    "name_blanks": Message(_("The name “{found}” has blanks around it."), _("Read it as {expected}.")),
    "name_spelling": Message(
        _("{found} is another spelling of {expected}; documents of different years differ."), _("Read both.")
    ),
    "envelope_missing": Message(
        _("This is a result without its message: no transactionId, no status."),
        _("Log the whole message; the transactionId is what the car maker asks for."),
    ),
    "transaction_missing": Message(
        _("The message has no transactionId."), _("Log the whole message; the car maker asks for it.")
    ),
    "status_missing": Message(_("The message has no status."), _("Log the whole message.")),
    "status_unknown": Message(_("The status {found} is not documented."), _("Documented are: {expected}.")),
    "status_contradicts": Message(
        _("The status is {found}, and the rest of the message says otherwise."),
        _("Go by the error where there is one, and send the car maker this message."),
    ),
    "result_missing": Message(_("The message has no result. It is read as null."), ""),
    "code_missing": Message(_("The error has no code."), _("Send the car maker this message.")),
    "code_unknown": Message(
        _("The error code {found} is not in the documents on service activation."),
        _("Look it up in the SDK's list of errors."),
    ),
    "step_name_differs": Message(
        _("The step {expected} calls itself {found}."), _("Go by the name under which it stands.")
    ),
    "step_status_missing": Message(_("The step {field} has no status."), _("List the steps again.")),
    "step_order_missing": Message(
        _("The step {field} has no order."), _("Take the documented order: phone, device, CarKey.")
    ),
    "step_order_twice": Message(
        _("Two steps have the order {found}."), _("List the steps again, with resetSteps true.")
    ),
    "step_done_early": Message(
        _("{found} is done although {expected}, before it, is still to do."),
        _("The list may be out of date: list the steps again, with resetSteps true."),
    ),
    "carkey_contradicts": Message(
        _("isCarKeyVerified is {found} while cvsStatus is {expected}."), _("Go by cvsStatus, and check again.")
    ),
}

_MEANINGS: Mapping[str, Message] = {
    "next_is_trustedPhone": Message(
        _("Steps left: {left}. Next is the trusted phone: the account has no proven phone number."),
        _("Ask for an SMS code to the number, then register the number with it."),
    ),
    "next_is_deviceActivation": Message(
        _("Steps left: {left}. Next is the activation of this phone, with an SMS code and a PIN."),
        _("Check that it is not activated yet, ask for the SMS code, send it, then enrol with the PIN."),
    ),
    "next_is_mediumCarKey": Message(
        _("Steps left: {left}. Next is the CarKey: the person has to be in the car, with keys and phone."),
        _("From SDK 2.3 on select the vehicle. Check the CarKey's status, and activate it unless it is active."),
    ),
    "steps_done": Message(_("No step is left: the service can be used."), ""),
    "steps_unclear": Message(
        _("A list of steps that does not say what is left."), _("Ask for the next step, or list all steps again.")
    ),
    "done_or_nothing_left": Message(
        _("It succeeded, with nothing to return. After a request for the next step: none is left."), ""
    ),
    "carkey_active": Message(
        _("The CarKey is active. This step is done, once for the account."), _("Do not activate it again; go on.")
    ),
    "carkey_suspended": Message(
        _("The CarKey is suspended. It has to be reactivated before {until}."),
        _("Ask the person into the car with keys and phone, and activate it before then."),
    ),
    "carkey_suspended_late": Message(
        _("The CarKey is suspended, and the time to reactivate it ended at {until}."),
        _("Activate it from the beginning; if that is refused, send the car maker the transactionId."),
    ),
    "carkey_disabled": Message(
        _("The CarKey is disabled: the account has no key for this vehicle."),
        _("Ask the person into the car with keys and phone, and activate it."),
    ),
    "carkey_unknown": Message(
        _("There is no CarKey for this vehicle yet."),
        _("Ask the person into the car with keys and phone, and activate it."),
    ),
    "carkey_unclear": Message(
        _("A message about the CarKey that does not say how it stands."), _("Check the CarKey's status.")
    ),
    "carkey_activated": Message(
        _("The CarKey is activated, once for the account. The security code is a secret."),
        _("Go on with the next step; never log or store the security code."),
    ),
    "carkey_refused": Message(
        _("The activation came back without a CarKey."), _("Check the CarKey's status, and activate again in the car.")
    ),
    "device_activated": Message(_("This phone is activated."), _("Go on with the next step.")),
    "device_not_activated": Message(
        _("This phone is not activated."), _("Check that the account is not blocked, then enrol this phone.")
    ),
    "device_unclear": Message(
        _("A message about this phone that does not say whether it is activated."), _("Ask again.")
    ),
    "account_open": Message(_("The account is not blocked."), _("Go on: look for the trusted phone number.")),
    "account_pin_blocked": Message(
        _("The account is blocked: too many wrong PINs."), _("Remove all enrolments, then enrol from the beginning.")
    ),
    "account_blocked": Message(
        _("The account is blocked, for example by too many enrolled phones."),
        _("Remove all enrolments, then enrol from the beginning."),
    ),
    "account_unclear": Message(_("It is not known whether the account is blocked."), _("Ask again.")),
    "phone_registered": Message(
        _("The account has a trusted phone number."), _("Ask for the SMS code that enrols this phone.")
    ),
    "phone_absent": Message(
        _("The account has no trusted phone number."), _("Ask for an SMS code to a number, then register it.")
    ),
    "pin_there": Message(_("The SMS code is right, and the account has a PIN."), _("Ask for that PIN, and enrol.")),
    "pin_absent": Message(_("The SMS code is right; there is no PIN yet."), _("Let the person choose one, and enrol.")),
    "otp_given": Message(
        _("A one-time password was made. The call that wanted it can be made now."), _("Make that call again.")
    ),
    "signed_in": Message(_("Somebody is signed in."), ""),
    "signed_out": Message(_("Nobody is signed in."), _("Let the person sign in.")),
    "event": Message(_("An event of something that the app has subscribed to, not the answer to a call."), ""),
    "virtual_key": Message(
        _("A virtual-key token of the fleet API. Token and signature are secrets."),
        _("Hand both to the SDK that opens the vehicle, before the token expires."),
    ),
    "car_token": Message(
        _("The body of a request for a virtual-key token."), _("Send it from your server, over mutual TLS.")
    ),
    "message_unknown": Message(
        _("A message that has nothing to do with service activation, or whose fields are not documented."), ""
    ),
    "error_unknown": Message(
        _("The call failed with an error that is not in the documents on service activation."),
        _("Send the car maker the transactionId and the code."),
    ),
    "call_read": Message(_("This is a call, not a message: {label}."), ""),
    "call_elsewhere": Message(_("This is a call of {found}, which is no part of service activation."), ""),
}

_RULES: Mapping[str, Message] = {
    "api_misspelt": Message(
        _("The API is written {written}."), _("Write {wanted}, without blanks and by its present name.")
    ),
    "parameter_misspelt": Message(_("The parameter is written {written}."), _("Write {wanted}.")),
    "parameter_missing": Message(_("The parameter {parameter} is missing."), _("Add {parameter}; it is required.")),
    "parameter_type": Message(
        _("The parameter {parameter} is not of the kind that the SDK documents."), _("Give it {wanted}.")
    ),
    "vin_length": Message(_("The VIN has {length} characters."), _("A VIN that is sent has 17.")),
    "version_too_old": Message(
        _("SDK {version} does not have this call; it came with {since}."),
        _("Use SDK {since} or later, or the longer way."),
    ),
    "parameter_gone": Message(
        _("SDK {version} has no parameter {parameter} here any more."),
        _("Leave it out, and select the vehicle first with set pims.vehicle.vin."),
    ),
    "first_by_association": Message(
        _("The first list of steps on this phone was not requested by carAssociationID."),
        _("Request the first list by carAssociationID, then use the stepsID that it returns."),
    ),
    "steps_id_shared": Message(
        _("This stepsID belongs to another phone ({other})."),
        _("Never hand a stepsID on: each phone requests its own by carAssociationID."),
    ),
    "steps_id_unknown": Message(
        _("No answer in this trace gave this stepsID."), _("Use the stepsID of this phone's latest list.")
    ),
    "out_of_order": Message(
        _("A later step was begun while “{label}” is still to do."),
        _("Do the steps strictly in their order; ask for the next step."),
    ),
    "done_already": Message(
        _("“{label}” was done again, although it is done."), _("Skip steps whose status is alreadyDone.")
    ),
    "short_way_closed": Message(
        _("enrollWithPhoneNumber was called although a phone number is registered."),
        _("Ask for the SMS code for the enrolment, send it, and enrol with the PIN."),
    ),
    "code_not_asked_for": Message(
        _("An SMS code was sent that was not asked for before."), _("Ask for an SMS code of the right type first.")
    ),
    "account_is_blocked": Message(
        _("An enrolment was tried although the account is blocked."), _("Remove all enrolments first.")
    ),
    "reset_missing": Message(
        _("After error {code} the app went on without resetting the steps."),
        _("List the steps with resetSteps true, then try once more."),
    ),
    "otp_again_and_again": Message(
        _("The OTP was tried again after {times} failures, each with its reset."),
        _("Try once after a reset; then do the steps that the list has as todo."),
    ),
    "removal_missing": Message(
        _("After error {code} an enrolment was tried again without removing the enrolments."),
        _("Remove all enrolments, then enrol from the beginning."),
    ),
    "pin_missing": Message(
        _("After error {code} the same call was made without an OTP."), _("Get an OTP with the PIN, then call again.")
    ),
    "sign_in_missing": Message(
        _("After error {code} the same call was made without a sign-in."), _("Let the person sign in, then call again.")
    ),
    "phone_missing": Message(
        _("After error {code} the same call was made without registering a phone number."),
        _("Register a phone number, then call again."),
    ),
    "new_code_missing": Message(
        _("After error {code} an SMS code was sent without asking for a new one."), _("Ask for a new SMS code first.")
    ),
    "listing_missing": Message(
        _("After error {code} the same stepsID was used again."), _("List the steps by carAssociationID first.")
    ),
    "repeated_unchanged": Message(
        _("After error {code} exactly the same call was made again."), _("It fails again: change the call, or go on.")
    ),
    "vehicle_not_selected": Message(
        _("The CarKey was called before a vehicle was selected."),
        _("From SDK 2.3 on call set pims.vehicle.vin first."),
    ),
    "carkey_not_checked": Message(
        _("The CarKey was activated without checking its status first."),
        _("Check the status first, and stop where it is active."),
    ),
    "carkey_again": Message(
        _("The CarKey was activated although it is active."), _("Activate once for an account; the account keeps it.")
    ),
    "carkey_too_late": Message(
        _("The suspended CarKey was reactivated after its date, {until}."),
        _("Reactivate before maxReactivationDate: remind the person in time."),
    ),
    "subscribed_twice": Message(
        _("The app subscribed twice to {api}."), _("Keep the first subscription, or unsubscribe before.")
    ),
}

_TRACES: Mapping[str, Message] = {
    "trace_empty": Message(
        _("There is no call and no message in this trace."), _("Record one JSON object a line; see docs/SDK_TRACES.md.")
    ),
    "trace_too_large": Message(
        _("The trace is larger than 10 MiB. What comes here and later was not looked into."),
        _("Record less, or cut the trace in two."),
    ),
    "trace_too_many_lines": Message(
        _("The trace has more than 100,000 lines. What comes here and later was not looked into."),
        _("Record less, or cut the trace in two."),
    ),
    "trace_line_too_long": Message(
        _("The line has more than 64 KiB and was skipped."), _("Record calls and messages of service activation only.")
    ),
    "trace_not_utf8": Message(_("The line is not in UTF-8 and was skipped."), _("Write the trace in UTF-8.")),
    "trace_line_not_json": Message(
        _("The line is not JSON and was skipped."), _("Write one whole JSON object a line.")
    ),
    "trace_line_not_object": Message(
        _("The line is JSON, but no object, and was skipped."), _("Write one JSON object a line.")
    ),
    "trace_line_tolerated": Message(
        _("The line is not quite JSON ({found}), and was read all the same."), _("Write JSON.")
    ),
    "trace_line_unknown": Message(
        _("The line has neither a call nor a message and was skipped."),
        _("See docs/SDK_TRACES.md for what it can have."),
    ),
    "trace_field_unknown": Message(_("The field {found} is not part of the format. It is not looked at."), ""),
    "trace_version_unknown": Message(_("The version {found} of the format is not known."), _("This reads version 1.")),
    "trace_sdk_unknown": Message(
        _("{found} is no version of the SDK, so rules that depend on it are not checked."), _("Write it as 2.3.")
    ),
    "trace_time_missing": Message(
        _("From here on lines have no time, so no date is checked."), _("Record the time of each call, as at.")
    ),
    "trace_time_wrong": Message(
        _("{found} is no time with date and zone."), _("Record times as 2030-01-31T08:00:00.000Z.")
    ),
    "trace_time_backwards": Message(
        _("The line is older than one before it."), _("Record lines in the order in which things happen.")
    ),
    "trace_call_incomplete": Message(
        _("The call does not say its method or its API."),
        _("Record call (get, set, subscribe or unsubscribe) and api."),
    ),
    "trace_parameters_wrong": Message(
        _("The parameters are no object, and were not looked at."),
        _("Record parameters as an object of names and values."),
    ),
    "trace_message_unreadable": Message(
        _("The message is no object."), _("Record the message as the SDK handed it over.")
    ),
    "call_unknown": Message(
        _("{found} has no such call: neither the method nor the parameters fit one."), _("Check type and action.")
    ),
    "message_without_call": Message(
        _("A message came that answers no call of this trace."), _("Record each call, with the id of its message.")
    ),
    "call_without_message": Message(_("No message answered this call before the trace ends."), ""),
    "error_code_unknown": Message(
        _("The call failed with a code that is not in the documents on service activation: {found}."), ""
    ),
    "error_not_documented": Message(_("Error {found} is not documented for this call."), ""),
    "error_not_handled": Message(
        _("Error {found} came here, and the app did other things without handling it."),
        _("Handle the error before going on; what it asks for stands beside its code."),
    ),
    "ends_with_error": Message(_("Error {found} came here, and the trace ends before it was handled."), ""),
    "carkey_not_reactivated": Message(
        _("The CarKey is suspended, and was not reactivated before {until}."),
        _("Reactivate before maxReactivationDate: remind the person in time."),
    ),
}

_SDK: Mapping[str, Message] = {errors.code(error.number): Message(error.title, error.remedy) for error in errors.ERRORS}

MESSAGES: Mapping[str, Message] = {**_JSON, **_FIELDS, **_MEANINGS, **_RULES, **_TRACES, **_SDK}
