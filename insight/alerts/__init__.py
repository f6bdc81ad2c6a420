"""What somebody should look at today."""
