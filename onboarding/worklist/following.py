"""Keeping the cards true: one call in the transaction that changes a row which staff may have to look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from onboarding.partners.models import Organisation, User
from onboarding.worklist.models import UNDATED, Item, Stage
from onboarding.worklist.search import searchable
from onboarding.worklist.targets import working_days_after


@dataclass(frozen=True, slots=True)
class Card:
    """What waits, as lists show it. words: what else it is to be found by."""

    stage: Stage
    organisation: Organisation
    title: str
    reference: str = ""
    application_id: UUID | None = None
    programme: str = ""
    environment: str = ""
    words: Iterable[str] = ()


def follow(row: models.Model, card: Card | None, outcome: str = "") -> Item | None:
    """Open, close or bring up to date what lists show of a row, as the row now is; return what is open.

    card: what waits; None if it is not the staff's turn. outcome: the event that changed the row, an `Event`.
    Whoever had it keeps it while the same thing waits.
    """
    with transaction.atomic():
        item = open_item(row)
        if item is not None and (card is None or card.stage != item.stage):
            Item.objects.filter(pk=item.pk).update(closed_at=timezone.now(), outcome=outcome)
            item = None
        if card is None:
            return None
        shown = {
            "organisation": card.organisation,
            "country": card.organisation.country,
            "application_id": card.application_id,
            "programme": card.programme,
            "environment": card.environment,
            "reference": card.reference,
            "title": card.title,
            "search": searchable([card.reference, card.title, card.organisation.name, *card.words]),
        }
        if item is not None:
            Item.objects.filter(pk=item.pk).update(**shown)
            item.refresh_from_db()
            return item
        return Item.objects.create(
            stage=card.stage,
            subject_type=str(row._meta.model_name),
            subject_id=row.pk,
            opened_at=timezone.now(),
            due_on=target(card.stage),
            **shown,
        )


def open_item(row: models.Model) -> Item | None:
    """Return the card of what waits about a row, if something does."""
    return _cards(row).filter(closed_at=None).select_related("assignee").first()


def target_of(model: type[models.Model]) -> models.Subquery:
    """Return, within a query of rows of `model`, the target date of what waits about each; UNDATED if it has none."""
    waiting = Item.objects.filter(
        subject_type=str(model._meta.model_name), subject_id=models.OuterRef("pk"), closed_at=None
    )
    return models.Subquery(waiting.values("due_on")[:1])


def last_holder(row: models.Model) -> User | None:
    """Return who of the staff has what waits about a row, or had what last waited; None if nobody."""
    held = _cards(row).select_related("assignee").order_by("-opened_at").first()
    return held.assignee if held else None


def forget(row: models.Model) -> None:
    """Take what was described out of a row's cards; what remains is that something waited, and for how long."""
    _cards(row).update(title="", search="")


def target(stage: Stage) -> date:
    """Return the day by which what begins to wait now is to be done; UNDATED if the operator sets no target."""
    days = settings.REVIEW_TARGET_DAYS if stage in (Stage.REVIEW, Stage.JOIN) else settings.ISSUE_TARGET_DAYS
    return working_days_after(timezone.localdate(), days) if days else UNDATED


def _cards(row: models.Model) -> models.QuerySet[Item]:
    return Item.objects.filter(subject_type=str(row._meta.model_name), subject_id=row.pk)
