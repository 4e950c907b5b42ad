"""Which addresses are a person's."""

from allauth.account.models import EmailAddress

from onboarding.partners.models import User


def confirmed_addresses(user: User) -> frozenset[str]:
    """Return the addresses that a person has confirmed as theirs, in small letters."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return frozenset(address.casefold() for address in confirmed)
