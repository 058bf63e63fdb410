"""`Desk`: the door to everything that can be done at the desk."""

from __future__ import annotations

from moderation.desk.context import Context
from moderation.desk.deciding import Deciding
from moderation.desk.lists import Lists
from moderation.desk.statistics import Counting
from moderation.desk.submitting import Submitting


class Desk(Submitting, Deciding, Lists, Context, Counting):
    """The moderation desk of one blog.

    Parameters
    ----------
    store
        Where comments and decisions are kept.
    classifier
        Scores comments.
    rules
        Turn scores into verdicts; with their thresholds filled in.
    clock
        Tells the time in UTC.
    sample_share
        Share in [0, 1] of the comments the machine approves that people check.
    """
