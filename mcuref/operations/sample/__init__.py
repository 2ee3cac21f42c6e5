"""What runs the instructions of a first layer that reads the sample where it lies."""
