"""Dispatch of int8 programs whose trained weights have a float32 master."""
