"""Stand-ins for services that the demo and the tests may not call for real."""
