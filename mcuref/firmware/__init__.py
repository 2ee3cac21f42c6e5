"""Programs on real cores: compilers, emulator, bit-exact comparison, and what code, stack and instructions it takes."""
