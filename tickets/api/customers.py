"""Customers: visible to whoever may see one of their tickets, and to all if there is none."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent, Sight
from channels_app.contract import clean_text, fit_id
from channels_app.models import Address
from customers import notes
from customers.models import Customer, CustomerAddress, CustomerTag
from tickets import addresses, people, profiles, shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import Choice, Line, Strict, choice, number, words
from tickets.erasing import known, steps
from tickets.models import Ticket

QUERY = {
    "address": "the platform's id of an address",
    "channel": "id",
    "tag": "name",
    "standing": f"one of {', '.join(Customer.Standing.values)}",
    "type": f"one of {', '.join(Customer.Type.values)}",
    "q": "in name, phone, e-mail and address",
}


def seen_customers(sight: Sight) -> QuerySet[Customer]:
    if sight.teams is None:
        return Customer.objects.all()
    theirs = Ticket.objects.filter(customer=OuterRef("pk"))
    return Customer.objects.filter(Exists(theirs.filter(sight.where("team_id"))) | ~Exists(theirs))


def for_reading(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    links = CustomerAddress.objects.select_related("address__channel").order_by("pk")
    return rows.prefetch_related(Prefetch("links", links), "tags")


def shape(row: Customer) -> shapes.Json:
    return shapes.customer(row, [link.address for link in row.links.all()])


class Customers(Door):
    @says(schema.Customer, listed=True, query=QUERY)
    def get(self, request: Request) -> Response:
        """Newest first."""
        found = seen_customers(self.sight)
        address, channel, term = _address(request), number(request, "channel"), words(request, "q")
        if address:
            links = CustomerAddress.objects.filter(addresses.by_any_id(address, channel))
            found = found.filter(pk__in=links.values("customer"))
        elif channel:
            found = found.filter(
                Exists(CustomerAddress.objects.filter(address__channel=channel, customer=OuterRef("pk")))
            )
        if tag := words(request, "tag"):
            tagged = CustomerTag.objects.alias(small=Lower("name")).filter(small=Lower(Value(tag)))
            found = found.filter(pk__in=tagged.values("customer"))
        if standing := choice(request, "standing", Customer.Standing.values):
            found = found.filter(standing=standing)
        if kind := choice(request, "type", Customer.Type.values):
            found = found.filter(type=kind)
        if term:
            found = found.filter(_matches(term))
        rows, after = pages.by_key(request, for_reading(found), {"pk": int}, newest_first=True)
        return Response(pages.listed(after, map(shape, rows)))


def _address(request: Request) -> list[str]:
    """As it was typed; a bare "+" in an address of the web is a space, so both are looked for."""
    text = clean_text(request.GET.get("address", ""))
    spellings = {text, text.strip(), "+" + text.strip()} if text.startswith(" ") else {text}
    return [fit_id(spelling) for spelling in sorted(spellings) if spelling.strip()]


def _matches(term: str) -> Q:
    by_address = Q()
    for name in ("name", "username", "phone", "email", "external_id"):
        by_address |= Q(**{f"address__{name}__icontains": term})
    links = CustomerAddress.objects.filter(by_address, customer=OuterRef("pk"))
    return Q(name__icontains=term) | Q(Exists(links))


class CustomerChange(Strict):
    name = Line(required=False, allow_blank=True, max_length=200)
    language = Line(required=False, allow_blank=True, max_length=16)
    party = Choice(Customer.Party.values, required=False)
    type = Choice(Customer.Type.values, required=False)
    standing = Choice(Customer.Standing.values, required=False, allow_null=True, help_text="Null: none.")
    tags = serializers.ListField(
        child=Line(max_length=notes.LONGEST_TAG), required=False, max_length=notes.MOST_TAGS, help_text="All of them."
    )
    attributes = serializers.DictField(
        child=serializers.JSONField(allow_null=True), required=False,
        help_text="{name: text, number, true or false}; null takes one away, and what is not named stays.",
    )  # fmt: skip

    def validate_standing(self, value: str | None) -> str:
        return value or ""

    def validate_attributes(self, value: dict[str, Any]) -> dict[str, Any]:
        try:
            return notes.patch_of(value)
        except notes.Wrong as error:
            raise serializers.ValidationError(str(error)) from error


class Profile(Door):
    @says(None, status=204)
    def delete(self, request: Request, address_id: int) -> Response:
        """Forget the name, language and picture that the platform gave. For administrators and leads."""
        address = one(Address.objects.all(), pk=address_id)
        if not profiles.may_see(self.sight, address):
            raise Http404
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        profiles.forget(address.pk, self.by)
        return Response(status=204)


class OneCustomer(Door):
    def _find(self, customer_id: int) -> Customer:
        return one(for_reading(seen_customers(self.sight)), pk=customer_id)

    @says(schema.Customer)
    def get(self, request: Request, customer_id: int) -> Response:
        """With all their addresses. Their tickets: /customers/{id}/tickets/."""
        return Response(shape(self._find(customer_id)))

    @says(schema.Customer, takes=CustomerChange)
    def patch(self, request: Request, customer_id: int) -> Response:
        """Change what is known about them."""
        row = self._find(customer_id)
        wanted = self.read(CustomerChange)
        people.change(row.pk, self.by, self.sight, **wanted)
        return Response(shape(self._find(customer_id)))

    @says(schema.Erasure, status=202, problems=(403,))
    def delete(self, request: Request, customer_id: int) -> Response:
        """Erase them for good. For administrators. Who they were is gone with the answer; the rest follows, and asking
        again says how far it is. Their tickets stay, resolved and without words."""
        row = self._find(customer_id)
        self.administrator()
        found = steps.begin(row.pk, self.agent)
        return Response(
            {
                "customer": found.pk,
                "asked_at": shapes.when(found.asked_at),
                "done_at": shapes.when(found.done_at),
                "tickets": found.tickets,
                "messages": found.messages,
                "files": found.files,
            },
            status=202,
        )


class Export(Door):
    @says(schema.CustomerExport, problems=(403,))
    def get(self, request: Request, customer_id: int) -> Response:
        """All that is known of them, with every message and the names of their files. For administrators."""
        row = one(seen_customers(self.sight), pk=customer_id)
        self.administrator()
        return Response(known.export(row))
