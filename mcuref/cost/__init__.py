"""What a program costs on a core: code, stack and instructions, from measured tables and formulas; nothing is run."""
