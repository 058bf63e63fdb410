"""Comment moderation for a German technology blog.

The rooms, in the order a newcomer should see them:

``comment``     the plain values everything speaks in: article, comment, assessment, verdict, decision
``classifier``  text in, one probability per rule out, with spans and evidence
``rules``       the blog's rules as data; probabilities and thresholds become a verdict with reasons
``desk``        the use cases of moderation: submit, decide, undo (no HTTP)
``store``       tables, migrations, queries
``api``         what machines call; ``web`` what moderators see; ``app`` puts both together
``archive``     old comments in, scored comments out
``training``    labelled comments in, ``models/`` out, with its evaluation; ``seeds`` reads our own corpus
"""
