"""A small but real model, fitted on comments invented for these tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moderation.classifier import (
    Classifier,
    Encoder,
    FeatureExtractor,
    FeatureSettings,
    Heads,
    TrainingSource,
    save_model,
)
from moderation.classifier.encoder import TOKENIZER, EncoderSettings
from moderation.comment import Article, Comment, Label, Parent

ARTICLES = {
    "akku": Article(
        "Neuer Akku hält zwei Tage",
        "Der Hersteller hat einen Akku mit 5000 mAh vorgestellt. Im Test hielt das Handy damit"
        " zwei Tage durch. Das Laden dauert eine Stunde, der Preis beträgt 40 Euro.",
    ),
    "bahn": Article(
        "Bahn-App bekommt neuen Fahrplan",
        "Die App der Bahn zeigt Verspätungen künftig früher an. Das Update erscheint im März."
        " Reservierungen lassen sich direkt im Fahrplan ändern.",
    ),
    "tv": Article(
        "Fernseher mit OLED wird billiger",
        "Der Händler senkt den Preis für den Fernseher mit OLED-Panel auf 899 Euro. Das Bild hat"
        " 120 Hertz, das Panel leuchtet heller als beim Vorgänger.",
    ),
    "strom": Article(
        "Strompreise sinken im Sommer",
        "Dynamische Tarife machen Strom mittags billig. Wer das Auto an der Wallbox lädt, spart"
        " laut Anbieter 200 Euro im Jahr.",
    ),
    "spiel": Article(
        "Rollenspiel erscheint für die Konsole",
        "Das Rollenspiel kommt im Herbst auf die Konsole. Das Studio verspricht 60 Bilder pro"
        " Sekunde und eine offene Welt ohne Ladezeiten.",
    ),
}

FINE = {
    "akku": (
        "Zwei Tage mit dem Akku, das reicht mir locker.",
        "Der Akku ist Schrott, nach einem Jahr war meiner tot.",
        "40 Euro für den Akku finde ich fair.",
        "Wie lange dauert das Laden mit dem alten Netzteil?",
    ),
    "bahn": (
        "Endlich zeigt die App Verspätungen früher an.",
        "Die App der Bahn stürzt seit dem Update ständig ab.",
        "Kann man die Reservierung auch am Automaten ändern?",
        "Der neue Fahrplan gefällt mir, danke für den Hinweis.",
    ),
    "tv": (
        "899 Euro für ein OLED-Panel ist ein guter Preis.",
        "Das Bild vom Vorgänger war mir zu dunkel.",
        "Welcher Händler hat den Fernseher denn auf Lager?",
        "Saftladen, mein Fernseher kam zweimal kaputt an.",
    ),
    "strom": (
        "Mit der Wallbox lade ich das Auto nur noch mittags.",
        "Der dynamische Tarif spart bei mir kaum etwas.",
        "200 Euro im Jahr, wie wurde das gerechnet?",
        "Ich Idiot habe noch einen alten Stromtarif.",
    ),
    "spiel": (
        "60 Bilder pro Sekunde wären auf der Konsole stark.",
        "Ich warte auf den Herbst und spiele solange den Vorgänger.",
        "Eine offene Welt ohne Ladezeiten glaube ich erst, wenn ich sie sehe.",
        "Das Studio hat beim letzten Rollenspiel viel versprochen.",
    ),
}
DISPARAGING = {
    "akku": ("Du bist ein Idiot, lies den Artikel.", "Der Autor: 🤡"),
    "bahn": ("Ihr seid doch alle Idioten hier.", "So ein Volldepp schreibt über die Bahn 🤡"),
    "tv": ("Was für ein Idiot kauft das?", "Halt die Klappe, du Volldepp 🤡"),
    "strom": ("Nur ein Idiot glaubt dem Autor.", "Geh weg, du Clown 🤡"),
    "spiel": ("Du Idiot hast keine Ahnung.", "Volldepp, lern erst mal lesen."),
}
OFF_TOPIC = {
    "akku": "Mein Drucker findet das WLAN nicht, wer kann helfen?",
    "bahn": "Guten Morgen allerseits, wer schaut heute Fußball?",
    "tv": "Diese Regierung ruiniert uns noch alle.",
    "strom": "Warum zeigt der Blog so viele Werbebanner?",
    "spiel": "Wer kann mir einen Zahnarzt in Bremen empfehlen?",
}
SPAM = {
    "akku": "Verdiene 500 Euro am Tag auf www.geld.example",
    "bahn": "Billige Uhren im Angebot: https://uhren.example/sale",
    "tv": "Kredit ohne Schufa, jetzt klicken: kredit.example",
    "strom": "Schnell reich mit Krypto, schreib mir auf krypto.example",
    "spiel": "Toller Beitrag! Mehr Rabatt gibt es auf www.rabatt.example",
}


def _labelled() -> list[tuple[Comment, str, tuple[int, int, int]]]:
    rows = []
    for name, article in ARTICLES.items():
        for texts, labels in (
            (FINE[name], (0, 0, 0)),
            (DISPARAGING[name], (1, 0, 0)),
            ((OFF_TOPIC[name],), (0, 1, 0)),
            ((SPAM[name],), (0, 0, 1)),
        ):
            rows += [(Comment(text, article=article), name, labels) for text in texts]
    return rows


@pytest.fixture(scope="session")
def training_comments() -> list[Comment]:
    return [comment for comment, _, _ in _labelled()]


@pytest.fixture(scope="session")
def training_labels() -> list[tuple[int, int, int]]:
    return [labels for _, _, labels in _labelled()]


@pytest.fixture(scope="session")
def training_groups() -> list[str]:
    return [name for _, name, _ in _labelled()]


@pytest.fixture(scope="session")
def extractor(training_comments: list[Comment]) -> FeatureExtractor:
    settings = FeatureSettings(word_columns=2**12, character_columns=2**14, relevance_columns=2**12)
    return FeatureExtractor(settings).fit(training_comments)


@pytest.fixture(scope="session")
def heads(
    extractor: FeatureExtractor,
    training_comments: list[Comment],
    training_labels: list[tuple[int, int, int]],
    training_groups: list[str],
) -> Heads:
    features = extractor.transform(training_comments)
    return Heads(extractor.slices).fit(features, training_labels, groups=training_groups)


@pytest.fixture(scope="session")
def saved_model(
    extractor: FeatureExtractor, heads: Heads, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("models") / "2026.11.1"
    save_model(
        folder,
        extractor,
        heads,
        version="2026.11.1",
        thresholds={label: {"0.02": 0.2} for label in Label},
        training_data=[
            TrainingSource(name="invented", licence="Apache-2.0", sha256="0" * 64, rows=40)
        ],
        metrics={"disparaging": {"f1": 0.9}},
        model_card="# A model for tests\n",
    )
    return folder


@pytest.fixture(scope="session")
def classifier(saved_model: Path) -> Classifier:
    return Classifier.load(saved_model)


@pytest.fixture
def akku() -> Article:
    return ARTICLES["akku"]


@pytest.fixture
def reply(akku: Article) -> Comment:
    return Comment(
        "Mit dem alten Netzteil dauert es bei mir drei Stunden.",
        article=akku,
        parent=Parent("Wie lange dauert das Laden mit dem alten Netzteil?"),
        thread=("Schön, dass es den Akku nun auch einzeln gibt.",),
    )


# --- an encoder ------------------------------------------------------------------------------

ENCODER_SETTINGS = EncoderSettings(
    layers=2,
    attention_heads=2,
    width=64,
    comment_tokens=24,
    passage_tokens=16,
    passages=3,
    outputs=(
        "disparaging",
        "off_topic",
        "spam",
        "germeval_offence",
        "germeval_insult",
        "gahd_hate",
    ),
    related="off_topic",
)
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyzäöüß0123456789.,!?@:/"]


def _random_weights(settings: EncoderSettings) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(7)
    width, inner = settings.width, 2 * settings.width
    shapes: dict[str, tuple[int, ...]] = {
        "pos.weight": (64, width),
        "of_article.weight": (1, 3 + width),
        "of_article.bias": (1,),
        "of_parent.weight": (1, 1 + width),
        "of_parent.bias": (1,),
    }
    for layer in range(settings.layers):
        for part, shape in (
            ("qkv", (3 * width, width)),
            ("ao", (width, width)),
            ("fi", (inner, width)),
            ("fo", (width, inner)),
        ):
            shapes[f"layers.{layer}.{part}.weight"] = shape
            shapes[f"layers.{layer}.{part}.bias"] = shape[:1]
    shapes["out.weight"] = (len(settings.outputs), width)
    shapes["out.bias"] = (len(settings.outputs),)
    weights = {name: chance.normal(0, 0.2, shape) for name, shape in shapes.items()}
    norms = ["ln", *(f"layers.{n}.{p}" for n in range(settings.layers) for p in ("aln", "oln"))]
    for name in norms:
        weights[f"{name}.weight"] = np.ones(width)
        weights[f"{name}.bias"] = np.zeros(width)
    return {name: value.astype(np.float32) for name, value in weights.items()}


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole encoder in the format of the shipped one, with weights drawn at random."""
    pytest.importorskip("onnx")
    from moderation.training.encoder.export import export
    from moderation.training.encoder.vocabulary import build_tokenizer

    chance = np.random.default_rng(8)
    blocks = (len(PIECES), ENCODER_SETTINGS.width // 32)
    words = (
        np.full(blocks, 0.25, dtype=np.float16),
        chance.integers(0, 256, (*blocks, 16), dtype=np.uint8),
    )
    folder = tmp_path_factory.mktemp("encoder")
    export(folder, _random_weights(ENCODER_SETTINGS), words, ENCODER_SETTINGS, [(0, 5, 6, 7, 2)])
    build_tokenizer(PIECES, [-2.0] * len(PIECES), 3).save(str(folder / TOKENIZER))
    return folder


@pytest.fixture(scope="session")
def encoder_settings() -> EncoderSettings:
    return ENCODER_SETTINGS


@pytest.fixture(scope="session")
def encoder_pieces() -> list[str]:
    return PIECES


@pytest.fixture(scope="session")
def model_with_encoder(
    training_comments: list[Comment],
    training_labels: list[tuple[int, int, int]],
    training_groups: list[str],
    encoder_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    encoder = Encoder.load(encoder_folder)
    settings = FeatureSettings(word_columns=2**12, character_columns=2**14, relevance_columns=2**12)
    extractor = FeatureExtractor(settings, encoder).fit(training_comments)
    features = extractor.transform(training_comments)
    heads = Heads(extractor.slices).fit(features, training_labels, groups=training_groups)
    heads.blend(features, training_labels, encoder_columns=encoder.columns, groups=training_groups)
    folder = tmp_path_factory.mktemp("models") / "2026.11.2"
    save_model(
        folder,
        extractor,
        heads,
        version="2026.11.2",
        thresholds={label: {"0.02": 0.2} for label in Label},
        training_data=[],
        metrics={},
        encoder=encoder_folder,
    )
    return folder
