"""What an application has registered that a consent hangs on: brands, callback address, data with its scopes."""

from dataclasses import dataclass

from onboarding.oauth.scopes import Need, needed
from onboarding.programmes import Brand, data_items
from onboarding.registrations.description import Answers, chosen_items
from onboarding.registrations.models import Application, Registration


@dataclass(frozen=True, slots=True)
class Registered:
    """What is registered. redirect_uri: empty if none is. needs: the scopes that the data asked for needs.

    is_whole: whether there is a description; one that was brought in has none, and all of its programme is offered.
    """

    brands: tuple[Brand, ...]
    redirect_uri: str
    needs: tuple[Need, ...]
    is_whole: bool

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes alone."""
        return tuple(need.scope for need in self.needs)


def registered(application: Application) -> Registered:
    """Return what the last submission says; before there is one, the draft as it stands."""
    registration = Registration.objects.filter(application=application).first()
    answers = _answers(registration) if registration is not None else {}
    offered = application.profile.brands
    chosen = answers.get("brands") or application.brands
    if registration is None:
        items = [item for item in data_items().values() if application.programme in item.programmes]
    else:
        items = [item for some in chosen_items(answers).values() for item in some]
    return Registered(
        brands=tuple(brand for brand in offered if brand.id in chosen) or (application.brand,),
        redirect_uri=answers.get("callback_url") or "",
        needs=needed(items),
        is_whole=registration is not None,
    )


def _answers(registration: Registration) -> Answers:
    latest = registration.submissions.order_by("-number").values_list("answers", flat=True).first()
    return {"programme": registration.application.programme, **(latest or registration.answers)}
