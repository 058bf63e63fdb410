import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from moderation.comment import Label
from moderation.training.corpora import CORPORA, LEXICONS, CorpusError, Example, mask

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put the text of a corpus where its publisher's file would be."""

    def put(name: str, text: str) -> None:
        path = tmp_path / CORPORA[name].file
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text.encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

    return put


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], list[Example]]:
    return lambda name: CORPORA[name].read(tmp_path)


def disparaging(examples: list[Example]) -> list[bool | None]:
    return [example.labels[Label.DISPARAGING] for example in examples]


@pytest.mark.parametrize("name", ["germeval2018", "germeval2019"])
def test_profanity_without_a_target_is_not_disparaging(name, write, read):
    write(
        name,
        "Guten Morgen, Ladekabel!\tOTHER\tOTHER\n"
        "Verdammter Mist, der Akku\tOFFENSE\tPROFANITY\r\n"
        "Du Pfeife, kauf dir Hirn\tOFFENSE\tINSULT\n"
        "Alle Kabelkäufer sind Gesindel\tOFFENSE\tABUSE\n",
    )
    examples = read(name)
    assert disparaging(examples) == [False, False, True, True]
    assert [example.fine for example in examples] == ["OTHER", "PROFANITY", "INSULT", "ABUSE"]
    assert {example.labels[Label.OFF_TOPIC] for example in examples} == {None}
    assert {example.source for example in examples} == {name}


def test_tweets_lose_names_and_links_and_get_their_line_breaks(write, read):
    write("germeval2018", "@Kabel_Karl sieh|LBR|http://kabel.example/x\tOTHER\tOTHER\n")
    assert read("germeval2018")[0].comment.text == "@user sieh\nhttps://link"


def test_a_quotation_mark_in_a_tweet_is_only_a_quotation_mark(write, read):
    write("germeval2018", '"Ladekabel\tOTHER\tOTHER\nStecker" weg\tOTHER\tOTHER\n')
    assert [e.comment.text for e in read("germeval2018")] == ['"Ladekabel', 'Stecker" weg']


def test_equal_tweets_fall_into_one_group(write, read):
    write(
        "germeval2018",
        "@anna na sowas\tOTHER\tOTHER\n@bert Na sowas\tOTHER\tOTHER\nanders\tOTHER\tOTHER\n",
    )
    first, second, third = (example.group for example in read("germeval2018"))
    assert first == second != third


def test_contrasting_sentences_share_a_pair_even_when_only_one_names_the_other(write, read):
    write(
        "gahd",
        "gahd_id\ttext\tlabel\tround\tsplit\tcontrastive_gahd_id\n"
        "a1\tIch mag Lötkolben\t0\tR1\ttrain\t\n"
        'b2\t"Er sagte ""raus mit\nden Bastlern"""\t1\tR2\tdev\tc3\n'
        "c3\tRein mit den Bastlern\t0\tR2\ttrain\t\n"
        "d4\tOhne Gegenstück hier\t0\tR2\ttrain\tnicht-in-der-datei\n"
        "e5\t\t0\tR2\ttrain\t\n",
    )
    alone, hate, contrast, orphan = read("gahd")
    assert alone.pair is None
    assert hate.pair == contrast.pair == hate.group == contrast.group
    assert orphan.pair not in (None, hate.pair)
    assert disparaging([alone, hate, contrast]) == [False, True, False]
    assert (hate.split, contrast.split) == ("dev", "train")
    assert hate.comment.text == 'Er sagte "raus mit\nden Bastlern"'


def test_an_argument_is_labelled_only_where_voters_do_not_contradict_its_author(write, read):
    head = "Topic\tStance\tIntended Fallacy\tVoted Fallacy\tNumber of Votes\tText\n"
    write(
        "argotario-de",
        head + "Lochkarten verbieten?\tpro\tAd Hominem\tAd Hominem\t5\tDas sagen nur Faule.\n"
        "Lochkarten verbieten?\tpro\tAd Hominem\tNo Fallacy\t5\tPapier ist geduldig.\n"
        "Lochkarten verbieten?\tpro\tRed Herring\t-\t0\tUnd die Bienen?\n",
    )
    agreed, disputed, herring = read("argotario-de")
    assert disparaging([agreed, disputed, herring]) == [True, None, False]
    assert herring.labels[Label.OFF_TOPIC] is True
    assert disputed.labels[Label.OFF_TOPIC] is None
    assert agreed.comment.article is not None
    assert agreed.comment.article.title == agreed.group == "Lochkarten verbieten?"


CIMT_HEAD = (
    "id\tdocument_id\tsentence_nr\tcontent\tcode\ttitle/text\tcurated/single\tdataset\turl\n"
)


def test_a_sentence_is_a_comment_on_the_rest_of_its_document(write, read):
    write(
        "cimt",
        CIMT_HEAD + "0\tD1\t1\tRampe am Steg\tnon-arg\ttitle\tsingle\tCD_B\tu\n"
        "1\tD1\t2\tDer Steg hat Stufen.\tpremise\ttext\tsingle\tCD_B\tu\n"
        "2\tD1\t3\tEine Rampe wäre gut.\tmpos\ttext\tsingle\tCD_B\tu\n"
        "3\tD2\t1\tNur dieser eine Satz.\tmpos\ttext\tsingle\tMC_K\tu\n",
    )
    first, second = read("cimt")
    assert first.comment.article is not None
    assert second.comment.article is not None
    assert first.comment.article.title == "Rampe am Steg"
    assert first.comment.article.text == "Eine Rampe wäre gut."
    assert second.comment.article.text == "Der Steg hat Stufen."
    assert (first.group, first.fine) == ("D1", "premise")
    assert set(first.labels.values()) == {False}


def test_the_share_alike_part_is_left_out(write, read):
    write(
        "cimt",
        CIMT_HEAD + "0\tD1\t1\tPoller weg\tnon-arg\ttitle\tsingle\tCQ_B\tu\n"
        "1\tD1\t2\tSie stören sehr.\tpremise\ttext\tsingle\tCQ_B\tu\n"
        "2\tD2\t1\tMehr Bänke\tnon-arg\ttitle\tsingle\tCD_C\tu\n"
        "3\tD2\t2\tMan sitzt gern.\tpremise\ttext\tsingle\tCD_C\tu\n",
    )
    assert [example.group for example in read("cimt")] == ["D2"]


def test_facebook_comments_are_read_with_their_toxicity(write, read):
    write(
        "germeval2021",
        "comment_id,comment_text,Sub1_Toxic,Sub2_Engaging,Sub3_FactClaiming\n"
        '7,"Ja, gern, danke",0,1,0\n8,Du Flasche,1,0,0\n',
    )
    examples = read("germeval2021")
    assert disparaging(examples) == [False, True]
    assert [example.comment.id for example in examples] == ["7", "8"]


def test_profane_posts_of_hasoc_are_not_disparaging(write, read):
    write(
        "hasoc2019-de",
        "text_id\ttext\ttask_1\ttask_2\nh1\tSchöner Tag\tNOT\tNONE\nh2\tSo ein Dreck\tHOF\tPRFN\n"
        'h3\t"Du Wicht\tHOF\tOFFN\nh4\tFort mit euch\tHOF\tHATE\n',
    )
    assert disparaging(read("hasoc2019-de")) == [False, False, True, True]


def test_newspaper_comments_are_read_with_the_crowds_verdict(write, read):
    write("rp-crowd-3", 'text\tlabel\n"Er sagt ""nein"""\t0.0\nAlles Nieten\t1.0\n \t1.0\n')
    examples = read("rp-crowd-3")
    assert disparaging(examples) == [False, True]
    assert examples[0].comment.text == 'Er sagt "nein"'


def test_unlabelled_newspaper_comments_keep_article_headline_and_parent(write, read):
    write(
        "derstandard-2019-web",
        "article_title\tchannel\tressort\tpublished\tdepth\tparent_text\theadline\ttext\n"
        '"""""Toll"""": Neue Uhr"\tWeb\tNetz\t1. Mai\t0\t\tNa ja\tgeht schon\n'
        '"""""Toll"""": Neue Uhr"\tWeb\tNetz\t1. Mai\t1\tgeht schon\t\tfind ich auch\n',
    )
    first, reply = read("derstandard-2019-web")
    assert first.comment.article is not None
    assert first.comment.article.title == '"Toll": Neue Uhr'
    assert first.comment.text == "Na ja\ngeht schon"
    assert first.comment.parent is None
    assert reply.comment.parent is not None
    assert reply.comment.parent.text == "geht schon"
    assert set(reply.labels.values()) == {None}
    assert first.group == reply.group


@pytest.mark.parametrize("name", sorted(CORPORA))
def test_a_missing_file_is_refused_with_its_name(name, read):
    with pytest.raises(CorpusError, match=r"is missing; give the folder that holds"):
        read(name)


@pytest.mark.parametrize("name", sorted(CORPORA))
def test_a_file_in_another_format_is_refused_without_quoting_it(name, write, read):
    write(name, "Geheimer Satz\tmit\tvier\tFeldern\nnoch einer\n")
    with pytest.raises(CorpusError, match="restore the file") as refusal:
        read(name)
    assert "Geheimer" not in str(refusal.value)


@pytest.mark.parametrize("name", sorted(CORPORA))
def test_an_empty_file_is_refused(name, write, read):
    write(name, "")
    with pytest.raises(CorpusError):
        read(name)


def test_a_truncated_archive_is_refused(tmp_path, write, read):
    write("cimt", CIMT_HEAD)
    path = tmp_path / CORPORA["cimt"].file
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CorpusError, match="restore the file"):
        read("cimt")


def test_a_row_with_too_few_fields_is_refused_by_line(write, read):
    write("rp-crowd-3", "text\tlabel\nGut gemacht\t0.0\nohne Urteil\n")
    with pytest.raises(CorpusError, match="1 instead of 2 fields in line 3"):
        read("rp-crowd-3")


def test_an_unknown_label_is_refused(write, read):
    write("germeval2018", "Na gut\tOFFENSE\tNEID\n")
    with pytest.raises(CorpusError, match="fine label in line 1 is 'NEID'"):
        read("germeval2018")


def test_contradicting_labels_are_refused(write, read):
    write("germeval2018", "Na gut\tOTHER\tINSULT\n")
    with pytest.raises(CorpusError, match="contradict each other in line 1"):
        read("germeval2018")


def test_the_hash_is_that_of_the_file_as_it_lies_there(tmp_path, write):
    write("gahd", "irgendetwas")
    assert CORPORA["gahd"].sha256(tmp_path) == hashlib.sha256(b"irgendetwas").hexdigest()


def test_only_sets_with_a_free_licence_may_be_trained_on():
    trainable = {name for name, corpus in CORPORA.items() if corpus.trainable}
    assert trainable == {"germeval2018", "gahd", "argotario-de", "cimt"}
    assert all(CORPORA[name].licence.startswith(("CC0", "CC BY 4.0")) for name in trainable)
    assert all(
        corpus.trainable or corpus.file.startswith("measure-only/") for corpus in CORPORA.values()
    )


def test_a_lexicon_is_sorted_lower_case_and_without_repetition(tmp_path):
    path = tmp_path / LEXICONS["ldnoobw"].file
    path.parent.mkdir(parents=True)
    path.write_text("Rüpel\nGrobian\n\nrüpel \n", encoding="utf-8")
    assert LEXICONS["ldnoobw"].read(tmp_path) == ("grobian", "rüpel")


@pytest.mark.parametrize(
    ("content", "message"), [(b" \n", "holds no words"), (b"r\xfcpel", "is not UTF-8")]
)
def test_a_lexicon_without_readable_words_is_refused(tmp_path, content, message):
    path = tmp_path / LEXICONS["ldnoobw"].file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        LEXICONS["ldnoobw"].read(tmp_path)


def test_masking_twice_changes_nothing_more():
    once = mask("@a_b siehe www.kabel.example/x und @c")
    assert once == "@user siehe https://link und @user"
    assert mask(once) == once
