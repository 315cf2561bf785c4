"""What is promised of the store."""
