"""How an app's tests use a rehearsal: with plain HTTP, in three languages. docs/SDK_REHEARSAL.md has the same."""

from django.conf import settings
from django.urls import reverse

from onboarding.activation.models import Rehearsal

CURL = """\
curl --silent --show-error {base}/calls \\
  --header "Authorization: Bearer $REHEARSAL_TOKEN" \\
  --header "Content-Type: application/json" \\
  --data '{{"device": "phone-1", "method": "get", "api": "pims.subscription.steps",
           "parameters": {{"carAssociationID": "987654", "resetSteps": false, "stepsStatus": "all"}}}}'
"""

KOTLIN = """\
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers

/** Stands in for the SDK in tests on the JVM: the rehearsal answers as the SDK would. */
class RehearsedPims(private val token: String, private val device: String = "phone-1") {{
    private val base = "{base}"
    private val client = HttpClient.newHttpClient()

    /** [parameters] as JSON; returns the SDK's message as JSON. */
    fun call(method: String, api: String, parameters: String = "{{}}"): String =
        send("/calls", \"\"\"{{"device":"$device","method":"$method","api":"$api","parameters":$parameters}}\"\"\")

    /** Puts the world into a situation, such as "not_paired". */
    fun provoke(situation: String): String =
        send("/provoke", \"\"\"{{"situation":"$situation","device":"$device"}}\"\"\")

    private fun send(path: String, body: String): String {{
        val request = HttpRequest.newBuilder(URI.create(base + path))
            .header("Authorization", "Bearer $token")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build()
        val response = client.send(request, BodyHandlers.ofString())
        check(response.statusCode() < 300) {{ response.body() }}
        return response.body()
    }}
}}
"""

SWIFT = """\
import Foundation

/// Stands in for the SDK in tests: the rehearsal answers as the SDK would.
struct RehearsedPims {{
    let base = URL(string: "{base}")!
    let token: String
    var device = "phone-1"

    /// Returns the SDK's message.
    func call(_ method: String, api: String, parameters: [String: Any] = [:]) async throws -> Any {{
        try await send("calls", ["device": device, "method": method, "api": api, "parameters": parameters])
    }}

    /// Puts the world into a situation, such as "not_paired".
    func provoke(_ situation: String) async throws -> Any {{
        try await send("provoke", ["situation": situation, "device": device])
    }}

    private func send(_ path: String, _ body: [String: Any]) async throws -> Any {{
        var request = URLRequest(url: base.appendingPathComponent(path))
        request.httpMethod = "POST"
        request.setValue("Bearer \\(token)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = try JSONSerialization.data(withJSONObject: body)
        let (data, response) = try await URLSession.shared.data(for: request)
        guard let answer = response as? HTTPURLResponse, answer.statusCode < 300 else {{
            throw URLError(.badServerResponse)
        }}
        return try JSONSerialization.jsonObject(with: data)
    }}
}}
"""

CLIENTS = (("curl", CURL), ("Kotlin", KOTLIN), ("Swift", SWIFT))


def base(rehearsal: Rehearsal) -> str:
    """Return the address of a rehearsal's API."""
    return f"{settings.PUBLIC_URL}{reverse('sdk_state', args=[rehearsal.pk])}"


def clients(rehearsal: Rehearsal) -> list[dict[str, str]]:
    """Return the examples, with the rehearsal's address filled in, for the component `code.html`."""
    return [
        {"label": label, "id": f"client-{label.lower()}", "code": code.format(base=base(rehearsal))}
        for label, code in CLIENTS
    ]
