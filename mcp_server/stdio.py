"""A session over standard input and output, for clients that start their servers themselves.

The server reads the session's folder and puts what is asked of the session into its inbox, so it works beside a running host and
where there is none. Only
protocol messages reach standard output: the SDK keeps the descriptor and points file descriptor 1 at standard error.
"""

from __future__ import annotations

from mcp.server.stdio import stdio_server

from mcp_server.hosting import read_session
from proda_core.session import SessionFolder


async def serve_stdio(folder: SessionFolder) -> None:
    """Serve the tools that read and steer until the client closes standard input."""
    async with read_session(folder) as server, stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
