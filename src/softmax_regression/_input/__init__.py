"""What a user gives: every check, and every message about it."""
