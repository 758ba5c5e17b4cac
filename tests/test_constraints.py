"""What must never be is forbidden by the database itself, whatever migrations did on the way."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model

OURS = [
    model
    for model in apps.get_models()
    if model._meta.app_config.name in ("agents", "channels_app", "customers", "tickets")
]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_constraint_and_index_of_a_model_is_in_the_database(model: type[Model], db: None) -> None:
    wanted = {item.name for item in (*model._meta.constraints, *model._meta.indexes)}
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    assert wanted <= set(found)
