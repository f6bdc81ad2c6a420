"""What the pages of this door read."""
