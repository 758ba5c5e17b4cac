"""Statements that run with every message: their SQL is built once and used again.

Django takes about a millisecond to put together what SQLite or PostgreSQL answer in a tenth of that. What comes out is
the same: whole instances, converted by Django's own fields. Only for rows without signals, and for plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery
from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler

M = TypeVar("M", bound=Model)


class Hole:
    """Stands for a value in a query that is built before the value is known: a number and a text that none has."""

    def __init__(self, place: int) -> None:
        self.number = 7_310_577_190_000_000_000 + place
        self.text = f"\x1fhole {place}\x1f"


class Select(Generic[M]):
    """One row at most, or None.

    newest = Select(lambda channel: Address.objects.filter(channel=channel.number).order_by("-pk"))
    newest.first(7)
    """

    def __init__(self, build: Callable[..., QuerySet[M]], holes: int = 1) -> None:
        self._build, self._holes = build, [Hole(place) for place in range(holes)]
        self._built: dict[str, _Built] = {}

    def first(self, *values: Any) -> M | None:
        built = self._built.get(connection.vendor)
        if built is None:
            built = self._built[connection.vendor] = _Built(self._build(*self._holes)[:1], self._holes)
        with connection.cursor() as cursor:
            cursor.execute(built.sql, [values[place] if place >= 0 else given for place, given in built.params])
            row = cursor.fetchone()
        return None if row is None else cast("M", built.instance(row))


class _Built:
    def __init__(self, rows: QuerySet[Any], holes: list[Hole]) -> None:
        compiler: SQLCompiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        self.sql, params = compiler.as_sql()
        places = {given: place for place, hole in enumerate(holes) for given in (hole.number, hole.text)}
        self.params: list[tuple[int, Any]] = [(_place(places, one), one) for one in params]
        missing = set(range(len(holes))) - {place for place, _given in self.params}
        if missing:
            raise ValueError(f"the query does not use {missing}")
        select, info = compiler.select, compiler.klass_info
        assert select is not None
        assert info is not None
        columns = info["select_fields"]
        self._compiler, self._model = compiler, info["model"]
        self._from, self._to = columns[0], columns[-1] + 1
        self._names = [one[0].target.attname for one in select[self._from : self._to]]
        self._related = get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]

        self._converters = compiler.get_converters([one[0] for one in select])

    def instance(self, row: Any) -> Any:
        (converted,) = self._compiler.apply_converters([list(row)], self._converters)
        made = self._model.from_db(DEFAULT_DB_ALIAS, self._names, converted[self._from : self._to])
        for populator in self._related:
            populator.populate(converted, made)
        return made


def _place(places: dict[Any, int], given: Any) -> int:
    """Which hole a value of the built query stands for; -1: none."""
    return places.get(given, -1) if isinstance(given, int | str) else -1


# ── Writing ──────────────────────────────────────────────────────────────────────────────────

_inserts: dict[tuple[str, type[Model]], tuple[str, SQLInsertCompiler, list[Any]]] = {}
_updates: dict[tuple[str, type[Model], tuple[str, ...]], tuple[str, list[Any]]] = {}


def insert(row: M) -> M:
    """A new row, with its number; the same as ``save(force_insert=True)``."""
    opts = row._meta
    key = (connection.vendor, type(row))
    if opts.parents or (key not in _inserts and not _prepare(row, key)):
        row.save(force_insert=True)
        return row
    sql, compiler, fields = _inserts[key]
    # Looked up once: ``connection`` asks for the thread's own with every use.
    own = connections[DEFAULT_DB_ALIAS]
    params = [field.get_db_prep_save(field.pre_save(row, add=True), connection=own) for field in fields]
    if any(hasattr(one, "resolve_expression") for one in params):
        row.save(force_insert=True)
        return row
    with own.cursor() as cursor:
        cursor.execute(sql, params)
        returned = own.ops.fetch_returned_insert_columns(cursor, compiler.returning_params)  # type: ignore[attr-defined]
    for field, value in zip(opts.db_returning_fields, returned, strict=True):
        setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


def _prepare(row: Model, key: tuple[str, type[Model]]) -> bool:
    opts = row._meta
    pk = opts.pk
    if not connection.features.can_return_columns_from_insert or pk not in opts.db_returning_fields:
        return False
    if row.pk is not None:
        return False
    fields = [field for field in opts.local_concrete_fields if field is not pk]
    query = InsertQuery(type(row))
    query.insert_values(fields, [row], raw=False)
    compiler = query.get_compiler(DEFAULT_DB_ALIAS)
    assert isinstance(compiler, SQLInsertCompiler)
    compiler.returning_fields = opts.db_returning_fields
    ((sql, params),) = compiler.as_sql()
    if len(params) != len(fields):
        return False  # an expression is in it
    _inserts[key] = (sql, compiler, fields)
    return True


def update(model: type[Model], pk: Any, **values: Any) -> None:
    """These columns of one row; the same as ``filter(pk=pk).update(**values)``, for plain values."""
    if any(hasattr(one, "resolve_expression") for one in values.values()):
        model._default_manager.filter(pk=pk).update(**values)
        return
    names = tuple(values)
    key = (connection.vendor, model, names)
    if key not in _updates:
        _updates[key] = _set(model, names)
    sql, fields = _updates[key]
    plain = (one.pk if isinstance(one, Model) else one for one in values.values())
    own = connections[DEFAULT_DB_ALIAS]
    params = [field.get_db_prep_save(one, connection=own) for field, one in zip(fields, plain, strict=True)]
    with own.cursor() as cursor:
        cursor.execute(sql, [*params, pk])


def _set(model: type[Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    quote = connection.ops.quote_name
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    table, number = quote(model._meta.db_table), quote(str(model._meta.pk.column))
    return f"UPDATE {table} SET {columns} WHERE {number} = %s", fields  # noqa: S608 (our own names)


MOST_VALUES = 30_000
"""In one statement; SQLite takes 32,766, PostgreSQL 65,535."""


def insert_all(rows: Iterable[M]) -> None:
    """New rows, each with its number afterwards, in one statement; the same as ``bulk_create`` for plain values.

    Django puts the text for each value of each row together, and gives SQLite 999 values at most.
    """
    found = list(rows)
    if not found:
        return
    key = (connection.vendor, type(found[0]))
    if key not in _inserts and not _prepare(found[0], key):
        type(found[0])._default_manager.bulk_create(found)
        return
    sql, _compiler, fields = _inserts[key]
    own = connections[DEFAULT_DB_ALIAS]
    head, _values, rest = sql.partition(" VALUES ")
    row, _returning, names = rest.partition(" RETURNING ")
    most = MOST_VALUES // len(fields)
    for some in (found[start : start + most] for start in range(0, len(found), most)):
        params = [
            field.get_db_prep_save(field.pre_save(one, add=True), connection=own) for one in some for field in fields
        ]
        if any(hasattr(one, "resolve_expression") for one in params):
            raise TypeError("plain values only")
        with own.cursor() as cursor:
            cursor.execute(f"{head} VALUES {', '.join([row] * len(some))} RETURNING {names}", params)
            returned = own.ops.fetch_returned_insert_rows(cursor)  # type: ignore[attr-defined]
        for one, values in zip(some, returned, strict=True):
            for field, value in zip(one._meta.db_returning_fields, values, strict=True):
                setattr(one, field.attname, value)
            one._state.adding, one._state.db = False, DEFAULT_DB_ALIAS


def update_all(rows: Iterable[M], *names: str) -> None:
    """These columns of many rows, each with its own values, in one statement; nothing where there are no rows.

    Django's bulk_update asks of each row in a CASE of each column, which costs more than all the rest of a batch.
    """
    found = list(rows)
    if not found:
        return
    own, opts = connections[DEFAULT_DB_ALIAS], found[0]._meta
    quote = own.ops.quote_name
    fields: list[Any] = [opts.get_field(name) for name in names]
    pk: Any = opts.pk
    table, number = quote(opts.db_table), quote(str(pk.column))
    # Both name the columns of VALUES so. What is NULL in all rows has no type by itself.
    given = [
        f"CAST(given.column{place} AS {field.cast_db_type(own)})"
        if own.features.requires_casted_case_in_updates
        else f"given.column{place}"
        for place, field in enumerate(fields, 2)
    ]
    columns = ", ".join(f"{quote(field.column)} = {value}" for field, value in zip(fields, given, strict=True))
    row = f"({', '.join(['%s'] * (1 + len(fields)))})"
    sql = (
        f"UPDATE {table} SET {columns} FROM (VALUES {', '.join([row] * len(found))}) AS given "  # noqa: S608 (our own names)
        f"WHERE {table}.{number} = given.column1"
    )
    params = [
        field.get_db_prep_save(getattr(one, field.attname), connection=own) for one in found for field in (pk, *fields)
    ]
    with own.cursor() as cursor:
        cursor.execute(sql, params)


def known() -> Iterator[str]:
    """What has been built so far, for whoever looks for it in a test."""
    yield from (f"{vendor} {model.__name__}" for vendor, model in _inserts)
