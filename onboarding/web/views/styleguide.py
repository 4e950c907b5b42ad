"""The styleguide: every component in every state, on one page. What is shown there is made up."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from onboarding.web import access
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.widgets import (
    CatalogueChoice,
    CatalogueSelect,
    CheckboxCards,
    FileDrop,
    NewPasswordInput,
    PemTextarea,
    RadioCards,
    SuffixInput,
)

TONES = [
    {"tone": "neutral", "label": "Not yet"},
    {"tone": "turn", "label": "Your turn"},
    {"tone": "waiting", "label": "Waiting for Mobilisights"},
    {"tone": "success", "label": "Done"},
    {"tone": "warning", "label": "Expires in 12 days"},
    {"tone": "danger", "label": "Refused"},
    {"tone": "info", "label": "Sandbox"},
]

NOTICES = [
    {"tone": "info", "title": "The sandbox needs no approval", "text": "Make credentials there at any time."},
    {
        "tone": "success",
        "title": "Your application was submitted",
        "text": "It is Mobilisights’ turn now. You get an e-mail when they decide.",
        "href": "#notices",
        "link": "See what you sent",
    },
    {"tone": "warning", "title": "The certificate expires in 12 days", "text": "Renew it now: the two overlap."},
    {"tone": "danger", "title": "The file was not read", "text": "It is 2.1 MB. A CSR is smaller than 64 kB."},
]

TASK_GROUPS: list[dict[str, Any]] = [
    {
        "title": "Describe your application",
        "tasks": [
            {
                "title": "Company and contacts",
                "href": "#task-list",
                "hint": "Example Mobility, France",
                "status": {"label": "Done", "tone": "success"},
            },
            {
                "title": "Purpose and data",
                "href": "#task-list",
                "hint": "14 data items for 320 vehicles",
                "status": {"label": "Done", "tone": "success"},
            },
            {
                "title": "Check your answers and submit",
                "href": "#task-list",
                "status": {"label": "Done", "tone": "success"},
            },
        ],
    },
    {
        "title": "Get approved",
        "note": "Mobilisights decides within about five working days.",
        "tasks": [
            {
                "title": "Review",
                "href": "#task-list",
                "hint": "In review since Tuesday, 14:05",
                "status": {"label": "Waiting for Mobilisights", "tone": "waiting"},
            },
        ],
    },
    {
        "title": "Get credentials",
        "note": "For the sandbox you need no approval.",
        "tasks": [
            {
                "title": "Key and certificate request for the sandbox",
                "href": "#task-list",
                "hint": "About five minutes, with OpenSSL or here in the portal",
                "status": {"label": "Your turn", "tone": "turn"},
            },
            {
                "title": "Key and certificate request for production",
                "href": None,
                "because": "Starts when the application is approved: the request needs your partner login (MZP).",
                "status": {"label": "Not yet", "tone": "neutral"},
            },
            {
                "title": "Client certificate of the old application",
                "href": "#task-list",
                "hint": "Expires on 4 December",
                "status": {"label": "Renew soon", "tone": "warning"},
            },
            {
                "title": "Certificate request that was sent by e-mail",
                "href": "#task-list",
                "hint": "OU has to name two units",
                "status": {"label": "Refused", "tone": "danger"},
            },
        ],
    },
    {
        "title": "Make the first call",
        "tasks": [
            {
                "title": "Validate the connection",
                "href": None,
                "because": "Starts when a credential set is complete.",
                "status": {"label": "Not yet", "tone": "neutral"},
            },
        ],
    },
]

_TITLES = [
    "Find the server’s address",
    "Open a connection",
    "Agree on TLS",
    "Trust the server’s certificate",
    "Show the client certificate",
    "Sign in with the partner login",
    "Read the list of vehicles",
]
_PASSED_MS = [3.2, 11.8, 24.6, 1.4, 18.9, 212.4, 1284.0]


def _checks(results: list[str], extra: dict[int, dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Return one check per result; `extra` adds to the check of that number."""
    reached = {"passed", "warning", "failed"}
    return [
        {
            "number": number,
            "title": title,
            "result": result,
            "ms": _PASSED_MS[number - 1] if result in reached else None,
            **(extra or {}).get(number, {}),
        }
        for number, (title, result) in enumerate(zip(_TITLES, results, strict=True), 1)
    ]


LADDERS = [
    {
        "title": "Failed",
        "running": False,
        "checks": _checks(
            ["passed", "passed", "passed", "warning", "failed", "not_reached", "not_reached"],
            {
                3: {
                    "evidence": [
                        {"label": "Protocol", "value": "TLSv1.3"},
                        {"label": "Cipher", "value": "TLS_AES_256_GCM_SHA384"},
                    ]
                },
                4: {
                    "detail": "The server’s certificate is trusted, and expires in 9 days.",
                    "evidence": [{"label": "Issuer", "value": "CN=Sandbox CA, O=Fleet Onboarding"}],
                    "whose": "Mobilisights",
                    "remedy": "Nothing for you to do now. The check will tell when the certificate has changed.",
                },
                5: {
                    "detail": "The server did not accept the client certificate, and answered with status 495.",
                    "whose": "Your turn",
                    "remedy": "The certificate was issued for another key. Choose the key it was requested with.",
                    "evidence": [
                        {"label": "Answer", "value": "495 Invalid or expired client certificate"},
                        {"label": "Subject", "value": "CN=MZP128745, OU=Fleet, O=Example Mobility, C=FR"},
                        {"label": "Key of the certificate", "value": "SHA256:Q2f1b0m6gXh0y1m3c8rW9yZJ5l0p"},
                        {"label": "Key that was used", "value": "SHA256:m0aV7t4k1LwS2dDq8uBz5n3xYcEe"},
                    ],
                },
            },
        ),
    },
    {
        "title": "Running",
        "running": True,
        "checks": _checks(
            ["passed", "passed", "passed", "passed", "running", "not_reached", "not_reached"],
        ),
    },
    {"title": "Passed", "running": False, "checks": _checks(["passed"] * 7)},
]

SUMMARY_ROWS = [
    {"key": "Company", "value": "Example Mobility", "href": "#summary-list", "change": "the company"},
    {"key": "Partner login", "value": "MZP128745", "mono": True, "note": "Confirmed by Mobilisights"},
    {"key": "Brands", "values": ["Peugeot", "Citroën", "Opel"], "href": "#summary-list", "change": "the brands"},
    {
        "key": "Redirect address",
        "value": "https://fleet.example.com/oauth/callback/with/a/rather/long/path/that/has/to/wrap/somewhere",
        "mono": True,
        "href": "#summary-list",
        "change": "the redirect address",
    },
    {"key": "Remarks", "value": "", "href": "#summary-list", "change": "the remarks"},
]

FINDINGS = [
    {
        "severity": "error",
        "field": "OU",
        "title": "The organisational unit has to be exactly “Fleet”.",
        "found": "fleet-team",
        "expected": "Fleet",
        "remedy": "Make the certificate request again with the same key.",
        "command": 'openssl req -new -key client.key -out client.csr -subj "/C=FR/O=Example Mobility/OU=Fleet'
        '/CN=MZP128745"',
    },
    {
        "severity": "warning",
        "field": "key",
        "title": "The key has 2048 bits.",
        "found": "RSA 2048",
        "expected": "RSA 3072 or more",
        "remedy": "It is accepted today. Take a longer one when you renew.",
        "command": "",
    },
    {
        "severity": "note",
        "field": "signature",
        "title": "The request is signed with SHA-256.",
        "found": "",
        "expected": "",
        "remedy": "",
        "command": "",
    },
]

CERTIFICATE_REPORT = {
    "checks": [
        {"number": 1, "title": "It can be read", "result": "passed"},
        {
            "number": 2,
            "title": "It is for the key of this CSR",
            "result": "failed",
            "findings": [FINDINGS[0] | {"command": ""}],
        },
        {
            "number": 3,
            "title": "It says what the CSR asked for",
            "result": "warning",
            "remedy": "Ask the issuer whether this is meant.",
            "difference": [
                {"attribute": "C", "label": "Country (C)", "asked": "FR", "has": "FR", "same": True},
                {
                    "attribute": "O",
                    "label": "Organisation (O)",
                    "asked": "Example Mobility",
                    "has": "EXAMPLE MOBILITY SAS",
                    "same": False,
                },
                {"attribute": "CN", "label": "Common name (CN)", "asked": "MZP128745", "has": "", "same": False},
            ],
        },
        {
            "number": 4,
            "title": "It is valid now",
            "result": "passed",
            "fact": "2026-11-24 10:00 UTC to 2027-11-24 10:05 UTC, 366 days in all, 365 left",
        },
        {"number": 5, "title": "It leads to the CA certificate", "result": "not_reached"},
    ]
}

TURNS = [
    {"tone": "turn", "title": "Your turn: describe it", "text": "Every step is saved.", "action": "Continue"},
    {"tone": "waiting", "title": "Waiting for Mobilisights", "text": "There is nothing for you to do."},
    {"tone": "success", "title": "Live in production", "text": "Your credentials work.", "action": "See what you have"},
    {"tone": "danger", "title": "Declined", "text": "Positions may not be sold on to others."},
]

LANES = [
    {
        "title": "Sandbox",
        "note": "It needs nobody's approval.",
        "tone": "turn",
        "label": "Your turn",
        "groups": [{"tasks": TASK_GROUPS[2]["tasks"][:2]}],
    },
    {
        "title": "Approval by Mobilisights",
        "note": "Needed to call real vehicles.",
        "tone": "waiting",
        "label": "Waiting for Mobilisights",
        "groups": TASK_GROUPS[:2],
    },
]

PEOPLE = [
    {"name": "Example Owner", "email": "owner@example-mobility.example", "role": "Owner"},
    {
        "name": "Somebody with quite a long name, of which there is no end in sight",
        "email": "a.very.long.address.of.a.person@subsidiary.of.a.company.with.a.long.name.example",
        "role": "Developer",
    },
]

STEPS = [
    {"label": "Company", "state": "done", "href": "#steps"},
    {"label": "Contacts", "state": "done", "href": "#steps"},
    {"label": "Purpose", "state": "current", "href": "#steps"},
    {"label": "Data", "state": "todo", "href": None},
    {"label": "Vehicles", "state": "todo", "href": None},
    {"label": "Brands", "state": "todo", "href": None},
    {"label": "Network", "state": "todo", "href": None},
    {"label": "Remarks", "state": "todo", "href": None},
    {"label": "Check and submit", "state": "todo", "href": None},
]

FACTS = [
    {"label": "Applications", "value": "12"},
    {"label": "Waiting for us", "value": "3"},
    {"label": "Median time to decide", "value": "1.8 days"},
    {"label": "Expiring in 30 days", "value": "2"},
]

TABLE = [
    {"name": "Depot dashboard", "programme": "Fleet owner", "state": TONES[2], "vehicles": "320"},
    {"name": "Charging planner", "programme": "End user", "state": TONES[3], "vehicles": "1,204"},
    {"name": "Mileage reports for leasing returns", "programme": "Fleet owner", "state": TONES[5], "vehicles": "45"},
]

CODE = """curl --get https://localhost:8443/connectedcar/v4/user/vehicles \\
  --cert client.pem --key client.key --cacert ca.pem \\
  --user "MZP128745:$FLEET_PASSWORD" \\
  --data-urlencode "client_id=$FLEET_CLIENT_ID" --data-urlencode "pageSize=1"
"""

COMMAND = "openssl req -new -config request.cnf -keyout private-key.pem -out request.csr"

CATALOGUE = [
    (
        "Energy",
        [
            ("energy.level", "Energy level"),
            ("energy.autonomy", "Remaining range"),
            ("energy.charging", "Charging state"),
            ("energy.battery.health", "Battery health"),
        ],
    ),
    ("Odometer", [("odometer.mileage", "Mileage"), ("odometer.since_service", "Distance since service")]),
    (
        "Position",
        [
            ("position.last", "Last position"),
            ("position.heading", "Heading"),
            ("position.signal", "Signal quality"),
        ],
    ),
]


class ExampleForm(PortalForm):
    """One field for each control."""

    company = forms.CharField(label="Company name", help_text="As it is registered.", max_length=120)
    email = forms.EmailField(label="E-mail address for certificates")
    country = forms.ChoiceField(label="Country", choices=[("", "Choose"), ("FR", "France"), ("DE", "Germany")])
    calls = forms.IntegerField(
        label="Calls", min_value=1, help_text="A rough number will do.", widget=SuffixInput(suffix="per month")
    )
    start = forms.DateField(label="Planned start", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    purpose = forms.CharField(
        label="What is it for?",
        help_text="Two or three sentences. Say who uses the data, and what they decide with it.",
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    custody = forms.ChoiceField(
        label="Where is the private key made?",
        choices=[("own", "On your machine"), ("vault", "Here, sealed in the vault")],
        widget=RadioCards(
            descriptions={
                "own": "With OpenSSL or keytool. Only the certificate request is sent; nobody here can use the key.",
                "vault": "The portal can then validate by itself. Members of your organisation can take it out.",
            },
            facts={
                "own": [("Who could use it", "Only you.")],
                "vault": [("Who could use it", "This portal, and so whoever runs it.")],
            },
            reveals={"own": ["csr", "upload"]},
        ),
    )
    csr = forms.CharField(
        label="Certificate request",
        required=False,
        help_text="Begins with -----BEGIN CERTIFICATE REQUEST-----",
        widget=PemTextarea(attrs={"rows": 5}),
    )
    upload = forms.FileField(
        label="Or upload the file", required=False, help_text="PEM or DER, up to 64 kB.", widget=FileDrop()
    )
    brands = forms.MultipleChoiceField(
        label="Brands",
        choices=[("AP", "Peugeot"), ("AC", "Citroën"), ("OP", "Opel")],
        widget=forms.CheckboxSelectMultiple,
    )
    regions = forms.MultipleChoiceField(
        label="Regions",
        required=False,
        choices=[("eu", "European Union"), ("uk", "United Kingdom")],
        widget=CheckboxCards(descriptions={"eu": "All member states, Norway and Iceland."}),
    )
    items = forms.MultipleChoiceField(label="Data items", choices=CATALOGUE, widget=CatalogueSelect)
    failure = forms.ChoiceField(label="Failure to rehearse", required=False, choices=CATALOGUE, widget=CatalogueChoice)
    volume = forms.ChoiceField(
        label="How often do you ask?", choices=[("hour", "Hourly"), ("day", "Daily")], widget=forms.RadioSelect
    )
    password = forms.CharField(label="New password", widget=NewPasswordInput, min_length=12)
    agree = forms.BooleanField(label="We may be called about this", help_text="During office hours only.")

    def clean(self) -> dict[str, Any]:
        """Refuse a combination, to show an error that belongs to no single field."""
        if self.data.get("start") == "2020-01-01":
            raise forms.ValidationError("The planned start lies before today: choose a later day.")
        return self.cleaned_data


FILLED: dict[str, Any] = {
    "company": "Example Mobility",
    "email": "certificates@example.com",
    "country": "FR",
    "calls": 25000,
    "start": "2026-12-01",
    "purpose": "Dispatchers see where vehicles stand and how far they can go, and plan the next day.",
    "custody": "own",
    "csr": "-----BEGIN CERTIFICATE REQUEST-----\nMIICijCCAXICAQAwRTELMAkGA1UEBhMCRlIxGTAXBgNVBAoMEEV4YW1wbGUgTW9i\n"
    "-----END CERTIFICATE REQUEST-----",
    "brands": ["AP", "OP"],
    "regions": ["eu"],
    "items": ["energy.level", "energy.charging", "position.last"],
    "volume": "day",
    "agree": True,
}
WRONG: dict[str, Any] = {"email": "certificates@", "calls": "0", "start": "2020-01-01", "password": "short"}


@access.demo
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component in every state."""
    now = timezone.now()
    timeline = [
        {"when": now - timedelta(minutes=3), "what": "Validation passed", "who": "Portal", "tone": "success"},
        {
            "when": now - timedelta(hours=5),
            "what": "Certificate issued",
            "who": "Mobilisights",
            "detail": "Valid for one year. The CA certificate came with it.",
        },
        {"when": now - timedelta(days=1), "what": "Changes requested", "who": "Mobilisights", "tone": "warning"},
        {"when": now - timedelta(days=2), "what": "Certificate request refused", "tone": "danger"},
        {"when": now - timedelta(days=9), "what": "Handed to you", "who": "Mobilisights", "tone": "turn"},
        {"when": now - timedelta(days=400), "what": "Application submitted", "who": "Example Mobility"},
    ]
    context = {
        "tones": TONES,
        "notices": NOTICES,
        "groups": TASK_GROUPS,
        "ladders": LADDERS,
        "summary_rows": SUMMARY_ROWS,
        "findings": FINDINGS,
        "certificate_report": CERTIFICATE_REPORT,
        "steps": STEPS,
        "facts": FACTS,
        "table": TABLE,
        "code": CODE,
        "command": COMMAND,
        "turns": [turn | {"since": now - timedelta(hours=5)} for turn in TURNS],
        "lanes": LANES,
        "people": PEOPLE,
        "timeline": timeline,
        "instants": [now - timedelta(minutes=3), now - timedelta(days=9), now + timedelta(days=12, minutes=1)],
        "empty_form": ExampleForm(prefix="empty"),
        "filled_form": ExampleForm(initial=FILLED),
        "wrong_form": ExampleForm(WRONG, prefix=None, auto_id="wrong_%s"),
    }
    return render(request, "styleguide.html", context)
