"""What leaves a session for other tools: adapters with card and statement, Inspect logs, an OpenTelemetry trace.

Each is derived from log and artifacts alone, written whole or not at all, and the same again from the same session. Sealed items
appear in figures only, and no export changes the session.
"""
