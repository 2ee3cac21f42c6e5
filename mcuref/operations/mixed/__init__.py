"""What runs the instructions of programs with an int8 body and a float32 head: what lies between the two, and dispatch."""
