"""manage.py import_credentials: what the page "Bring credentials that work already" does, for a whole folder."""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.core.management.base import BaseCommand
from django.utils.translation import gettext

from onboarding.credentials.importing import ImportRefused, import_credentials
from onboarding.credentials.manifest import EntryRefused, Folder, NoManifest, label, open_folder, read_entry
from onboarding.findings import Explanation, Finding, Severity, explain, gettext_noop
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import Organisation
from onboarding.pki.messages import MESSAGES

log = structlog.get_logger(__name__)

ALL_IN, SOME_REFUSED, COULD_NOT_RUN = 0, 1, 2
IMPORTED, THERE, REFUSED = gettext_noop("imported"), gettext_noop("already there"), gettext_noop("refused")


class CannotRun(Exception):
    """Nothing was looked at; the message says why."""


class Command(BaseCommand):
    """Bring in the applications of a folder. Exit code 0: all are in; 1: some were refused; 2: could not run."""

    help = (
        "Bring in credentials that work already, from a folder with a manifest.toml. "
        "Exit code: 0 all in, 1 some refused, 2 could not run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("folder", type=Path, help="with manifest.toml and the files that it names")
        parser.add_argument("--organisation", required=True, metavar="NAME_OR_ID", help="whose credentials they are")
        parser.add_argument("--environment", default="production", help="for entries that name none (%(default)s)")
        parser.add_argument("--dry-run", action="store_true", help="check everything and keep nothing")
        parser.add_argument("--json", action="store_true", help="print the report as JSON, without progress")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, bring in one by one, report, and exit."""
        try:
            organisation = _organisation(options["organisation"])
            folder = open_folder(options["folder"])
        except (CannotRun, NoManifest) as error:
            self.stderr.write(str(error))
            sys.exit(COULD_NOT_RUN)
        results = []
        for number, entry in enumerate(folder.entries, start=1):
            result = {"number": number, "name": label(entry)} | self._one(organisation, folder, entry, options)
            results.append(result)
            if not options["json"]:
                self._print(result, len(folder.entries))
        counts = Counter(result["result"] for result in results)
        if options["json"]:
            report = {
                "dry_run": options["dry_run"],
                "counts": {name: counts[name] for name in (IMPORTED, THERE, REFUSED)},
                "applications": results,
            }
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            words = ", ".join(f"{counts[name]} {gettext(name)}" for name in (IMPORTED, THERE, REFUSED))
            self.stdout.write(f"\n{words}" + (gettext(" (dry run: nothing was kept)") if options["dry_run"] else ""))
        sys.exit(SOME_REFUSED if counts[REFUSED] else ALL_IN)

    def _one(self, organisation: Organisation, folder: Folder, entry: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Bring one in. Whatever is the matter with it, the others go on."""
        try:
            brought = read_entry(folder, entry, environment=options["environment"])
            imported = import_credentials(organisation, brought, actor=SYSTEM, keep=not options["dry_run"])
        except (EntryRefused, ImportRefused) as error:
            return {"result": REFUSED, "findings": [_plain(finding) for finding in error.findings]}
        except Exception as error:
            # Its kind alone: what it says, and where it came from, may hold what was brought.
            why = {"why": type(error).__name__}
            log.error("an application could not be brought in", error=why["why"])
            return {"result": REFUSED, "findings": [_plain(Finding("import_not_kept", Severity.ERROR, "", params=why))]}
        where = {} if options["dry_run"] and imported.is_new else {"reference": imported.application.reference}
        return {
            "result": IMPORTED if imported.is_new else THERE,
            **where,
            "application": str(imported.application),
            "login": imported.request.partner_login.mzp,
            "findings": [
                _plain(Finding.from_json(row))
                for checked in imported.request.certificate_report["checks"]
                for row in checked["findings"]
                if imported.is_new
            ],
        }

    def _print(self, result: dict[str, Any], of: int) -> None:
        words = [f"[{result['number']}/{of}]", result["name"] or "–", f"{gettext(result['result'])}"]
        if result["result"] == THERE:
            words.append(f"({result['application']}, {result['reference']})")
        elif "reference" in result:
            words.append(result["reference"])
        self.stdout.write(" ".join(words))
        for finding in result["findings"]:
            self.stdout.write(f"  {finding['severity']}: {finding['title']}")
            self.stdout.write(f"    {finding['remedy']}")
        self.stdout.flush()


def _organisation(name: str) -> Organisation:
    """Find it by id, or by its name, in any case of letters. Raises CannotRun."""
    try:
        found = list(Organisation.objects.filter(pk=UUID(name)))
    except ValueError:
        found = list(Organisation.objects.filter(name__iexact=name)[:2])
    if len(found) > 1:
        raise CannotRun(gettext("Several companies are called “%(name)s”: give the id.") % {"name": name})
    if not found:
        raise CannotRun(gettext("There is no company “%(name)s”.") % {"name": name})
    return found[0]


def _plain(finding: Finding) -> dict[str, Any]:
    words: Explanation = explain(finding, MESSAGES, gettext)
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "field": finding.field,
        "found": finding.found,
        "expected": finding.expected,
        "title": words.title,
        "remedy": words.remedy,
    }
