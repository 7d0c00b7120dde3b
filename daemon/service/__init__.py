"""The service and its worker. Names nothing: each file is imported by itself, so that a worker loads no web server."""
