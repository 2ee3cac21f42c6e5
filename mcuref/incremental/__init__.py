"""Incremental learning: distil new data, train on the distilled memory, verify, expand the model, record."""
