"""Students asked through a vLLM server: the base loaded once, adapters loaded at run time, for all jobs of a session.

``plan`` is how the server is started, ``keeper`` the process that it lives by, ``users`` who holds it up and finds it, ``client``
its protocol, ``student`` the Student. vLLM lives in an environment of its own: nothing of it is imported here.
"""
