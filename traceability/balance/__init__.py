"""Does what left a lot fit what came into it: yields, flows between lots, discrepancies."""
