"""A model as a library that a build system takes: Arduino, PlatformIO, Zephyr, ESP-IDF, plain CMake."""
