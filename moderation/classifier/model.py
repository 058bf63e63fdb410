"""The classifier itself: load a model, assess comments, save what training made."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import joblib

from moderation.classifier.document import Document
from moderation.classifier.encoder import Encoder
from moderation.classifier.errors import ModelIncompatible
from moderation.classifier.features import FeatureExtractor
from moderation.classifier.heads import Heads
from moderation.classifier.manifest import (
    MANIFEST,
    SCHEMA_VERSION,
    Manifest,
    TrainingSource,
    file_hashes,
    library_versions,
    read_manifest,
)
from moderation.classifier.spans import spans
from moderation.comment import Assessment, Comment, Label, LabelAssessment, ModelVersion

__all__ = ["Classifier", "save_model", "save_without_encoder"]

_HEADS = "heads.joblib"
_MODEL_CARD = "README.md"
ENCODER: Final = "encoder"
"""The folder of a model that holds its encoder, if it has one."""

# Rows of features are wide; this many at a time keep memory small and the overhead smaller.
_BATCH: Final = 256
# Below it no rule in use holds a comment, and reading it again without each of its clauses takes
# several times as long as scoring it.
_WORTH_EXPLAINING: Final = 0.02


class Classifier:
    """Scores comments against the blog's rules and says what the scores rest on.

    Scores of a comment depend on nothing but the comment and the model: alone, in a batch, and in
    any other process they are the same. Instances may be shared between threads.

    Parameters
    ----------
    extractor : FeatureExtractor
        A fitted extractor.
    heads : Heads
        Heads fitted on its rows.
    manifest : Manifest
        What the model says about itself.
    sha256 : str
        The SHA-256 of the manifest, in hexadecimal.
    """

    def __init__(
        self, extractor: FeatureExtractor, heads: Heads, manifest: Manifest, sha256: str
    ) -> None:
        self._extractor = extractor
        self._heads = heads
        self.manifest = manifest
        self.version = ModelVersion(manifest.version, sha256)

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Load a model after checking every one of its files.

        The weights are mapped into memory, so that processes that load the same model share them.

        Parameters
        ----------
        folder : Path
            The model's folder, from the operator's settings, never from a request: loading runs
            code that the files name.

        Returns
        -------
        Classifier

        Raises
        ------
        ModelError
            ``ModelMissing``, ``ModelTampered`` or ``ModelIncompatible``; the message says what
            to do.
        """
        manifest, sha256 = read_manifest(folder)
        try:
            extractor, heads = joblib.load(folder / _HEADS, mmap_mode="r")
        except Exception as error:  # unpickling may raise anything
            raise ModelIncompatible(
                f"The model in {folder} does not fit this program ({type(error).__name__}): train"
                " it again with `moderation train`."
            ) from error
        if any(name.startswith(f"{ENCODER}/") for name in manifest.files):
            extractor = extractor.with_encoder(Encoder.load(folder / ENCODER))
        if any(len(head.weights_) != extractor.n_features for head in heads.heads_.values()):
            raise ModelIncompatible(
                f"The model in {folder} was trained on other features than this program computes:"
                " train it again with `moderation train` or install the release that wrote it."
            )
        return cls(extractor, heads, manifest, sha256)

    def assess(self, comment: Comment, explain: bool = True) -> Assessment:
        """Assess one comment.

        Parameters
        ----------
        comment : Comment
            The comment with all the context there is.
        explain : bool
            Whether to look for spans and evidence.

        Returns
        -------
        Assessment
            A probability for every label, rounded to six decimals. ``off_topic`` is None without
            an article. Explained, ``disparaging`` and ``spam`` have spans, ``off_topic`` has the
            nearest passage of the context as evidence.
        """
        return self.assess_many([comment], explain)[0]

    def assess_many(self, comments: Iterable[Comment], explain: bool = False) -> list[Assessment]:
        """Assess comments; see ``assess``.

        Parameters
        ----------
        comments : iterable of Comment
            Comments with all the context there is.
        explain : bool
            Whether to look for spans and evidence.

        Returns
        -------
        list of Assessment
            In the order of the comments, with exactly the scores that ``assess`` gives to each.
        """
        pending = list(comments)
        assessments: list[Assessment] = []
        for start in range(0, len(pending), _BATCH):
            assessments += self._assess_batch(pending[start : start + _BATCH], explain)
        return assessments

    def _assess_batch(self, comments: Sequence[Comment], explain: bool) -> list[Assessment]:
        documents = [Document.of(comment) for comment in comments]
        scores = self._heads.predict_proba(self._extractor.transform_documents(documents))
        return [
            Assessment(self._judge(document, row.tolist(), explain), self.version)
            for document, row in zip(documents, scores, strict=True)
        ]

    def _judge(
        self, document: Document, scores: Sequence[float], explain: bool
    ) -> dict[Label, LabelAssessment | None]:
        judged: dict[Label, LabelAssessment | None] = {
            label: LabelAssessment(round(score, 6))
            for label, score in zip(self._heads.labels, scores, strict=True)
        }
        if not _has_article(document.comment):
            judged[Label.OFF_TOPIC] = None
        if explain:
            self._explain(document, judged)
        return judged

    def _explain(self, document: Document, judged: dict[Label, LabelAssessment | None]) -> None:
        off_topic = judged.get(Label.OFF_TOPIC)
        if off_topic:
            evidence = self._extractor.evidence(document)
            judged[Label.OFF_TOPIC] = replace(off_topic, evidence=evidence)
        heads = {
            label: head
            for label, head in self._heads.heads_.items()
            if label is not Label.OFF_TOPIC
            and (judgement := judged[label])
            and judgement.score >= _WORTH_EXPLAINING
        }
        if not heads:
            return
        found = spans(document, self._extractor, list(heads.values()))
        for label, passages in zip(heads, found, strict=True):
            judgement = judged[label]
            if judgement:
                judged[label] = replace(judgement, spans=passages)


def _has_article(comment: Comment) -> bool:
    article = comment.article
    return article is not None and bool(article.title.strip() or article.text.strip())


def save_model(
    folder: Path,
    extractor: FeatureExtractor,
    heads: Heads,
    *,
    version: str,
    thresholds: Mapping[Label, Mapping[str, float]],
    training_data: Sequence[TrainingSource],
    metrics: Mapping[str, object],
    encoder: Path | None = None,
    model_card: str | None = None,
    created: datetime | None = None,
) -> Manifest:
    """Write a model so that it is either there as a whole or not at all.

    The files are written to a folder beside the target and brought to disk before that folder
    takes the target's name; a model that was there before is replaced.

    Parameters
    ----------
    folder : Path
        The model's folder.
    extractor : FeatureExtractor
        The fitted extractor.
    heads : Heads
        The fitted heads.
    version : str
        The model's version, such as ``2026.11.1``.
    thresholds : mapping of Label to mapping of str to float
        For every label the score to hold at or above, by target miss rate.
    training_data : sequence of TrainingSource
        What the model was trained on.
    metrics : mapping of str to JSON values
        What was measured.
    encoder : Path, optional
        Folder of the encoder the extractor works with; copied into the model.
    model_card : str, optional
        Text for people, written as ``README.md``.
    created : datetime, optional
        When the model was made, with a time zone; now by default.

    Returns
    -------
    Manifest
        What was written to ``manifest.json``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        draft.chmod(0o755)  # mkdtemp keeps everybody else out
        joblib.dump((extractor, heads), draft / _HEADS, compress=False)
        if encoder is not None:
            shutil.copytree(encoder, draft / ENCODER)
        if model_card is not None:
            (draft / _MODEL_CARD).write_text(model_card, encoding="utf-8")
        manifest = Manifest.model_validate(
            {
                "schema_version": SCHEMA_VERSION,
                "version": version,
                "created": created or datetime.now(UTC).replace(microsecond=0),
                "labels": tuple(heads.labels),
                "features": extractor.settings,
                "heads": heads.settings,
                "thresholds": thresholds,
                "files": file_hashes(draft),
                "libraries": library_versions(),
                "training_data": tuple(training_data),
                "metrics": metrics,
            }
        )
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        for path in (*draft.rglob("*"), draft):
            _bring_to_disk(path)
        _take_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def save_without_encoder(
    folder: Path, target: Path, thresholds: Mapping[Label, Mapping[str, float]] | None = None
) -> Manifest:
    """Write a copy of a model that does not read: many times as fast, and coarser.

    Parameters
    ----------
    folder : Path
        The model; it may have no encoder.
    target : Path
        Folder for the copy.
    thresholds : mapping of Label to mapping of str to float, optional
        The copy's thresholds; those of the model by default.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    """
    manifest = Classifier.load(folder).manifest
    extractor, whole = joblib.load(folder / _HEADS)
    heads = Heads(extractor.slices, whole.settings)
    heads.heads_ = whole.heads_
    for head in heads.heads_.values():
        head.weights_ = head.weights_[: extractor.n_features]  # the encoder's columns are the last
    return save_model(
        target,
        extractor,
        heads,
        version=f"{manifest.version}-without-encoder",
        thresholds=thresholds or manifest.thresholds,
        training_data=manifest.training_data,
        metrics={},
    )


def _take_place(draft: Path, folder: Path) -> None:
    if folder.exists():
        former = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        folder.rename(former / folder.name)
        draft.rename(folder)
        shutil.rmtree(former)
    else:
        draft.rename(folder)
    _bring_to_disk(folder.parent)


def _bring_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
