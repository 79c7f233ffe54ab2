"""What MCP exposes: one verb per file, typed in and out, and the one registry of them."""
