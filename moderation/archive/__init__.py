"""Old comments in, scored comments out: files of comments, judged as the service would judge them.

Uses the classifier and the rules; of HTTP only ``wordpress`` knows, which reads and changes a
live blog.
"""
