"""The parts that need PyTorch; skipped without the extra ``encoder``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession

from moderation.classifier.document import Document
from moderation.classifier.encoder import (
    NETWORK,
    TOKENIZER,
    ArticleTokens,
    Encoder,
    EncoderSettings,
    TextReader,
)
from moderation.comment import Article, Comment, Parent
from moderation.training.encoder import export as exporting
from moderation.training.encoder.export import exact_model, export
from moderation.training.encoder.readings import Reading
from moderation.training.encoder.vocabulary import build_tokenizer

torch = pytest.importorskip("torch")

from moderation.training.encoder.fit import (  # noqa: E402
    FitSettings,
    FrozenStates,
    fit,
    predict,
)
from moderation.training.encoder.network import Network  # noqa: E402

OUTPUTS = ("disparaging", "off_topic")
SETTINGS = EncoderSettings(
    layers=2,
    attention_heads=2,
    width=64,
    comment_tokens=24,
    passage_tokens=24,
    passages=3,
    outputs=OUTPUTS,
    related="off_topic",
)
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyzäöüß:"]


def packed_words() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(8)
    blocks = (len(PIECES), SETTINGS.width // 32)
    scales = np.full(blocks, 0.25, dtype=np.float16)
    return scales, chance.integers(0, 256, (*blocks, 16), dtype=np.uint8)


def new_network(dropout: float = 0.0) -> Network:
    torch.manual_seed(5)
    network = Network(len(PIECES), SETTINGS, 128, frozen=1, dropout=dropout)
    scales, packed = packed_words()
    signed = np.concatenate((packed & 15, packed >> 4), axis=2).astype(np.float32) - 8
    words = (signed * scales[..., None].astype(np.float32)).reshape(len(PIECES), -1)
    network.word.weight.data = torch.from_numpy(words)
    for part in (network.of_article, network.of_parent):
        part.weight.data = torch.randn_like(part.weight)
    return network.eval()


HERE, THERE = ArticleTokens((0, 9, 10, 2), ((0, 11, 2), (0, 12, 2))), ArticleTokens((0, 8, 2), ())


def reading(number: int, **changes: object) -> Reading:
    base = Reading(
        comment=(0, *range(5, 6 + number % 7), 2),
        targets={"disparaging": float(number % 2)},
        article=HERE,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_an_article_shared_by_comments_is_in_the_batch_once() -> None:
    rows = [reading(0), reading(1, parent=(0, 7, 2)), reading(2, article=None)]
    batch = FrozenStates(new_network()).batch(rows, OUTPUTS)
    assert batch.context is not None
    assert batch.articles is not None
    assert len(batch.context.present) == 4  # title, two passages, parent
    assert batch.article.tolist() == [0, 0, -1]
    assert batch.parent.tolist() == [-1, 3, -1]
    assert batch.targets[0, 0] == 0
    assert torch.isnan(batch.targets[:, 1]).all()


def test_padding_and_neighbours_do_not_change_a_comment() -> None:
    network = new_network()
    states = FrozenStates(network)
    rows = [reading(n, parent=(0, 7, 8, 2) if n % 3 else None) for n in range(6)]
    rows += [reading(6, article=None), reading(7, article=THERE)]
    together = predict(network, states, rows, OUTPUTS)
    alone = np.concatenate([predict(network, states, [row], OUTPUTS) for row in rows])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_exported_network_says_what_the_trained_one_says(tmp_path: Path) -> None:
    network = new_network()
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    samples = [(0, *range(5, 20), 2), (0, *range(20, 34), 2)]
    export(tmp_path, state, packed_words(), SETTINGS, samples)
    tokenizer = build_tokenizer(PIECES, [-2.0] * len(PIECES), 3)
    tokenizer.save(str(tmp_path / TOKENIZER))
    comments = [
        Comment("danke", article=Article("akku"), parent=Parent("das geht schnell")),
        Comment("wie lange denn", article=Article("akku", "zwei tage")),
        Comment("ohne alles"),
    ]
    read = TextReader(tokenizer, SETTINGS)
    rows = [
        Reading(
            comment=read.comment(Document.of(each)),
            targets={},
            article=read.article(each.article) if each.article else None,
            parent=read.parent(each.parent) if each.parent else None,
        )
        for each in comments
    ]
    exported = Encoder.load(tmp_path).encode([Document.of(each) for each in comments])
    trained = predict(network, FrozenStates(network), rows, OUTPUTS)
    np.testing.assert_allclose(exported[:, :2], trained, atol=0.2)  # 8 bits
    apart = np.abs(trained[:, None] - trained[None]).max(axis=2)
    assert apart[np.triu_indices(3, 1)].min() > 0.4


def test_words_keep_their_precision_beside_a_mark_many_times_as_great(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = new_network()
    mark = network.word.weight.data[PIECES.index("</s>")]
    for layer in network.layers:
        layer.fo.weight.data *= 8
        layer.fi.weight.data += 20 * mark / mark.norm() ** 2
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    texts = [(0, *range(5 + n, 20 + n), 2) for n in range(8)]

    def vectors(model: bytes) -> np.ndarray:
        session = InferenceSession(model, providers=["CPUExecutionProvider"])
        inputs = [{"tokens": np.array(text, dtype=np.int64)} for text in texts]
        return np.array([session.run(["vector"], each)[0] for each in inputs])

    exact = vectors(exact_model(state, packed_words(), SETTINGS).SerializeToString())
    lost = []
    for scaled in (exporting._scaled_by_token, lambda model: model):
        monkeypatch.setattr(exporting, "_scaled_by_token", scaled)
        export(tmp_path, state, packed_words(), SETTINGS, texts)
        lost.append(np.abs(vectors((tmp_path / NETWORK).read_bytes()) - exact).mean())
    assert lost[0] < 0.85 * lost[1]


def test_rounding_makes_good_with_other_weights_what_it_takes_from_one() -> None:
    chance = np.random.default_rng(6)
    few = chance.normal(size=(400, 12))
    inputs = few @ chance.normal(size=(12, 160)) + 0.1 * chance.normal(size=(400, 160))
    inputs[:, 3] = 0  # a channel that never speaks
    weight = chance.normal(size=(160, 10)).astype(np.float32)
    weight[:, 4] = 0  # an output that is always nothing
    step = np.maximum(np.abs(weight).max(axis=0) / 64, 1e-9)
    rounded = exporting._rounded(weight, inputs.T @ inputs)
    nearest = np.round(weight / step) * step
    np.testing.assert_allclose(rounded / step, np.round(rounded / step), atol=1e-3)
    np.testing.assert_array_equal(np.abs(rounded).max(axis=0), np.abs(weight).max(axis=0))
    lost, plainly = (np.square(inputs @ (weight - each)).sum() for each in (rounded, nearest))
    assert lost < 0.3 * plainly


def learnable(count: int) -> list[list[Reading]]:
    """Batches in which the label is whether the letter "a" occurs."""
    chance = np.random.default_rng(4)
    rows = []
    for _ in range(count * 8):
        letters = chance.integers(6, len(PIECES), 6).tolist()
        bad = bool(chance.random() < 0.5)
        tokens = (0, *([5] if bad else []), *letters, 2)
        rows.append(Reading(tokens, {"disparaging": float(bad)}))
    return [rows[start : start + 8] for start in range(0, len(rows), 8)]


FAST = FitSettings(layer_rate=1e-3, head_rate=1e-2, steps_per_checkpoint=5)


def test_it_learns_and_says_so(tmp_path: Path) -> None:
    network, lines = new_network(), []
    fit(
        network,
        FrozenStates(network),
        learnable(60),
        OUTPUTS,
        FAST,
        checkpoint=tmp_path / "c.pt",
        log=lines.append,
    )
    rows = [row for batch in learnable(4) for row in batch]
    truth = np.array([row.targets["disparaging"] for row in rows]) == 1
    assert (
        ((predict(network, FrozenStates(network), rows, OUTPUTS)[:, 0] > 0) == truth).mean()
    ) > 0.9
    assert lines[0].startswith("step 10 of 60: loss 0.")


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    batches = learnable(12)

    class Interrupted(Exception):  # noqa: N818
        pass

    def interrupt(_: str) -> None:
        raise Interrupted

    whole, broken = new_network(0.1), new_network(0.1)
    torch.manual_seed(6)
    fit(
        whole,
        FrozenStates(whole),
        batches,
        OUTPUTS,
        FAST,
        checkpoint=tmp_path / "whole.pt",
        log=str,
    )
    torch.manual_seed(6)
    settings = replace(FAST, steps_per_message=7)
    with pytest.raises(Interrupted):
        fit(
            broken,
            FrozenStates(broken),
            batches,
            OUTPUTS,
            settings,
            checkpoint=tmp_path / "broken.pt",
            log=interrupt,
        )
    again = new_network(0.1)
    fit(
        again,
        FrozenStates(again),
        batches,
        OUTPUTS,
        FAST,
        checkpoint=tmp_path / "broken.pt",
        log=str,
    )
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_of_a_minimal_pair_the_violating_one_is_pushed_above_the_other(tmp_path: Path) -> None:
    pair = [
        Reading((0, 5, 2), {"disparaging": 1.0}, pair="a/1"),
        Reading((0, 6, 2), {"disparaging": 0.0}, pair="a/1"),
    ]
    only_pairs = replace(FAST, pair_weight=1.0, output_weights={"disparaging": 0.0})
    network = new_network()
    fit(
        network,
        FrozenStates(network),
        [pair] * 20,
        OUTPUTS,
        only_pairs,
        checkpoint=tmp_path / "c.pt",
        log=str,
    )
    bad, good = predict(network, FrozenStates(network), pair, OUTPUTS)[:, 0]
    assert bad > good + 1


def test_a_comment_moves_towards_its_own_article(tmp_path: Path) -> None:
    rows = [
        Reading((0, 9, 10, 5, 2), {}, article=HERE, bound=True),
        Reading((0, 8, 6, 2), {}, article=THERE, bound=True),
    ]
    network = new_network()
    states = FrozenStates(network)
    fit(network, states, [rows] * 30, OUTPUTS, FAST, checkpoint=tmp_path / "c.pt", log=str)
    swapped = [replace(row, article=other.article) for row, other in zip(rows, rows[::-1])]  # noqa: B905
    own, foreign = (predict(network, states, each, OUTPUTS)[:, 1] for each in (rows, swapped))
    assert (foreign > own + 1).all()


def test_frozen_layers_stay_as_they_are(tmp_path: Path) -> None:
    network = new_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    states = FrozenStates(network)
    fit(network, states, learnable(5), OUTPUTS, FAST, checkpoint=tmp_path / "c.pt", log=str)
    after = network.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert "layers.1.fi.weight" in changed
    assert not [name for name in changed if name.startswith(("word", "pos", "ln", "layers.0"))]


def test_layers_freed_later_are_trained_from_then_on(tmp_path: Path) -> None:
    network = new_network()
    network.freeze(0)
    before = network.layers[0].fi.weight.clone()
    states = FrozenStates(network)
    fit(network, states, learnable(5), OUTPUTS, FAST, checkpoint=tmp_path / "c.pt", log=str)
    assert not torch.equal(before, network.layers[0].fi.weight)
    assert not network.word.weight.requires_grad


@pytest.mark.parametrize(("share", "learned"), [(0.0, True), (0.2, True), (1.0, False)])
def test_what_is_left_out_of_comments_is_not_learned_from(
    tmp_path: Path, share: float, learned: bool
) -> None:
    marks = (0, 6, 6, 6)
    batches = [
        [replace(row, comment=(*marks, *row.comment[1:])) for row in batch]
        for batch in learnable(60)
    ]
    network, lines = new_network(), []
    fit(
        network,
        FrozenStates(network),
        batches,
        OUTPUTS,
        replace(FAST, token_dropout=share),
        checkpoint=tmp_path / "c.pt",
        log=lines.append,
    )
    loss = float(lines[-1].rpartition(" ")[2])
    assert (loss < 0.55) == learned
