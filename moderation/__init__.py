"""Comment moderation for a German technology blog.

The rooms, in the order a newcomer should see them:

``comment``     the plain values everything speaks in: article, comment, assessment, verdict
``classifier``  text in, one probability per rule out, with spans and evidence
``rules``       the blog's rules as data; scores and thresholds become a verdict with reasons
``desk``        the use cases of moderation: submit, decide, undo (no HTTP)
``store``       tables, migrations, queries
``wire``        the shape of requests and answers, for HTTP and files alike
``api``         what machines call; ``web`` what moderators see; ``app`` puts both together
``archive``     old comments in, scored comments out
``training``    labelled comments in, ``models/`` out, with its evaluation
``seeds``       our own labelled corpus; ``demo`` shows a part of it on the first start
"""
