"""What is published, in databases."""
