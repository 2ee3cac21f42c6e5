"""A file per check: `check_x` searches for a failing input, `check_x_case` tries one input given by hand."""
