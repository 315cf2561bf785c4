"""Reports of past days."""
