"""Nearest vectors: exact while a workspace is small, approximate beyond."""

from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

# Up to here one exact product takes under 2 ms on one core; beyond, a graph search is faster and finds nearly the same.
EXACT_ROWS = 20_000
_FEW = 64
# What the graph looks at beyond what was asked: recall above 0.98 of the exact product at 50,000 rows.
_EXPANSION = 128


class VectorIndex:
    """Rows of unit length from one encoder, each belonging to an owner (a passage's number); an owner has several."""

    def __init__(self, exact_rows: int = EXACT_ROWS) -> None:
        self._exact_rows = exact_rows
        self._matrix: Matrix = np.zeros((0, 0), np.float32)
        self._owner: Ids = np.zeros(0, np.int64)
        self._part: Ids = np.zeros(0, np.int64)
        self._size = 0
        self._places: dict[int, list[int]] = {}
        self._graph: Any = None

    def __len__(self) -> int:
        return self._size

    def __contains__(self, owner: int) -> bool:
        return owner in self._places

    def add(self, owner: int, rows: npt.NDArray[Any]) -> None:
        """Add an owner's rows [n, dimension]; `part` of a found row is its place among them."""
        count, dimension = rows.shape
        self._make_room(count, dimension)
        start = self._size
        self._matrix[start : start + count] = rows
        self._owner[start : start + count] = owner
        self._part[start : start + count] = np.arange(count)
        self._places[owner] = list(range(start, start + count))
        self._size += count
        if self._graph is not None:
            self._graph.add(self._keys(owner, count), self._matrix[start : start + count])

    def remove(self, owner: int) -> None:
        """Take an owner's rows out: the last rows move into their places. Unknown owners are ignored."""
        places = self._places.pop(owner, [])
        if self._graph is not None and places:
            self._graph.remove(self._keys(owner, len(places)))
        for place in sorted(places, reverse=True):
            last = self._size - 1
            if place != last:
                self._move(last, place)
            self._size = last

    def renumber(self, new_of: Ids) -> None:
        """Give each owner the number `new_of[owner]`."""
        self._owner[: self._size] = new_of[self._owner[: self._size]]
        self._places = {int(new_of[owner]): places for owner, places in self._places.items()}
        self._graph = None

    def best(self, vector: Matrix, owners: int, count: int) -> tuple[Matrix, Matrix]:
        """The cosine of each owner's first row, and the highest of its others; by owner below `owners`, 0 for none.

        When approximate, only the owners of the nearest `count` rows have any.
        """
        first, others = np.zeros(owners, np.float32), np.zeros(owners, np.float32)
        if not self._size:
            return first, others
        if self._size > self._exact_rows:
            places = self._nearest(vector, count)
            cosines = self._matrix[places] @ vector
        else:
            places = np.arange(self._size)
            cosines = self._matrix[: self._size] @ vector
        owner, is_first = self._owner[places], self._part[places] == 0
        first[owner[is_first]] = np.maximum(cosines[is_first], 0)
        np.maximum.at(others, owner[~is_first], cosines[~is_first])
        return first, others

    def cosines(self, vector: Matrix, owner: int) -> Matrix:
        """The cosine of each of an owner's rows, in order of part; empty for an owner that has none."""
        places = self._places.get(owner)
        if places is None:
            return np.zeros(0, np.float32)
        return (self._matrix[places] @ vector)[np.argsort(self._part[places])]

    def _nearest(self, vector: Matrix, count: int) -> Ids:
        """The places of all rows of the owners of the nearest rows."""
        found = self._built().search(vector, count).keys.astype(np.int64) >> _PART_BITS
        return np.array([place for owner in dict.fromkeys(found.tolist()) for place in self._places[owner]], np.int64)

    def _built(self) -> Any:
        if self._graph is None:
            from usearch.index import Index

            self._graph = Index(ndim=self._matrix.shape[1], metric="ip", dtype="f16", expansion_search=_EXPANSION)
            keys = self._owner[: self._size] << _PART_BITS | self._part[: self._size]
            self._graph.add(keys.astype(np.uint64), self._matrix[: self._size], threads=1)
        return self._graph

    def _keys(self, owner: int, count: int) -> npt.NDArray[np.uint64]:
        return (np.int64(owner) << _PART_BITS | np.arange(count)).astype(np.uint64)

    def _move(self, source: int, target: int) -> None:
        self._matrix[target] = self._matrix[source]
        owner = int(self._owner[source])
        self._owner[target], self._part[target] = owner, self._part[source]
        places = self._places[owner]
        places[places.index(source)] = target

    def _make_room(self, count: int, dimension: int) -> None:
        if not self._matrix.shape[1]:
            self._matrix = np.zeros((_FEW, dimension), np.float32)
            self._owner, self._part = np.zeros(_FEW, np.int64), np.zeros(_FEW, np.int64)
        while self._size + count > len(self._matrix):
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)])
            self._owner = np.concatenate([self._owner, np.zeros_like(self._owner)])
            self._part = np.concatenate([self._part, np.zeros_like(self._part)])


# A passage has fewer than 4,096 rows: its text, its questions and its windows.
_PART_BITS = 12
