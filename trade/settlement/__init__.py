"""Who is owed what, and the statement that shows it."""
