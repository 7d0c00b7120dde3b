"""What runs in a child process because what it opens may be hostile: workbooks, HTML tables, archives.

It imports nothing else of the daemon. The parent is `daemon.reading.sandbox`.
"""
