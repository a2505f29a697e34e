"""What every row has: an id, its workspace, and a manager that refuses to read without naming the workspace."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.utils import timezone

from kefu.kit.ids import new_id


class Unscoped(RuntimeError):
    """A query would have read rows of every workspace. A mistake in our code, never a customer's."""


class ScopedQuerySet(models.QuerySet):  # type: ignore[type-arg,misc]
    """A query set that only reads, changes or counts once it was told whose rows it is about."""

    _scoped = False

    def of(self, workspace_id: str) -> Self:
        """Rows of one workspace."""
        scoped = self.filter(workspace_id=workspace_id)
        scoped._scoped = True
        return scoped

    def across_workspaces(self, reason: str) -> Self:
        """Rows of every workspace, for work that belongs to none, such as dispatch. `reason` is for the reader."""
        if not reason:
            raise Unscoped("Say why a query crosses workspaces.")
        everything = self._chain()
        everything._scoped = True
        return everything

    def _clone(self) -> Self:
        copy: Self = super()._clone()  # type: ignore[misc]
        copy._scoped = self._scoped
        return copy

    def _require_scope(self) -> None:
        if not self._scoped:
            raise Unscoped(f"{self.model.__name__}: use .of(workspace_id) before reading or changing rows.")

    def _fetch_all(self) -> None:
        self._require_scope()
        super()._fetch_all()  # type: ignore[misc]

    def iterator(self, *args: Any, **kwargs: Any) -> Any:
        self._require_scope()
        return super().iterator(*args, **kwargs)

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._require_scope()
        return super().aggregate(*args, **kwargs)

    def count(self) -> int:
        self._require_scope()
        return super().count()

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        """Never: SQL of its own hides whose rows it reads. `desk.statements` says how to write it."""
        raise Unscoped(f"{self.model.__name__}: write SQL with desk.statements, which names the workspace.")

    def exists(self) -> bool:
        self._require_scope()
        return super().exists()

    def update(self, **kwargs: Any) -> int:
        self._require_scope()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._require_scope()
        return super().delete()


def now() -> datetime:
    """The present moment, in UTC."""
    return timezone.now()


def row_id(prefix: str) -> Any:
    """The primary key of a table whose ids begin with `prefix_`."""
    return models.CharField(primary_key=True, max_length=32, editable=False, default=IdMaker(prefix))


class IdMaker:
    """A default for ids that migrations can write down."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __call__(self) -> str:
        return new_id(self.prefix)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMaker) and other.prefix == self.prefix

    def __hash__(self) -> int:
        return hash(self.prefix)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "kefu.desk.rows.IdMaker", [self.prefix], {}


class WorkspaceRow(models.Model):
    """Base of every table but the workspace itself."""

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
