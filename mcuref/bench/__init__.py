"""The benchmark of training steps, and the same networks in PyTorch."""
