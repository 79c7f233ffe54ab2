"""The loop: LangGraph controller, policies beyond the rules, and the command line."""
