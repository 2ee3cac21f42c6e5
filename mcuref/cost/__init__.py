"""What a program costs on a core in executed instructions, by formulas that were fitted to exact counts: nothing runs."""
