"""A column that follows from another one, for an index to find rows by."""

from collections.abc import Callable
from typing import Any

from django.db import models


class DerivedField(models.CharField):
    """Text that is worked out from the field `of` by `by`, whenever the row is saved; cut at max_length.

    An `update()` of that field leaves it as it is: whoever writes one writes both.
    """

    def __init__(self, *args: Any, of: str, by: Callable[[str], str], **kwargs: Any) -> None:
        kwargs |= {"blank": True, "editable": False}
        super().__init__(*args, **kwargs)
        self.of, self.by = of, by

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Say how to make it again, in a migration."""
        name, path, args, kwargs = super().deconstruct()
        return str(name), path, args, {**kwargs, "of": self.of, "by": self.by}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Work it out."""
        value = self.by(getattr(model_instance, self.of))[: self.max_length]
        setattr(model_instance, self.attname, value)
        return value
