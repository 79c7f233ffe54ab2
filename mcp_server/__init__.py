"""Hosting of the tools as an MCP server; no domain logic."""
