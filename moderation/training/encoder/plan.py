"""The choices of a training run of the encoder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from moderation.training.encoder.batches import PublicShares, SeedShares
from moderation.training.encoder.fit import FitSettings
from moderation.training.encoder.readings import FUNCTION_OUTPUTS

__all__ = ["EncoderPlan"]

_PUBLIC_WEIGHTS = {
    "germeval_profanity": 0.3,
    "germeval_insult": 0.5,
    "germeval_abuse": 0.5,
    "ad_hominem": 0.5,
}
_SEED_WEIGHTS = {
    "germeval_offence": 0.5,
    "germeval_profanity": 0.1,
    "germeval_insult": 0.3,
    "germeval_abuse": 0.3,
    "gahd_hate": 0.5,
    **dict.fromkeys(FUNCTION_OUTPUTS.values(), 0.05),
}
_RULES = SeedShares(passes=1, public=0.4, document_batches=12, title_only=0.35)


@dataclass(frozen=True, slots=True)
class EncoderPlan:
    """All choices of a training run; those chosen on the development split are the defaults.

    Parameters
    ----------
    frozen, rules_frozen : int
        How many of the lowest layers stay as they are, at first and at last.
    vocabulary : int
        How many pieces are kept.
    comment_tokens, passage_tokens, passages : int
        See ``EncoderSettings``.
    public, seeds : PublicShares, SeedShares
        What is seen how often, first and then.
    rules : tuple of SeedShares
        What is seen how often at last, in rounds; in each the learning rates rise and fall anew.
    more_rules : tuple of SeedShares
        The same, going on from an encoder that has been through all this.
    averaged : int
        Over the ends of how many of ``rules``, the last ones, the weights are averaged; going on,
        over what it started from and all ends of ``more_rules``.
    public_fit, seeds_fit, rules_fit : FitSettings
        How the network is fitted to each.
    """

    frozen: int = 6
    rules_frozen: int = 2
    vocabulary: int = 40_000
    comment_tokens: int = 96
    passage_tokens: int = 96
    passages: int = 8
    public: PublicShares = field(default_factory=PublicShares)
    seeds: SeedShares = field(default_factory=SeedShares)
    rules: tuple[SeedShares, ...] = field(
        default_factory=lambda: tuple(replace(_RULES, passes=passes) for passes in (3, 2, 1))
    )
    more_rules: tuple[SeedShares, ...] = (_RULES, _RULES, _RULES)
    averaged: int = 2
    public_fit: FitSettings = field(
        default_factory=lambda: FitSettings(output_weights=_PUBLIC_WEIGHTS)
    )
    seeds_fit: FitSettings = field(
        default_factory=lambda: FitSettings(output_weights=_SEED_WEIGHTS, learn_context=False)
    )
    # What stands under which article is known by now; asking on drowns what the labels say.
    rules_fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            output_weights=_SEED_WEIGHTS,
            learn_context=False,
            foreign_weight=0.1,
            contrast_weight=0.03,
            token_dropout=0.15,
        )
    )
