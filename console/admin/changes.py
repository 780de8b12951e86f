"""What a form of the admin changed, for the audit log."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms

_SECRET = ("password", "secret")


def changes(form: Any, formsets: Iterable[Any] | None, *, is_new: bool) -> Iterator[dict[str, Any]]:
    """Each row that was added, changed or deleted, with old and new value of its fields."""
    if fields := _fields(form, is_new=is_new):
        yield {"fields": fields}
    for formset in formsets or ():
        name = str(formset.model._meta.verbose_name)
        added = {row.pk for row in formset.new_objects}
        changed = {row.pk for row, _ in formset.changed_objects}
        for one in formset.forms:
            if (pk := one.instance.pk) in added | changed:
                how = "added" if pk in added else "changed"
                yield {how: f"{name} {one.instance}", "fields": _fields(one, is_new=pk in added)}
        for row in formset.deleted_objects:
            yield {"deleted": f"{name} {row}"}


def _fields(form: Any, *, is_new: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in form.changed_data:
        if any(word in name for word in _SECRET):
            found[name] = "changed"
        elif name in form.cleaned_data and name in form.fields:
            old = None if is_new else _shown(form.fields[name], form.initial.get(name))
            found[name] = [old, _shown(form.fields[name], form.cleaned_data[name])]
    return found


def _shown(field: forms.Field, value: Any) -> Any:
    """A relation by its name; all else as JSON has it."""
    if isinstance(field, forms.ModelChoiceField):
        return str(field.to_python(value)) if value is not None else None
    return value
