"""Text in, one calibrated probability per rule out, with the passages it rests on.

It must not know about the web, the database, thresholds in use or verdicts.
"""

from moderation.classifier.encoder import Encoder
from moderation.classifier.errors import (
    ModelError,
    ModelIncompatible,
    ModelMissing,
    ModelTampered,
)
from moderation.classifier.features import FeatureExtractor, FeatureSettings
from moderation.classifier.heads import UNKNOWN, Heads, HeadSettings
from moderation.classifier.manifest import Manifest, TrainingSource
from moderation.classifier.model import (
    ENCODER,
    Classifier,
    save_model,
    save_without_encoder,
)

__all__ = [
    "ENCODER",
    "UNKNOWN",
    "Classifier",
    "Encoder",
    "FeatureExtractor",
    "FeatureSettings",
    "HeadSettings",
    "Heads",
    "Manifest",
    "ModelError",
    "ModelIncompatible",
    "ModelMissing",
    "ModelTampered",
    "TrainingSource",
    "save_model",
    "save_without_encoder",
]
