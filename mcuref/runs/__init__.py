"""Runs that survive being killed: their folders, checkpoints, and what is read of them again."""
