"""The whole training, on a network and on corpora small enough for a test; needs PyTorch."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from moderation.classifier.document import Document
from moderation.classifier.encoder import NETWORK, TOKENIZER, Encoder
from moderation.comment import Article, Comment
from moderation.training.corpora import CORPORA
from moderation.training.encoder.batches import PublicShares, SeedShares
from moderation.training.encoder.readings import OUTPUTS

pytest.importorskip("torch")

import torch

from moderation.training.encoder.pipeline import EXACT, train_encoder
from moderation.training.encoder.plan import EncoderPlan
from moderation.training.encoder.shipped import ShippedEncoderError, shipped_weights

PLAN = EncoderPlan(
    frozen=1,
    vocabulary=60,
    public=PublicShares(germeval=1, gahd=1, argotario=1, document_batches=2),
    seeds=SeedShares(passes=1),
    rules=(SeedShares(passes=1, document_batches=1), SeedShares(passes=1)),
    more_rules=(SeedShares(passes=1), SeedShares(passes=1)),
)
CIMT = "id\tdocument_id\tsentence_nr\tcontent\tcode\ttitle/text\tcurated/single\tdataset\turl\n"
ARGOTARIO = "Topic\tStance\tIntended Fallacy\tVoted Fallacy\tNumber of Votes\tText\n"
GAHD = "gahd_id\ttext\tlabel\tround\tsplit\tcontrastive_gahd_id\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Corpora of invented sentences, each in its publisher's format."""
    texts = {
        "germeval2018": "".join(
            f"kabel nummer {n}\t" + ("OFFENSE\tINSULT\n" if n % 3 else "OTHER\tOTHER\n")
            for n in range(40)
        ),
        "gahd": GAHD + "".join(f"g{n}\tlampe {n}\t{n % 2}\tR1\ttrain\t\n" for n in range(40)),
        "argotario-de": ARGOTARIO
        + "".join(f"thema {n}\tpro\tAd Hominem\t-\t0\tsatz {n}\n" for n in range(20)),
        "cimt": CIMT
        + "".join(
            f"{n}\tD{n // 3}\t{n % 3}\tder weg {n} hat sehr viele steine\tmpos\ttext\tsingle"
            "\tCD_B\tu\n"
            for n in range(60)
        ),
    }
    for name, text in texts.items():
        path = tmp_path / "data" / CORPORA[name].file
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text.encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return tmp_path / "data"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """Six articles with eight comments each, two of them for development."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    articles, comments = [], []
    for number in range(6):
        article = f"a{number:03d}"
        articles.append(
            {
                "id": article,
                "title": f"ding {number} im test",
                "author": "max muster",
                "tags": [f"art {number % 2}"],
                "text": f"das ding {number} ist neu und kostet {number} euro",
            }
        )
        for place in range(8):
            comments.append(
                {
                    "id": f"{article}-{place:02d}",
                    "article": article,
                    "parent": f"{article}-00" if place == 3 else None,
                    "text": f"also das ding {number} finde ich nach {place} tagen noch gut",
                    "labels": {
                        "disparaging": place % 2,
                        "off_topic": int(place == 5),
                        "spam": int(place == 6),
                    },
                    "function": "opinion" if place in {0, 2, 4} else "reader_insult",
                    "severity": None,
                    "borderline": place == 2,
                    "split": "dev" if number > 3 else "train",
                    "pair": "A" if place < 2 else None,
                }
            )
    for name, rows in (("articles", articles), ("comments", comments)):
        lines = [json.dumps(row) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def train(data: Path, seeds: Path, small_base: Path) -> Callable[..., dict[str, float]]:
    """Train the small network; takes output, checkpoints and further arguments."""
    return partial(
        train_encoder, data, seeds, base_weights=small_base, plan=PLAN, threads=1, log=print
    )


def test_it_goes_on_from_an_encoder_it_wrote(
    tmp_path: Path, train: Callable[..., dict[str, float]]
) -> None:
    folders = [tmp_path / name for name in ("first", "more", "checkpoints")]
    first, more, checkpoints = folders
    train(first, checkpoints)
    exact = torch.load(checkpoints / EXACT, weights_only=True)["network"]
    for name, values in shipped_weights(first).items():
        lost = values - exact[name].numpy()[: len(values)]
        assert np.linalg.norm(lost) <= 0.03 * np.linalg.norm(values), name

    figures = train(more, checkpoints, start=first)
    assert set(figures) == {"disparaging", "off_topic", "spam"}
    assert (more / TOKENIZER).read_bytes() == (first / TOKENIZER).read_bytes()
    one, two, mean = (
        torch.load(checkpoints / name, weights_only=True)["network"]["out.weight"]
        for name in ("more-rules-1.pt", "more-rules-2.pt", EXACT)
    )
    start = torch.from_numpy(shipped_weights(first)["out.weight"])
    assert not torch.equal(one, start)
    torch.testing.assert_close(mean, (start + one + two) / 3)


def test_it_goes_on_from_no_encoder_of_another_shape(
    tmp_path: Path, train: Callable[..., dict[str, float]]
) -> None:
    train(tmp_path / "first", tmp_path / "checkpoints")
    with pytest.raises(ShippedEncoderError, match=r"another shape.*without --from"):
        train(
            tmp_path / "more",
            tmp_path / "checkpoints",
            start=tmp_path / "first",
            plan=replace(PLAN, comment_tokens=48),
        )
    (tmp_path / "empty").mkdir()
    with pytest.raises(ShippedEncoderError, match="no encoder in"):
        train(tmp_path / "more", tmp_path / "checkpoints", start=tmp_path / "empty")


def test_with_16_bits_it_learns_about_the_same(
    tmp_path: Path, train: Callable[..., dict[str, float]]
) -> None:
    ends = []
    for name in ("32", "16"):
        train(tmp_path / name, tmp_path / f"steps {name}", bfloat16=name == "16")
        ends.append(torch.load(tmp_path / f"steps {name}" / EXACT, weights_only=True)["network"])
    exact, half = (each["layers.1.fo.weight"] for each in ends)
    assert not torch.equal(exact, half)
    torch.testing.assert_close(exact, half, atol=0.01, rtol=0)


def test_it_writes_an_encoder_that_loads_and_goes_on_from_its_checkpoints(
    tmp_path: Path, train: Callable[..., dict[str, float]]
) -> None:
    lines: list[str] = []

    def run(output: str, checkpoints: str) -> dict[str, float]:
        return train(tmp_path / output, tmp_path / checkpoints, log=lines.append)

    figures = run("first", "checkpoints")
    assert set(figures) == {"disparaging", "off_topic", "spam"}
    assert lines[0] == "Learning from the public corpora …"
    document = Document.of(Comment("das ding ist gut", article=Article("ding 1 im test")))
    encoder = Encoder.load(tmp_path / "first")
    assert encoder.settings.outputs == OUTPUTS
    encoded = encoder.encode([document])
    assert np.isfinite(encoded).all()

    first, last, exact = (
        torch.load(tmp_path / "checkpoints" / name, weights_only=True)["network"]
        for name in ("rules-1.pt", "rules-2.pt", EXACT)
    )
    assert not torch.equal(first["out.weight"], last["out.weight"])
    for name, values in exact.items():
        torch.testing.assert_close(values, (first[name] + last[name]) / 2)

    assert run("resumed", "checkpoints") == figures
    assert run("anew", "others") == figures
    for other in ("resumed", "anew"):
        for name in (NETWORK, TOKENIZER):
            written, again = (tmp_path / folder / name for folder in ("first", other))
            assert written.read_bytes() == again.read_bytes()
