"""``moderation train`` and ``moderation evaluate``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from moderation.classifier import ENCODER, Classifier, Encoder, ModelError, save_model
from moderation.comment import Label
from moderation.rules import RuleBook, RulesError
from moderation.seeds import SeedsError, Split, read_corpus, read_pages
from moderation.settings import PROJECT_ROOT, Settings
from moderation.training.card import TIMED, cpu_seconds, model_card
from moderation.training.corpora import CORPORA, CorpusError
from moderation.training.dataset import trainable
from moderation.training.evaluation import (
    as_function_table,
    as_page_table,
    as_table,
    as_trade_off_table,
    trade_offs,
)
from moderation.training.sets import (
    LabelledSet,
    Measured,
    measure,
    measure_pages,
    public_sets,
    seed_sets,
    title_sets,
)
from moderation.training.train import RANDOM_STATE, train_model, training_examples

TRAINABLE = [name for name, corpus in CORPORA.items() if corpus.trainable]

SEEDS_OPTION = click.option(
    "--seeds",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=PROJECT_ROOT / "seeds",
    help="Folder of our own corpus; by default the project's seeds/.",
)
DATA_OPTION = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the public corpora; without it only the seeds are used.",
)


@click.group(invoke_without_command=True)
@click.option("--version", help="Of the model, such as 2026.11.1; needed.")
@DATA_OPTION
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    type=click.Choice(TRAINABLE),
    help="A public corpus to learn from; may be repeated, by default all that may be shipped.",
)
@SEEDS_OPTION
@click.option(
    "--encoder",
    "encoder_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of an encoder that learned from the same seeds; by default that of the model in"
    " use.",
)
@click.option("--without-encoder", is_flag=True, help="Train a model of n-grams alone.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="The model's folder; by default models/<version>.",
)
@click.pass_context
def train(
    context: click.Context,
    *,
    version: str | None,
    data: Path | None,
    corpora: Sequence[str],
    seeds: Path,
    encoder_folder: Path | None,
    without_encoder: bool,
    output: Path | None,
) -> None:
    """Train a model on the seeds and on public corpora whose licence allows it.

    What the seeds call dev and test, and the development part of every corpus, is never learned
    from; the figures on it go into the model's manifest and into its README.md, the model card.
    The same data gives the same model.
    """
    if context.invoked_subcommand is not None:
        return
    if version is None:
        raise click.UsageError("Say which version of the model this is: --version 2026.11.1")
    if corpora and data is None:
        raise click.UsageError("--corpus needs --data, the folder the corpora are in.")
    folder = output or PROJECT_ROOT / "models" / version
    encoder_folder = None if without_encoder else encoder_folder or _encoder_in_use()
    names = (list(corpora) or TRAINABLE) if data is not None else []
    try:
        chosen = trainable(names)
        examples = training_examples(seeds, chosen, data)
        click.echo(f"Learning from {len(examples)} comments …")
        encoder = Encoder.load(encoder_folder) if encoder_folder else None
        trained = train_model(examples, seeds, chosen, data, encoder)
        created = datetime.now(UTC).replace(microsecond=0)

        def save(metrics: dict[str, object], card: str | None = None) -> None:
            save_model(
                folder,
                trained.extractor,
                trained.heads,
                version=version,
                thresholds=trained.thresholds,
                training_data=trained.sources,
                metrics=metrics,
                encoder=encoder_folder,
                model_card=card,
                created=created,
            )

        save({})
        corpus = read_corpus(seeds)
        development, test = seed_sets(corpus, (Split.DEV, Split.TEST))
        sets = [development, test, *title_sets(corpus, [Split.TEST])]
        if data is not None:
            sets += public_sets(data, names, RANDOM_STATE)
        classifier = Classifier.load(folder)
        seconds = cpu_seconds(classifier, [each.comment for each in test.examples[:TIMED]])
        measured = _measure_all(classifier, sets)
        save(
            {each.figures.name: each.figures.as_json() for each in measured},
            model_card(classifier.manifest, measured, development=development, seconds=seconds),
        )
    except (CorpusError, SeedsError, ValueError, RulesError, ModelError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(as_table([each.figures for each in measured]))
    click.echo(
        f"\nThe model is in {folder}. To use it: ln -sfn {folder.name} {folder.parent}/default"
    )


def _encoder_in_use() -> Path | None:
    folder = Settings().model_dir / ENCODER
    return folder if folder.is_dir() else None


@train.command("encoder")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder of the public corpora.",
)
@SEEDS_OPTION
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("checkpoints"),
    show_default=True,
    help="Folder for the state between steps; the same command goes on from it. Empty it to start"
    " anew.",
)
@click.option(
    "--from",
    "start",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of an encoder to go on from, such as models/default/encoder: the seeds teach it"
    " the rules three times more, in an hour or two instead of a day.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), default=2, show_default=True, help="To compute with."
)
@click.option(
    "--bf16",
    "bfloat16",
    is_flag=True,
    help="Compute with 16 bits, for processors with AVX-512 BF16 or AMX: saves a third to a half of"
    " the time.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the encoder; hand it to `moderation train --encoder`.",
)
def train_the_encoder(
    *,
    data: Path,
    seeds: Path,
    checkpoints: Path,
    start: Path | None,
    threads: int,
    bfloat16: bool,
    output: Path,
) -> None:
    """Train the encoder from the base network's weights; needs the "encoder" extra.

    First the public corpora teach it what offends, then the seeds teach it our rules; with --from
    only the latter, and the weights it started from count in the mean that is written. What is
    held back for measuring is never seen. The same data and number of threads give the same
    weights. Hours on a processor without a graphics card.
    """
    try:
        from moderation.training.encoder.base import BaseWeightsError
        from moderation.training.encoder.pipeline import train_encoder
        from moderation.training.encoder.shipped import ShippedEncoderError
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"This needs {error.name}. Run `pip install -e '.[encoder]'`."
        ) from None
    try:
        figures = train_encoder(
            data,
            seeds,
            output,
            checkpoints,
            start=start,
            threads=threads,
            bfloat16=bfloat16,
            log=click.echo,
        )
    except (BaseWeightsError, ShippedEncoderError, CorpusError, SeedsError) as error:
        raise click.ClickException(str(error)) from None
    for label, area in figures.items():
        click.echo(f"{label}: ROC AUC {area:.3f} on the seeds' development split")
    click.echo(f"The encoder is in {output}.")


@click.command()
@click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The model's folder; by default the one in use.",
)
@SEEDS_OPTION
@DATA_OPTION
@click.option(
    "--corpus",
    "corpora",
    multiple=True,
    type=click.Choice(list(CORPORA)),
    help="A public corpus to measure on, if --data is given; may be repeated, by default all.",
)
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice([Split.DEV.value, Split.TEST.value]),
    help="Of the seeds; may be repeated, by default both.",
)
@click.option(
    "--by",
    type=click.Choice(["function"]),
    help="Also print, for each kind of comment in the seeds, the share that is held.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("evaluation"),
    show_default=True,
    help="Folder for evaluation.json and the plots.",
)
def evaluate(
    *,
    model: Path | None,
    seeds: Path,
    data: Path | None,
    corpora: Sequence[str],
    splits: Sequence[str],
    by: str | None,
    output: Path,
) -> None:
    """Measure a model on comments it has not learned from.

    Prints the figures, and writes them as JSON and as precision-recall and reliability plots
    (SVG; needs the "train" extra). "Held" means under the rules in use, with the thresholds of
    this model.
    """
    if corpora and data is None:
        raise click.UsageError("--corpus needs --data, the folder the corpora are in.")
    folder = model or Settings().model_dir
    try:
        corpus = read_corpus(seeds)
        chosen = [Split(each) for each in splits] or [Split.DEV, Split.TEST]
        sets = [*seed_sets(corpus, chosen), *title_sets(corpus, chosen)]
        if data is not None:
            sets += public_sets(data, corpora or list(CORPORA), RANDOM_STATE)
        classifier = Classifier.load(folder)
        measured = _measure_all(classifier, sets)
        pages = measure_pages(read_pages(seeds), classifier, _thresholds(classifier))
    except (CorpusError, SeedsError, RulesError, ModelError) as error:
        raise click.ClickException(str(error)) from None
    figures = [each.figures for each in measured]
    version = classifier.version
    click.echo(f"Model {version.version} ({version.sha256[:12]})\n")
    click.echo(as_table(figures))
    for each in measured:
        if each.figures.verdicts:
            choices = trade_offs(each.scores, each.truth, classifier.manifest.thresholds)
            click.echo(f"\n{as_trade_off_table(each.figures.name, choices)}")
    click.echo(f"\n{as_page_table(pages)}")
    if by == "function":
        for labelled in figures:
            if labelled.functions:
                click.echo(f"\n{as_function_table(labelled)}")
    output.mkdir(parents=True, exist_ok=True)
    body = {
        "model": {"version": version.version, "sha256": version.sha256},
        "sets": [each.as_json() for each in figures],
        "pages": pages.as_json(),
    }
    (output / "evaluation.json").write_text(
        json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    click.echo(f"\nFigures are in {output}/evaluation.json.")
    try:
        from moderation.training.plots import write_plots
    except ModuleNotFoundError:
        click.echo("The plots need matplotlib. Run `pip install -e '.[train]'`.", err=True)
        return
    for each in measured:
        write_plots(output, each.figures.name, each.scores, each.truth)
    click.echo(f"Plots are in {output}/.")


def _measure_all(classifier: Classifier, sets: Sequence[LabelledSet]) -> list[Measured]:
    thresholds = _thresholds(classifier)
    return [measure(each, classifier, thresholds) for each in sets]


def _thresholds(classifier: Classifier) -> dict[Label, float]:
    """Return the scores from which comments are held under the rules in use."""
    rules = RuleBook.load(Settings().rules_file).with_thresholds(classifier.manifest.thresholds)
    return {label: rules.threshold(label) for label in Label}
