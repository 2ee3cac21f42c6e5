"""Columns of ``Program.counts``, what the executor counts for each row: work that costs are made of."""

RUNS, MACS, CHOSEN, KEPT, COMPARISONS = range(5)
