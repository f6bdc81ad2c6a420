"""Where: the plan, counties, organisations, places and outlets."""
