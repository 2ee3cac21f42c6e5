"""Experiments: on what, how long and how fast is trained; methods side by side, on all cores there are."""
