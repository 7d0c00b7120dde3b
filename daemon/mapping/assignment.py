"""The assignment problem: of all ways to pair rows with columns, one to one, the one with the highest sum of scores."""

import numpy as np
from numpy.typing import NDArray


def best_pairs(scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The pairs (row, column) with a score above zero of the best assignment; `scores` are zero or more, rows by columns.

    The Hungarian method with shortest augmenting paths (Kuhn 1955, Munkres 1957, Jonker and Volgenant 1987): rows x columns^2.
    """
    rows, columns = scores.shape
    if rows > columns:
        return sorted((row, column) for column, row in best_pairs(scores.T))
    costs = scores.max(initial=0) - scores
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)
    """What rows and columns have been credited so far; index 0 stands for none."""
    owner = np.zeros(columns + 1, dtype=int)
    for row in range(1, rows + 1):
        owner[0], at = row, 0
        least, came_from = np.full(columns + 1, np.inf), np.zeros(columns + 1, dtype=int)
        visited = np.zeros(columns + 1, dtype=bool)
        while owner[at]:
            visited[at] = True
            reached = costs[owner[at] - 1] - of_row[owner[at]] - of_column[1:]
            nearer = ~visited[1:] & (reached < least[1:])
            least[1:][nearer], came_from[1:][nearer] = reached[nearer], at
            following = int(np.where(visited[1:], np.inf, least[1:]).argmin()) + 1
            step = least[following]
            of_row[owner[visited]] += step
            of_column[visited] -= step
            least[~visited] -= step
            at = following
        while at:
            owner[at], at = owner[came_from[at]], int(came_from[at])
    return sorted(
        (int(owner[column]) - 1, column - 1)
        for column in range(1, columns + 1)
        if owner[column] and scores[owner[column] - 1, column - 1] > 0
    )
