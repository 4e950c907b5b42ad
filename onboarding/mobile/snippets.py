"""Each call of the SDK in Kotlin and Swift, filled in with a partner's values, and the recorder that writes traces.

Made from the table of calls, so that a snippet is spelt as the reader, the rehearsal and the trace check want it.
Secrets, and what only the person at the phone knows, are variables, never values.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from onboarding.mobile import sdk, tolerant
from onboarding.mobile.masking import is_secret
from onboarding.mobile.sdk import Operation, Parameter, Type, Version

KOTLIN, SWIFT = "kotlin", "swift"


class NotInVersion(ValueError):
    """The version of the SDK does not have the call. since: the first that does."""

    def __init__(self, operation: Operation) -> None:
        self.since = ".".join(map(str, operation.since))
        super().__init__(f"{operation.id} came with {self.since}")


def _kotlin_text(text: str) -> str:
    """Return a string literal of Kotlin, in ASCII: a $ would begin a template."""
    return json.dumps(text).replace("$", "\\$").replace("\\f", "\\u000c")


def _swift_text(text: str) -> str:
    """Return a string literal of Swift, in ASCII: a backslash before a bracket would begin an interpolation."""
    return f'"{"".join(_swift_letter(letter) for letter in tolerant.whole(text))}"'


def _swift_letter(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if " " <= letter <= "~" else f"\\u{{{ord(letter):x}}}"


@dataclass(frozen=True, slots=True)
class Language:
    """How calls are written in a language. pair: a parameter, of its name and its value, both as code.

    head: the call's beginning, of method and API; open, close: around the parameters, one a line; end: the handler.
    """

    text: Callable[[str], str]
    pair: Callable[[str, str], str]
    head: Callable[[str, str], str]
    open: str
    close: str
    end: str


LANGUAGES: Mapping[str, Language] = {
    KOTLIN: Language(
        _kotlin_text,
        lambda name, value: f"        Pair({name}, {value}),",
        lambda method, api: f"pims.{method}(\n    {api},",
        "    mapOf(",
        "    ),",
        ") { message ->\n    // handle the message\n}\n",
    ),
    SWIFT: Language(
        _swift_text,
        lambda name, value: f"        {name}: {value},",
        lambda method, api: f"pims.{method}(\n    api: {api},",
        "    parameters: [",
        "    ]",
        ") { message in\n    // handle the message\n}\n",
    ),
}


def snippet(call: str, language: str, version: Version, values: Mapping[str, str | bool] | None = None) -> str:
    """Return a call as code.

    call: the id of an operation. values: by the name of a parameter; one that is not given, and every secret, becomes a
    variable of the parameter's name. Raises KeyError for a call or a language that does not exist, NotInVersion.
    """
    operation, written = sdk.BY_ID[call], LANGUAGES[language]
    if version < operation.since:
        raise NotInVersion(operation)
    given = values or {}
    lines = [
        written.pair(written.text(one.name), _value(one, given.get(one.name), written))
        for one in operation.takes(version, language)
        if one.required or one.platform == language or one.name in given
    ]
    head = written.head(operation.method, written.text(operation.api))
    if not lines:
        return head.removesuffix(",") + "\n" + written.end
    return "\n".join([head, written.open, *lines, written.close, written.end])


def _value(parameter: Parameter, given: str | bool | None, written: Language) -> str:
    if is_secret(parameter.name):
        return parameter.name
    if len(parameter.one_of) == 1:
        return written.text(parameter.one_of[0])
    if parameter.type == Type.BOOLEAN:
        return "true" if given in (True, "true") else "false"
    if given is None or given == "":
        return written.text(parameter.example) if parameter.one_of else parameter.name
    return written.text(str(given))


_KOTLIN_RECORDER = """\
import java.io.File
import java.time.Instant
import java.util.concurrent.atomic.AtomicInteger
import org.json.JSONArray
import org.json.JSONObject

/** Writes the SDK's calls and messages as a trace, one JSON object a line, without secrets. */
class SdkRecorder(private val file: File, private val device: String, sdk: String) {
    private val count = AtomicInteger()
    private val secrets = setOf(
        {secrets},
    )

    init {
        write(JSONObject().put("trace", 1).put("sdk", sdk).put("platform", "kotlin"))
    }

    /** Call this before the SDK; it returns the number that the message belongs to. */
    fun call(method: String, api: String, parameters: Map<String, Any?> = emptyMap()): Int {
        val id = count.incrementAndGet()
        write(line(id).put("call", method).put("api", api).put("parameters", cleaned(parameters)))
        return id
    }

    /** Call this first in the handler of the message. */
    fun message(id: Int, message: Map<String, Any?>) {
        write(line(id).put("message", cleaned(message)))
    }

    private fun line(id: Int) =
        JSONObject().put("at", Instant.now().toString()).put("device", device).put("id", id)

    private fun cleaned(value: Any?, name: String = ""): Any? = when (value) {
        is Map<*, *> -> JSONObject().also { json ->
            value.forEach { (key, inner) -> json.put(key.toString(), cleaned(inner, key.toString())) }
        }
        is List<*> -> JSONArray().also { json -> value.forEach { json.put(cleaned(it, name)) } }
        null -> JSONObject.NULL
        else -> if (name.lowercase() in secrets) "•" else value
    }

    @Synchronized
    private fun write(line: JSONObject) = file.appendText(line.toString() + "\\n")
}
"""

_SWIFT_RECORDER = """\
import Foundation

/// Writes the SDK's calls and messages as a trace, one JSON object a line, without secrets.
final class SdkRecorder {
    private let file: FileHandle
    private let device: String
    private let queue = DispatchQueue(label: "sdk-recorder")
    private let times = ISO8601DateFormatter()
    private var count = 0
    private let secrets: Set<String> = [
        {secrets},
    ]

    /// The file has to exist.
    init(file: FileHandle, device: String, sdk: String) {
        self.file = file
        self.device = device
        times.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        queue.sync { write(["trace": 1, "sdk": sdk, "platform": "swift"]) }
    }

    /// Call this before the SDK; it returns the number that the message belongs to.
    func call(_ method: String, api: String, parameters: [String: Any] = [:]) -> Int {
        queue.sync {
            count += 1
            write(line(count, ["call": method, "api": api, "parameters": cleaned(parameters, "")]))
            return count
        }
    }

    /// Call this first in the handler of the message.
    func message(_ id: Int, _ message: [String: Any]) {
        queue.sync { write(line(id, ["message": cleaned(message, "")])) }
    }

    private func line(_ id: Int, _ more: [String: Any]) -> [String: Any] {
        let common: [String: Any] = ["at": times.string(from: Date()), "device": device, "id": id]
        return common.merging(more) { _, new in new }
    }

    private func cleaned(_ value: Any, _ name: String) -> Any {
        if let object = value as? [String: Any] {
            return Dictionary(uniqueKeysWithValues: object.map { ($0.key, cleaned($0.value, $0.key)) })
        }
        if let list = value as? [Any] {
            return list.map { cleaned($0, name) }
        }
        return secrets.contains(name.lowercased()) && !(value is NSNull) ? "•" : value
    }

    private func write(_ line: [String: Any]) {
        guard JSONSerialization.isValidJSONObject(line),
            var data = try? JSONSerialization.data(withJSONObject: line, options: [.sortedKeys])
        else { return }
        data.append(0x0A)
        file.seekToEndOfFile()
        file.write(data)
    }
}
"""

RECORDED_SECRETS: tuple[str, ...] = (
    *("pincode", "oldpin", "newpin", "smscode", "otp", "securitycode", "access_token", "token_signature"),
    *("cardata", "cardata_signature", "phonenumber", "username", "login"),
)
"""What a recorder leaves out, in lower case."""

_RECORDERS: Mapping[str, str] = {KOTLIN: _KOTLIN_RECORDER, SWIFT: _SWIFT_RECORDER}


def recorder(language: str) -> str:
    """Return the recorder: code that writes an app's trace in the format of docs/SDK_TRACES.md.

    Raises KeyError for a language that does not exist.
    """
    text = LANGUAGES[language].text
    return _RECORDERS[language].replace("{secrets}", ", ".join(text(name) for name in RECORDED_SECRETS))
