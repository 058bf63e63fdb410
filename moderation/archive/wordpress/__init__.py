"""A live WordPress: its comments in, decisions about them out, by its REST interface.

Knows WordPress and what an archive is; the commands bring it together with the store.
"""

from moderation.archive.wordpress.connection import Pace
from moderation.archive.wordpress.errors import Refused, SiteError
from moderation.archive.wordpress.site import Site

__all__ = ["Pace", "Refused", "Site", "SiteError"]
