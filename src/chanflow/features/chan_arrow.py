"""The lists of a Chan structure (缠论) for Arrow, in the memory that their columns lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chanflow.features.chan_columns import Columns, arrays_of

if TYPE_CHECKING:
    from nanoarrow.c_array import CArray  # type: ignore[import-untyped]


class ArrowList:
    """One list as an Arrow array of structs, one field per column, named and typed as it is.

    It speaks the Arrow PyCapsule interface, so polars, DuckDB, pyarrow and others read it without a copy. No field
    is nullable: none is -1 or NaN, as in the columns. Whoever reads it keeps the columns alive.
    """

    __slots__ = ("_array", "_length")

    def __init__(self, columns: Columns) -> None:
        self._array = _structs(columns)
        self._length = len(columns)

    def __len__(self) -> int:
        return self._length

    def __arrow_c_schema__(self) -> object:
        """Return the capsule `arrow_schema` of a struct."""
        return self._array.schema.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Return the capsules `arrow_schema` and `arrow_array`.

        Raises NotImplementedError if `requested_schema` is another one than ours: nothing is cast here.
        """
        capsules: tuple[object, object] = self._array.__arrow_c_array__(requested_schema)
        return capsules

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the capsule `arrow_array_stream` of one batch. Raises as `__arrow_c_array__`."""
        import nanoarrow as na  # type: ignore[import-untyped]  # noqa: PLC0415 (as below)

        return na.c_array_stream(self._array).__arrow_c_stream__(requested_schema)


def _structs(columns: Columns) -> CArray:
    import nanoarrow as na  # noqa: PLC0415 (it takes 20 ms to load, and only an export needs it)

    arrays = arrays_of(columns)
    fields: dict[str, Any] = {name: getattr(na, column.dtype.name)(nullable=False) for name, column in arrays.items()}
    # Without a validity buffer; a buffer is the column's own memory, and holds it.
    children = [
        na.c_array_from_buffers(fields[name], len(column), [None, column], null_count=0)
        for name, column in arrays.items()
    ]
    return na.c_array_from_buffers(
        na.struct(fields, nullable=False), len(columns), [None], null_count=0, children=children
    )
