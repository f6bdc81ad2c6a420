"""The resolver: from a Digital Link URI to what is known about the thing it names."""
