"""What only the records can tell of a key: whether it was used before, and by whom."""

from collections.abc import Iterator, Sequence

from onboarding.findings import Finding, Severity


def reuse_findings(*, by_others: bool, other_logins: Sequence[str], before: bool) -> Iterator[Finding]:
    """Say what is wrong with using a key again.

    by_others: another organisation has a CSR with this key. other_logins: this organisation's other partner logins
    that have one. before: this partner login had one already.
    """
    if by_others:
        yield Finding("key_of_another_organisation", Severity.ERROR, "key")
    if other_logins:
        yield Finding("key_under_another_login", Severity.WARNING, "key", ", ".join(other_logins))
    if before:
        yield Finding("key_used_before", Severity.WARNING, "key")
