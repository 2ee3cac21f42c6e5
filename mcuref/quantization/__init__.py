"""Quantisation: what int8 values of a network stand for, and how real factors become integers."""
