"""What runs the instructions of int8 programs, as :mod:`mcuref.operations` does those of float32."""
