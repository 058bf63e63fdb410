"""Old comments in, scored comments out: files of comments, judged as the service would judge them.

Uses the classifier and the rules; knows nothing of HTTP.
"""
