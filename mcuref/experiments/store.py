"""Pieces that were done before: to come."""


class PieceStore:
    """To come."""
