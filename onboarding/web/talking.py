"""A conversation as one of its sides reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from onboarding.partners.models import User
from onboarding.registrations import conversation
from onboarding.registrations.conversation import Talk
from onboarding.registrations.models import Message, Reading, Registration, Side
from onboarding.web.forms.conversation import MessageForm
from onboarding.web.requests import PortalRequest

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """One message. who: as the reader may know them. is_ours: of the reader's side. is_first_new: the first unread.

    is_read: whether somebody of the other side has read it. standing: "open" while it waits for an answer, "answered"
    after that, else empty.
    """

    id: UUID
    who: str
    text: str
    when: datetime
    is_ours: bool
    is_new: bool
    is_first_new: bool
    is_read: bool
    standing: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """What `parts/conversation.html` shows.

    url: its own page. messages: the latest, or those before another one. earlier: the one before which there are more.
    last: the last one that is shown, empty for none. unanswered_since: since when the reader's side waits.
    """

    registration: Registration
    side: Side
    url: str
    is_open: bool
    may_write: bool
    is_latest: bool
    messages: Sequence[Shown]
    earlier: UUID | None
    last: str
    talk: Talk
    unanswered_since: datetime | None
    form: MessageForm
    key: UUID = field(default_factory=uuid4)

    @property
    def is_staff(self) -> bool:
        """Whether staff read it."""
        return self.side is Side.STAFF

    @property
    def others(self) -> str:
        """The other side, by name."""
        return str(self.registration.organisation) if self.is_staff else settings.OPERATOR_NAME

    @property
    def why_closed(self) -> str:
        """Why nothing can be written."""
        if self.registration.erased_at is not None:
            return _("What was written here was erased with the description, as it need not be kept any longer.")
        if not self.registration.is_editable:
            return _("It was withdrawn before it was submitted, so it never had reviewers.")
        return _("A draft has no reviewers. Once it is submitted you can write to them here, and they to you.")


def page_of(registration: Registration, side: Side) -> str:
    """Return the address of a conversation's page."""
    if side is Side.STAFF:
        return reverse("desk_conversation", args=[registration.pk])
    return reverse("conversation", args=[registration.application_id])


def read(
    request: PortalRequest,
    registration: Registration,
    side: Side,
    *,
    form: MessageForm | None = None,
    key: UUID | None = None,
    before: UUID | None = None,
    after: UUID | None = None,
) -> Conversation:
    """Read a conversation for a page, and note that it was read, by who may answer.

    form, key: what was sent and could not be taken. before, after: only what was written then.
    """
    reader = request.user
    rows = registration.messages.select_related("author").order_by("-written_at")
    if (moment := _moment(registration, before)) is not None:
        rows = rows.filter(written_at__lt=moment)
    if (moment := _moment(registration, after)) is not None:
        rows = rows.filter(written_at__gt=moment)
    found = list(rows[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE][::-1]
    is_open = conversation.is_open(registration)
    talk = conversation.talk(registration, side=side, reader=reader) if page else conversation.NO_TALK
    may_write = is_open and request.may_change
    read_to = Reading.objects.filter(registration=registration, side=side, reader=reader).first()
    messages = _shown(page, side, reader, read_to.read_to if read_to else None, marks_new=request.may_change)
    if page and before is None and request.may_change and (read_to is None or read_to.read_to < page[-1].written_at):
        conversation.mark_read(registration, side=side, reader=reader, last=page[-1])
    unanswered = registration.messages.filter(side=side, asks=True, answered_at=None).first() if talk.total else None
    return Conversation(
        registration=registration,
        side=side,
        url=page_of(registration, side),
        is_open=is_open,
        may_write=may_write,
        is_latest=before is None,
        messages=messages,
        earlier=page[0].pk if len(found) > PAGE_SIZE else None,
        last=str(page[-1].pk if page else after or ""),
        talk=talk,
        unanswered_since=unanswered.written_at if unanswered else None,
        form=form or MessageForm(auto_id="message_%s", initial={"asks": talk.asked_since is None}),
        key=key or uuid4(),
    )


def has_news(registration: Registration, after: UUID | None) -> bool:
    """Whether something was written since; two queries, for a page that asks every few seconds."""
    rows = registration.messages.all()
    if (moment := _moment(registration, after)) is not None:
        rows = rows.filter(written_at__gt=moment)
    return rows.exists()


def _moment(registration: Registration, message_id: UUID | None) -> datetime | None:
    if message_id is None:
        return None
    return registration.messages.filter(pk=message_id).values_list("written_at", flat=True).first()


def _shown(
    page: Sequence[Message], side: Side, reader: User, read_to: datetime | None, *, marks_new: bool
) -> list[Shown]:
    rows: list[Shown] = []
    for message in page:
        is_new = marks_new and message.side != side and (read_to is None or message.written_at > read_to)
        rows.append(
            Shown(
                id=message.pk,
                who=_who(message, side, reader),
                text=message.text,
                when=message.written_at,
                is_ours=message.side == side,
                is_new=is_new,
                is_read=message.read_at is not None,
                is_first_new=is_new and not any(one.is_new for one in rows),
                standing=("open" if message.answered_at is None else "answered") if message.asks else "",
            )
        )
    return rows


def _who(message: Message, side: Side, reader: User) -> str:
    """Partners see staff as the operator; staff see who writes for which company."""
    if message.side == Side.STAFF and side is Side.PARTNER:
        return settings.OPERATOR_NAME
    if message.author_id == reader.pk:
        return _("you")
    name = str(message.author) if message.author else _("somebody who has left")
    return f"{name}, {message.organisation}" if message.side == Side.PARTNER and side is Side.STAFF else name
