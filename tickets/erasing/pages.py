"""The page on which an administrator erases a customer: what will go, in counts, and a number typed to say so."""

from __future__ import annotations

import json

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from agents.forms import Line
from channels_app.models import Address
from customers.models import Customer
from tickets.erasing import known, steps
from tickets.erasing.models import Erasure
from tickets.staff_pages.doors import administrators, me, one, sent


class Sure(forms.Form):
    """The customer's number, typed: nobody erases by a slip of the hand, and every keyboard has digits."""

    number = Line(max_length=20)

    def __init__(self, customer: Customer, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.customer = customer
        label = _("Type %(number)d, the customer's number, to confirm")
        self.fields["number"].label = label % {"number": customer.pk}
        self.fields["number"].widget.attrs.update(inputmode="numeric", autocomplete="off")

    def clean_number(self) -> str:
        said = str(self.cleaned_data["number"]).removeprefix("#")
        if said != str(self.customer.pk):
            raise ValidationError(_("This is not the number of this customer."))
        return said


@administrators
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, customer_id: int) -> HttpResponse:
    """GET asks, POST with the right number begins; afterwards the page says how far it is."""
    customer = one(Customer.objects.all(), customer_id)
    form = Sure(customer, sent(request))
    row = Erasure.objects.select_related("by").filter(pk=customer.pk).first()
    if request.method == "POST" and row is None and form.is_valid():
        steps.begin(customer.pk, me(request))
        return redirect("customer_erase", customer.pk)
    context = {
        "customer": customer,
        "name": _name(customer),
        "erasure": row,
        "counts": known.counts(customer.pk),
        "form": form,
        "bad": request.method == "POST" and row is None,
    }
    return render(request, "settings/customer_erase.html", context, status=422 if context["bad"] else 200)


def _name(customer: Customer) -> str:
    if customer.name:
        return customer.name
    address = Address.objects.filter(customer_link__customer=customer).order_by("pk").first()
    return str(address or customer)


@administrators
@require_safe
def export(request: HttpRequest, customer_id: int) -> HttpResponse:
    """A file to keep or to hand over. It is looked at and written at once, and kept nowhere."""
    customer = one(Customer.objects.all(), customer_id)
    text = json.dumps(known.export(customer), ensure_ascii=False, indent=2)
    answer = HttpResponse(text, content_type="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="customer-{customer.pk}.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


urlpatterns = [
    path("customers/<int:customer_id>/erase/", erase, name="customer_erase"),
    path("customers/<int:customer_id>/export/", export, name="customer_export"),
]
