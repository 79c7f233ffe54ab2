"""What the protocol's conformance suite expects to find at a server: for ``proda serve --conformance-fixtures`` alone."""
