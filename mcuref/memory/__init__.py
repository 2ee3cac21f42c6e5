"""Where every byte lies: buffers, the planner that places them, the budget that binds them, the arena that holds them.

Nothing here loads Numba, so that an estimate is instant.
"""
