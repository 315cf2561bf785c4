"""The contract as a machine reads it."""
