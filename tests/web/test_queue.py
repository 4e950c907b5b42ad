"""The queue's page: what is ticked is assigned, what is asked for is shown, and saved as a table."""

import csv
from collections.abc import Callable

import pytest
from django.test import Client

from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.web.tables import as_csv
from onboarding.worklist.models import Item, SavedView
from tests.conftest import member, staff
from tests.journey import described, submitted, with_key

SignedIn = Callable[[User], Client]


def test_many_are_taken_at_once_and_what_cannot_be_is_counted(owner: User, reviewer: User, signed_in: SignedIn) -> None:
    with_key(owner, reviewer)
    for _number in range(2):
        submitted(owner)
    client = signed_in(reviewer)
    ids = [str(pk) for pk in Item.objects.filter(closed_at=None).values_list("pk", flat=True)]
    page = client.post(
        "/desk/assign/", {"item": [*ids, "not-an-id", str(reviewer.pk)], "to": str(reviewer.pk)}, follow=True
    ).content.decode()
    assert "2 assigned." in page
    assert "1 was not assigned: your role does not do that." in page
    assert "1 was done meanwhile." in page
    assert Item.objects.filter(stage="review", closed_at=None, assignee=reviewer).count() == 2


def test_what_is_given_back_is_anybodys_again(owner: User, reviewer: User, signed_in: SignedIn) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    item = Item.objects.get()
    answer = signed_in(reviewer).post("/desk/assign/", {"item": str(item.pk), "to": "nobody", "address": "show=mine"})
    assert answer["Location"] == "/desk/?show=mine"
    item.refresh_from_db()
    registration.refresh_from_db()
    assert (item.assignee, registration.state) == (None, "submitted")


@pytest.mark.parametrize("to", ["", "x", "00000000-0000-0000-0000-000000000000", "\0"])
def test_nobody_is_given_what_nobody_was_named_for(owner: User, reviewer: User, signed_in: SignedIn, to: str) -> None:
    submitted(owner)
    item = Item.objects.get()
    page = signed_in(reviewer).post("/desk/assign/", {"item": str(item.pk), "to": to}, follow=True)
    assert "Choose who is to have it." in page.content.decode()


def test_a_request_says_who_has_it_and_can_be_taken_over(
    owner: User, reviewer: User, second_reviewer: User, signed_in: SignedIn
) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    client, url = signed_in(second_reviewer), f"/desk/registrations/{registration.pk}/"
    page = client.get(url).content.decode()
    assert "Reviewer has it." in page
    assert "Approve" not in page
    refused = client.post(f"{url}approve/", {"mzp": "MZP128745"}, follow=True).content.decode()
    assert "Nothing was changed: Reviewer has it." in refused
    client.post(f"{url}take/")
    mine = client.get(url).content.decode()
    assert "Approve" in mine
    assert "Take it over" not in mine


def test_a_request_is_handed_over_on_its_page(
    owner: User, reviewer: User, second_reviewer: User, signed_in: SignedIn
) -> None:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    url = f"/desk/registrations/{registration.pk}/hand_over/"
    client = signed_in(reviewer)
    assert client.post(url, {"person": str(owner.pk)}).status_code == 422
    client.post(url, {"person": str(second_reviewer.pk)})
    assert Item.objects.get().assignee == second_reviewer


def test_the_list_brings_itself_up_to_date_and_keeps_its_place(
    owner: User, reviewer: User, signed_in: SignedIn
) -> None:
    submitted(owner)
    client = signed_in(reviewer)
    whole = client.get("/desk/?words=depot&sort=longest").content.decode()
    part = client.get("/desk/?words=depot&sort=longest", headers={"HX-Request": "true"}).content.decode()
    assert 'hx-get="/desk/?words=depot&amp;sort=longest"' in whole
    assert part.lstrip().startswith('<div id="queue"')
    assert "<html" not in part
    assert 'hx-preserve="true"' in part


def test_views_are_saved_replaced_and_forgotten_by_their_owner_alone(
    owner: User, reviewer: User, issuer: User, signed_in: SignedIn
) -> None:
    client = signed_in(reviewer)
    for query in ("age=overdue", "age=overdue&country=FR"):
        client.post("/desk/", {"name": "Late in France", "query": query})
    view = SavedView.objects.get()
    assert view.query == "age=overdue&country=FR"
    assert "Late in France" in client.get("/desk/").content.decode()
    other = signed_in(issuer)
    assert "Late in France" not in other.get("/desk/").content.decode()
    assert other.post(f"/desk/views/{view.pk}/delete/").status_code == 404
    client.post(f"/desk/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("query", ["x" * 501, "café", "\r\nSet-Cookie: a=b"])
def test_what_no_address_can_hold_is_no_view(reviewer: User, signed_in: SignedIn, query: str) -> None:
    answer = signed_in(reviewer).post("/desk/", {"name": "Odd", "query": query})
    assert answer.status_code == 302
    assert set(answer["Location"]) < set("/?=%:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+&")
    assert len(answer["Location"]) < 520


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_what_is_wrong_with_a_view_s_name_is_said_beside_it_and_nothing_is_lost(
    owner: User, reviewer: User, signed_in: SignedIn, name: str
) -> None:
    submitted(owner)
    answer = signed_in(reviewer).post(
        "/desk/?words=depot&age=overdue", {"name": name, "query": "words=depot&age=overdue"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert answer.context["save"].errors["name"]
    assert 'id="id_name-error"' in page or 'id="id_name_error"' in page
    assert 'value="depot"' in page  # the filters stand as they were
    assert "words=depot&amp;age=overdue" in page
    assert not SavedView.objects.exists()


def test_the_table_holds_all_pages_and_no_formula(owner: User, reviewer: User, signed_in: SignedIn) -> None:
    flows.submit(described(owner, name="=HYPERLINK(1)").registration, actor=member(owner))
    for _number in range(3):
        submitted(owner)
    answer = signed_in(reviewer).get("/desk/queue.csv?sort=newest")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["title"] for row in rows] == ["Depot dashboard"] * 3 + ["'=HYPERLINK(1)"]
    assert answer["Content-Disposition"].startswith('attachment; filename="queue-')


def test_a_table_without_rows_has_its_names() -> None:
    assert list(as_csv(["a", "b"], [])) == ["a,b\r\n"]


@pytest.mark.parametrize(
    "asked", ["show=x&stage=y&sort=z&age=w&organisation=o&assignee=a&country=c", "from=%00&words=%00"]
)
def test_filters_that_make_no_sense_are_no_filters(
    owner: User, reviewer: User, signed_in: SignedIn, asked: str
) -> None:
    submitted(owner)
    assert "Depot dashboard" in signed_in(reviewer).get(f"/desk/?{asked}").content.decode()
