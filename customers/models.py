"""Who they are: the person or business behind one or more addresses."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models import Address


class Customer(models.Model):
    """All optional but the id: a customer may be known by a phone number alone."""

    class Party(models.TextChoices):
        INDIVIDUAL = "individual", _("Individual")
        BUSINESS = "business", _("Business")
        GROUP = "group", _("Group chat")

    class Type(models.TextChoices):
        EXTERNAL = "external", _("External")
        INTERNAL = "internal", _("Internal")
        INTERMEDIARY = "intermediary", _("Intermediary")

    class Standing(models.TextChoices):
        PROSPECT = "prospect", _("Prospect")
        WINDOW_SHOPPER = "window_shopper", _("Window-shopper")
        POTENTIAL = "potential", _("Potential")
        NEW = "new", _("New")
        COMMITTED = "committed", _("Committed")
        DEVELOPING = "developing", _("Developing")
        LOYAL = "loyal", _("Loyal")
        ADVOCATE = "advocate", _("Brand advocate")
        REFERRING = "referring", _("Referring")
        CHURNING = "churning", _("Churning")

    name = models.CharField(_("name"), max_length=200, default="", blank=True)
    language = models.CharField(_("language"), max_length=16, default="", blank=True)
    party = models.CharField(max_length=12, choices=Party.choices, default=Party.INDIVIDUAL)
    type = models.CharField(max_length=12, choices=Type.choices, default=Type.EXTERNAL)
    standing = models.CharField(max_length=16, choices=Standing.choices, default="", blank=True)
    note = models.TextField(_("note"), default="", blank=True)
    attributes = models.JSONField(default=dict, db_default={}, blank=True)
    """{name: text, number or true/false} (``notes``); what visitors say of themselves is with their address."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name or str(_("Customer %(id)s") % {"id": self.pk})


class CustomerAddress(models.Model):
    """Which customer an address belongs to. An address knows no customer, so a merge moves links."""

    address = models.OneToOneField(Address, on_delete=models.CASCADE, related_name="customer_link")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.address_id}"


class CustomerTag(models.Model):
    """A word that agents have put on a customer; their own, not one of the tags of tickets."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_index=False, related_name="tags")
    name = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint("customer", Lower("name"), name="customer_tag_once")]
        indexes = [models.Index(Lower("name"), "customer", name="customer_tag_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
