"""What pytest leaves out where an extra is not installed."""

from importlib.util import find_spec

# these modules import PyTorch, which only `moderation train encoder` needs
collect_ignore_glob = [] if find_spec("torch") else ["moderation/training/encoder/*.py"]
