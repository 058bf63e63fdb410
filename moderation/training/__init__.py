"""Labelled comments in, a model folder out, with its evaluation.

Knows the classifier and the comment types; knows nothing of HTTP, the desk or the store.
"""
