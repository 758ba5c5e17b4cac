"""What the settings pages' frame asks: where one may go, and what the page is called."""

from __future__ import annotations

from typing import Any

from django import template

from agents import settings_pages

register = template.Library()


@register.simple_tag(takes_context=True)
def settings_places(context: template.Context) -> list[settings_pages.Place]:
    return settings_pages.places(context["request"])


@register.simple_tag(takes_context=True)
def settings_place(context: template.Context) -> Any:
    """The title of the section that the page belongs to."""
    return next((place.section.title for place in settings_pages.places(context["request"]) if place.current), "")
