"""Facts: goods that changed hands, how they were paid, what was given back."""
