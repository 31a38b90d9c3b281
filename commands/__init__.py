"""What a person types, and what is said to that."""
