"""What a policy says as a whole: pure functions from a compiled policy to findings."""

from policy.analysis.matrix import Cell, Column, How, Matrix, Row, matrix_of

__all__ = ["Cell", "Column", "How", "Matrix", "Row", "matrix_of"]
