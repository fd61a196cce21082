"""Serving: the listening socket, one process that answers, and several that share the socket."""
