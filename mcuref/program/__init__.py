"""A network becomes a program: a table of instructions over one arena, compiled once, executed sample by sample."""
