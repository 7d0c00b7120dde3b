"""What runs in a child process because what it opens may be hostile: workbooks, HTML tables, zips.

It imports nothing else of the daemon. The parent is `daemon.reading.sandbox`.
"""
