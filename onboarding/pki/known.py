"""What only the records can tell of a CSR: whose its key was before, and whether its e-mail address is known."""

from collections.abc import Iterable, Iterator, Sequence

from onboarding.findings import Finding, Severity
from onboarding.pki.subject import EMAIL


def reuse_findings(
    *, by_others: bool, other_logins: Sequence[str], before: bool, exposed: bool = False
) -> Iterator[Finding]:
    """Say what is wrong with using a key again.

    by_others: another organisation has a CSR with this key. other_logins: this organisation's other partner logins
    that have one. before: this partner login had one already. exposed: a certificate with it was revoked, or is to be,
    because the key may be in the wrong hands.
    """
    if exposed:
        yield Finding("key_exposed", Severity.ERROR, "key")
    if by_others:
        yield Finding("key_of_another_organisation", Severity.ERROR, "key")
    if other_logins:
        yield Finding("key_under_another_login", Severity.WARNING, "key", ", ".join(other_logins))
    if before:
        yield Finding("key_used_before", Severity.WARNING, "key")


def contact_findings(email: str, contacts: Iterable[str]) -> Iterator[Finding]:
    """Warn of an e-mail address that is none of the organisation's verified ones. Capital letters do not count.

    One that is missing or no e-mail address at all is left to `subject.check_subject`. The verified addresses are
    people's, and stay out of the finding, which is kept.
    """
    if EMAIL.fullmatch(email) and email.casefold() not in {contact.casefold() for contact in contacts}:
        yield Finding("email_not_of_a_contact", Severity.WARNING, "emailAddress", email)
