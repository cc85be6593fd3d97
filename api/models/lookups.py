"""Lookups that Django lacks."""

from typing import Any

from django.db.models import Lookup
from django.db.models.fields import BigAutoField
from django.db.models.fields.related import ForeignObject


@BigAutoField.register_lookup
@ForeignObject.register_lookup
class AnyOf(Lookup[Any]):
    """`= ANY(array)`, for a batch of ids: `__in` makes a parameter of each, and the database a
    new plan for every number of them."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", (*params, list(self.rhs))
