"""The partners' door: the EPCIS 2.0 REST interface under /epcis, and subscriptions to it."""
