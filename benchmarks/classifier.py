"""Measure a model: speed, memory, what 8 bits cost, whether its explanations hold, other platforms.

    python benchmarks/classifier.py [--model DIR] [--data DIR] [--checkpoint FILE]

Prints a table for each question. The lines on the encoder with its exact weights need the extra
"encoder" and the file ``exact.pt`` that ``moderation train encoder`` left; the tables on other
platforms need the folder of the public corpora; ``alt-profanity-check`` is measured too if it is
installed. Of comments and articles nothing is printed.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import chain, count, cycle, islice, pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import joblib
import numpy as np
import psutil
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from moderation.classifier import ENCODER, Classifier, Encoder
from moderation.classifier.document import Document
from moderation.classifier.encoder import (
    RELATION_WEIGHTS,
    TOKENIZER,
    EncoderSettings,
    RelationWeights,
    TextReader,
    Tokens,
)
from moderation.comment import Article, Comment, Label, LabelAssessment, Parent
from moderation.rules import RuleBook
from moderation.seeds import Corpus, Seed, Split, read_corpus
from moderation.settings import PROJECT_ROOT, Settings
from moderation.training.corpora import CORPORA
from moderation.training.sets import LabelledSet, Measured, measure, public_sets, seed_sets
from moderation.training.train import RANDOM_STATE

LENGTHS = (20, 40, 80)
BATCH = 32
SINGLES = 32
BATCHES = 4
WORKERS = 4
DRAWS = 5
PAD = 1
NAMES = ("Kabelsalat", "nordlicht77", "M. Aksoy", "jule_k", "Zugvogel", "Ruedi", "H. Petersen")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"\S+")

Scored = Callable[[Sequence[Comment]], object]


# --- what is measured -------------------------------------------------------------------------


def ngrams_alone(folder: Path, shipped: Classifier) -> Classifier:
    """Return the same model without its encoder: the columns of the encoder come last."""
    extractor, heads = joblib.load(folder / "heads.joblib", mmap_mode="r")
    for head in heads.heads_.values():
        head.weights_ = head.weights_[: extractor.n_features]
    return Classifier(extractor, heads, shipped.manifest, shipped.version.sha256)


class ExactNetwork:
    """The encoder's network in PyTorch, with 32 bits, from a checkpoint of its training.

    ``run`` is that of onnxruntime's session, so that an ``Encoder`` can be made of it.
    """

    def __init__(self, checkpoint: Path, settings: EncoderSettings) -> None:
        import torch

        from moderation.training.encoder.network import Network

        torch.set_num_threads(1)
        self.state = torch.load(checkpoint, weights_only=True)["network"]
        inner = len(self.state["layers.0.fi.bias"])
        self.network = Network(len(self.state["word.weight"]), settings, inner, frozen=0)
        self.network.load_state_dict(self.state)
        self.network.eval()

    def check_belongs_to(self, folder: Path) -> None:
        """Refuse a checkpoint that is not the one an encoder was exported from."""
        exported = RelationWeights.load(folder / RELATION_WEIGHTS).article
        if not np.array_equal(exported, self.state["of_article.weight"][0].numpy()):
            raise click.ClickException(
                "The model's encoder was not exported from this checkpoint; name another one."
            )

    def read(self, texts: Sequence[Tokens]) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors and logits of some texts, read together and padded to one length."""
        import torch

        from moderation.training.encoder.network import Batch, Texts

        longest = max(len(text) for text in texts)
        tokens = torch.tensor([[*text, *[PAD] * (longest - len(text))] for text in texts])
        present = torch.tensor([[place < len(text) for place in range(longest)] for text in texts])
        nothing = torch.empty(0)
        with torch.inference_mode():
            comments = Texts(self.network.read_frozen(tokens, present), present)
            found = self.network(
                Batch(comments, None, None, nothing, nothing, nothing, nothing, nothing)
            )
        return found.vectors.numpy(), found.logits.numpy()

    def run(
        self, _names: Sequence[str], inputs: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return vector and logits of one text."""
        vectors, logits = self.read([tuple(inputs["tokens"].tolist())])
        return vectors[0], logits[0]

    def in_place_of(self, folder: Path, shipped: Classifier) -> Classifier:
        """Return the model with this network for its encoder, everything else the same."""
        own = Encoder.load(folder / ENCODER)
        encoder = Encoder(
            self,  # type: ignore[arg-type]
            reader_of(folder),
            RelationWeights.load(folder / ENCODER / RELATION_WEIGHTS),
            own.settings,
        )
        extractor, heads = joblib.load(folder / "heads.joblib", mmap_mode="r")
        return Classifier(
            extractor.with_encoder(encoder), heads, shipped.manifest, shipped.version.sha256
        )


def reader_of(folder: Path) -> TextReader:
    """Return what makes the tokens of a model's encoder."""
    settings = Encoder.load(folder / ENCODER).settings
    return TextReader(Tokenizer.from_file(str(folder / ENCODER / TOKENIZER)), settings)


# --- speed ------------------------------------------------------------------------------------


def texts_of(length: int, tokenizer: Tokenizer | None, words: Iterator[str]) -> Iterator[str]:
    """Yield texts of so many tokens, marks included, cut out of running words; no two alike."""
    text: list[str] = []
    room = length
    for word in words:
        tokens = len(tokenizer.encode(word, add_special_tokens=False).ids) if tokenizer else 1
        if text and tokens > room:
            yield " ".join(text)
            text, room = [], length
        # two marks and the sign that this is a comment come before the first word
        room -= tokens + (0 if text else 4)
        text.append(word)


def milliseconds(scored: Scored, comments: Sequence[Comment], size: int) -> float:
    """Return the median processor time a comment takes in batches of some size."""
    took = []
    for start in range(0, len(comments), size):
        part = comments[start : start + size]
        begin = time.process_time()
        scored(part)
        took.append((time.process_time() - begin) / len(part) * 1000)
    return statistics.median(took[1:])


def readers(
    folder: Path, shipped: Classifier, exact: ExactNetwork | None
) -> Iterator[tuple[str, Scored]]:
    """Yield what is timed, by name."""
    yield "the whole classifier", shipped.assess_many
    if has_encoder(shipped):
        encoder = Encoder.load(folder / ENCODER)
        yield (
            "its encoder alone (8 bits)",
            lambda part: encoder.encode([Document.of(each) for each in part]),
        )
    if exact is not None:
        reader = reader_of(folder)
        yield (
            "the encoder in PyTorch (32 bits)",
            lambda part: exact.read([reader.comment(Document.of(each)) for each in part]),
        )
    yield "its n-grams alone", ngrams_alone(folder, shipped).assess_many
    if find_spec("profanity_check") is not None:
        from profanity_check import predict_prob

        yield "alt-profanity-check", lambda part: predict_prob([each.text for each in part])


def print_speed(
    folder: Path, shipped: Classifier, exact: ExactNetwork | None, corpus: Corpus
) -> None:
    """Print milliseconds a comment, by length, alone and in a batch."""
    seeds = list(corpus.of(Split.TRAIN))
    article = seeds[0].comment.article
    random.Random(1).shuffle(seeds)
    words = chain.from_iterable(seed.comment.text.split() for seed in cycle(seeds))
    tokenizer = None
    if has_encoder(shipped):
        tokenizer = Tokenizer.from_file(str(folder / ENCODER / TOKENIZER))
    rows = []
    for name, scored in readers(folder, shipped, exact):
        took = []
        for length in LENGTHS:
            texts = texts_of(length, tokenizer, words)
            for size, calls in ((1, SINGLES), (BATCH, BATCHES)):
                made = [Comment(text, article=article) for text in islice(texts, size * calls)]
                took.append(milliseconds(scored, made, size))
        rows.append([name, *(f"{each:.2f}" for each in took)])
    sizes = [f"{length} tokens, {how}" for length in LENGTHS for how in ("single", f"by {BATCH}")]
    print_table(
        "Milliseconds of one processor core a comment, under an article already read",
        ["what", *sizes],
        rows,
    )
    if exact is None:
        print('\nPyTorch is left out: it needs the extra "encoder" and --checkpoint.')


def made_up(corpus: Corpus) -> Iterator[Comment]:
    """Yield endless comments: the seeds, thread by thread, with other numbers, signed by others."""
    for number in count():
        for seed in corpus.seeds:
            article, parent = seed.comment.article, seed.comment.parent
            yield replace(
                seed.comment,
                text=_varied(seed.comment.text, number),
                article=article and Article(_varied(article.title, number), article.text),
                parent=parent and Parent(_varied(parent.text, number)),
            )


def _varied(text: str, number: int) -> str:
    name = NAMES[number % len(NAMES)]
    return f"{_NUMBER.sub(lambda found: str(int(found[0]) + number), text)} – {name} {number}"


def _score(classifier: Classifier, comments: Sequence[Comment]) -> None:
    with threadpool_limits(1):
        classifier.assess_many(comments)


def print_throughput(shipped: Classifier, comments: Sequence[Comment]) -> None:
    """Print how many comments two processes score in a second."""
    fork = multiprocessing.get_context("fork")
    half = len(comments) // 2
    begin, before = time.perf_counter(), _children_seconds()
    workers = [
        fork.Process(target=_score, args=(shipped, part))
        for part in (comments[:half], comments[half:])
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise click.ClickException("A process that scored comments has failed.")
    seconds, busy = time.perf_counter() - begin, _children_seconds() - before
    print_table(
        f"{len(comments)} comments in two processes",
        ["comments a second", "of processor time a comment", "a second with two cores for itself"],
        [
            [
                f"{len(comments) / seconds:.0f}",
                f"{busy / len(comments) * 1000:.2f} ms",
                f"{2 * len(comments) / busy:.0f}",
            ]
        ],
    )


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# --- memory -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Memory:
    """Seconds to load the model, and megabytes of all processes together with each worker more."""

    load_seconds: float
    together: list[float]


def _work(
    folder: Path, loaded: Classifier | None, comments: Sequence[Comment], say: Connection
) -> None:
    """Be a worker: load the model unless it is there, score, and stay."""
    classifier = loaded or Classifier.load(folder)
    classifier.assess_many(comments)
    say.send("ready")
    say.recv()


def _master(folder: Path, preload: bool, comments: Sequence[Comment], say: Connection) -> None:
    """Be what gunicorn's master is: import the application, fork workers one by one."""
    import moderation.app  # noqa: F401 - so that its pages are shared, as when serving

    begin = time.perf_counter()
    loaded = Classifier.load(folder) if preload else None
    seconds = time.perf_counter() - begin
    fork = multiprocessing.get_context("fork")
    me = psutil.Process()
    together, workers = [], []
    for _ in range(WORKERS):
        ours, theirs = fork.Pipe()
        worker = fork.Process(target=_work, args=(folder, loaded, comments, theirs))
        worker.start()
        ours.recv()
        workers.append((worker, ours))
        family = [me, *me.children()]
        together.append(sum(each.memory_full_info().pss for each in family) / 2**20)
    for worker, ours in workers:
        ours.send("enough")
        worker.join()
    say.send(Memory(seconds, together))


def memory(folder: Path, preload: bool, comments: Sequence[Comment]) -> Memory:
    """Return what workers take, measured in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    master = spawn.Process(target=_master, args=(folder, preload, comments, theirs))
    master.start()
    theirs.close()
    try:
        found: Memory = ours.recv()
    except EOFError:
        raise click.ClickException("The process that measures memory has failed.") from None
    master.join()
    return found


def print_memory(folder: Path, comments: Sequence[Comment]) -> None:
    """Print memory (proportional set size) of workers, forked before or after loading."""
    found = {
        "loaded once, then forked": memory(folder, True, comments),
        "each worker loads it (moderation serve)": memory(folder, False, comments),
    }
    heads = ["MB", "first worker and master"]
    print_table(
        "Memory",
        heads + [f"worker {number} adds" for number in range(2, WORKERS + 1)],
        [
            [name, *(f"{each:.0f}" for each in (m.together[0], *_steps(m.together)))]
            for name, m in found.items()
        ],
    )
    seconds = found["loaded once, then forked"].load_seconds
    print(f"\nLoading the model takes {seconds:.2f} seconds.")


def _steps(values: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(values)]


# --- 8 bits against 32 ------------------------------------------------------------------------


def print_exactness(labelled: LabelledSet, shipped: Classifier, exact: Classifier) -> None:
    """Print what the 8-bit weights change, against those that were trained."""
    thresholds = thresholds_of(shipped)
    ours, theirs = (measure(labelled, each, thresholds) for each in (shipped, exact))
    print_table(
        f"8-bit encoder against 32 bits, {labelled.name}",
        ["label", "AUC, 8 bits", "AUC, 32 bits", "difference", "greatest change of a score"],
        [
            [
                label,
                f"{ours.figures.labels[label].roc_auc:.4f}",
                f"{theirs.figures.labels[label].roc_auc:.4f}",
                f"{found.roc_auc - theirs.figures.labels[label].roc_auc:+.4f}",
                f"{np.abs(ours.scores[label] - theirs.scores[label]).max():.3f}",
            ]
            for label, found in ours.figures.labels.items()
        ],
    )
    changed = _held(ours, thresholds) != _held(theirs, thresholds)
    print(f"\nVerdicts changed: {changed.mean():.2%} of {len(changed)}.")


def _held(measured: Measured, thresholds: dict[Label, float]) -> np.ndarray[Any, np.dtype[np.bool]]:
    found = measured.scores.items()
    return np.logical_or.reduce([scores >= thresholds[label] for label, scores in found])


def thresholds_of(classifier: Classifier) -> dict[Label, float]:
    """Return the scores from which comments are held under the rules in use."""
    rules = RuleBook.load(Settings().rules_file).with_thresholds(classifier.manifest.thresholds)
    return {label: rules.threshold(label) for label in Label}


# --- explanations -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drops:
    """By how much a score falls without the marked words, and without others (mean of draws)."""

    marked: float
    others: float


def drops(
    comment: Comment,
    label: Label,
    judged: LabelAssessment,
    classifier: Classifier,
    chance: random.Random,
) -> Drops | None:
    """Delete what is marked, and as many words elsewhere; None if every word is marked."""
    words = [found.span() for found in _WORD.finditer(comment.text)]
    runs = [
        sum(start < span.end and end > span.start for start, end in words) for span in judged.spans
    ]
    if sum(runs) >= len(words):
        return None
    without = [_without(comment.text, [(span.start, span.end) for span in judged.spans])]
    for _ in range(DRAWS):
        places = placed(runs, len(words), chance)
        without.append(_without(comment.text, [(words[a][0], words[b - 1][1]) for a, b in places]))
    assessed = classifier.assess_many([replace(comment, text=text) for text in without])
    found = [judged.score - left.score for each in assessed if (left := each.labels[label])]
    return Drops(found[0], statistics.mean(found[1:]))


def placed(runs: Sequence[int], words: int, chance: random.Random) -> list[tuple[int, int]]:
    """Return places for runs of words, drawn at random, none over another.

    ``[2, 1]`` among five words may give ``[(0, 2), (3, 4)]``: first word, the one after the last.
    """
    order = chance.sample(list(runs), len(runs))
    free = words - sum(runs)
    places, before = [], 0
    for number, slot in enumerate(sorted(chance.sample(range(free + len(runs)), len(runs)))):
        start = slot - number + before
        places.append((start, start + order[number]))
        before += order[number]
    return places


def _without(text: str, passages: Sequence[tuple[int, int]]) -> str:
    for start, end in sorted(passages, reverse=True):
        text = text[:start] + text[end:]
    return " ".join(text.split())


def print_faithfulness(seeds: Sequence[Seed], classifier: Classifier) -> None:
    """Print how often deleting the marked words lowers a score by more than deleting others."""
    chance = random.Random(RANDOM_STATE)
    thresholds = thresholds_of(classifier)
    comments = [seed.comment for seed in seeds]
    found: dict[Label, list[Drops]] = {}
    flagged: dict[Label, int] = {}
    for comment, assessment in zip(
        comments, classifier.assess_many(comments, explain=True), strict=True
    ):
        for label, judged in assessment.labels.items():
            if label is Label.OFF_TOPIC or not judged or judged.score < thresholds[label]:
                continue
            flagged[label] = flagged.get(label, 0) + 1
            drop = drops(comment, label, judged, classifier, chance)
            if judged.spans and drop:
                found.setdefault(label, []).append(drop)
    print_table(
        "Explanations: flagged comments of the seeds' test split without their marked words",
        [
            "label",
            "flagged",
            "marked in part",
            "marked words lower the score more than random ones",
            "mean drop, marked",
            "mean drop, random",
        ],
        [
            [
                label,
                str(flagged[label]),
                str(len(each)),
                f"{statistics.mean(drop.marked > drop.others for drop in each):.1%}",
                f"{statistics.mean(drop.marked for drop in each):.3f}",
                f"{statistics.mean(drop.others for drop in each):.3f}",
            ]
            for label, each in found.items()
        ],
    )


# --- other platforms --------------------------------------------------------------------------


def print_measured_only(folder: Path, shipped: Classifier, data: Path, most: int) -> None:
    """Print ROC AUC on sets that no model may learn from, beside that of the n-grams alone."""
    thresholds = thresholds_of(shipped)
    ngrams = ngrams_alone(folder, shipped)
    chance = random.Random(RANDOM_STATE)
    names = [name for name, corpus in CORPORA.items() if not corpus.trainable]
    rows = []
    for labelled in public_sets(data, names, RANDOM_STATE):
        examples = labelled.examples
        if len(examples) > most:
            examples = tuple(chance.sample(examples, most))
        part = replace(labelled, examples=examples)
        whole, alone = (measure(part, each, thresholds).figures for each in (shipped, ngrams))
        rows += [
            [
                labelled.name,
                label,
                str(figures.comments),
                f"{figures.roc_auc:.3f}",
                f"{alone.labels[label].roc_auc:.3f}",
            ]
            for label, figures in whole.labels.items()
        ]
    print_table(
        "Other platforms, never learned from",
        ["set", "label", "comments", "AUC", "AUC, n-grams alone"],
        rows,
    )


# --- all of it --------------------------------------------------------------------------------


def has_encoder(classifier: Classifier) -> bool:
    """Whether a model has an encoder."""
    return any(name.startswith(f"{ENCODER}/") for name in classifier.manifest.files)


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table under its title."""
    print(f"\n{title}\n")
    print(f"| {' | '.join(head)} |\n|{'---|' + '--:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command(help=__doc__)
@click.option("--model", type=_FOLDER, help="The model's folder; by default the one in use.")
@click.option("--data", type=_FOLDER, help="Folder of the public corpora.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Of the training that made the model's encoder: its file exact.pt.",
)
@click.option("--comments", default=10_000, show_default=True, help="For two processes.")
@click.option("--most", default=2_000, show_default=True, help="Comments of each public corpus.")
def main(
    model: Path | None, data: Path | None, checkpoint: Path | None, comments: int, most: int
) -> None:
    """Measure and print."""
    folder = model or Settings().model_dir
    shipped = Classifier.load(folder)
    corpus = read_corpus(PROJECT_ROOT / "seeds")
    exact = None
    if checkpoint is not None and has_encoder(shipped):
        if find_spec("torch") is None:
            raise click.ClickException("--checkpoint needs PyTorch: pip install -e '.[encoder]'.")
        exact = ExactNetwork(checkpoint, Encoder.load(folder / ENCODER).settings)
        exact.check_belongs_to(folder / ENCODER)
    print(f"Model {shipped.version.version} ({shipped.version.sha256[:12]})")
    with threadpool_limits(1):
        print_speed(folder, shipped, exact, corpus)
        print_throughput(shipped, list(islice(made_up(corpus), comments)))
        print_memory(folder, list(islice(made_up(corpus), 2 * BATCH)))
        dev, test = seed_sets(corpus, (Split.DEV, Split.TEST))
        if exact is not None:
            both = LabelledSet("seeds dev and test", dev.examples + test.examples)
            print_exactness(both, shipped, exact.in_place_of(folder, shipped))
        print_faithfulness(corpus.of(Split.TEST), shipped)
        if data is not None:
            print_measured_only(folder, shipped, data, most)


if __name__ == "__main__":
    main()
