"""Our own labelled corpus: articles of an invented technology blog and the comments under them.

Reads, checks and describes the files in ``seeds/``; knows nothing of the classifier that is
trained on them.
"""

from moderation.seeds.corpus import (
    FUNCTIONS,
    Corpus,
    Seed,
    SeedArticle,
    SeedsError,
    Split,
    read_corpus,
)
from moderation.seeds.pages import PageComment, read_pages
from moderation.seeds.tweets import TWEETS_FILE, tweet_labels

__all__ = [
    "FUNCTIONS",
    "TWEETS_FILE",
    "Corpus",
    "PageComment",
    "Seed",
    "SeedArticle",
    "SeedsError",
    "Split",
    "read_corpus",
    "read_pages",
    "tweet_labels",
]
