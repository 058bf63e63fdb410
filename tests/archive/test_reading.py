"""Readers: every format gives the same comments, and bad input is named with its line or id."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.archive.reading import Source
from moderation.archive.record import ArchivedComment, ArchiveError, Problem, Status
from moderation.comment import Article, Comment, Label, Outcome, Parent
from moderation.desk import Desk

WXR = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Blog</title><wp:wxr_version>1.2</wp:wxr_version>
{items}
</channel></rss>
"""
ITEM = """<item><title>Akku &amp; Netzteil</title><link>https://blog.example/akku</link>
<content:encoded><![CDATA[<!-- wp:paragraph --><p>Der Akku hält <b>zwei</b> Tage.</p>]]></content:encoded>
<excerpt:encoded><![CDATA[]]></excerpt:encoded>
<wp:post_id>3</wp:post_id><wp:post_type>post</wp:post_type>
<category domain="post_tag" nicename="akku"><![CDATA[Akku]]></category>
<wp:postmeta><wp:meta_key>_x</wp:meta_key><wp:meta_value>1</wp:meta_value></wp:postmeta>
{comments}
</item>"""  # noqa: E501


def wp_comment(number, text="Danke!", *, approved="1", kind="comment", parent="0", **others):
    told = {
        "comment_id": number,
        "comment_author": "Max",
        "comment_date": "2019-12-24 19:30:00",
        "comment_date_gmt": "2019-12-24 18:30:00",
        "comment_content": text,
        "comment_approved": approved,
        "comment_type": kind,
        "comment_parent": parent,
        "comment_user_id": "0",
    } | others
    inner = "".join(f"<wp:{tag}>{value}</wp:{tag}>" for tag, value in told.items())
    return (
        f"<wp:comment>{inner}<wp:commentmeta><wp:meta_key>k</wp:meta_key></wp:commentmeta>"
        "</wp:comment>\n"
    )


def wxr(*comments):
    return WXR.format(items=ITEM.format(comments="".join(comments)))


@pytest.fixture
def read(tmp_path):
    """Write a file and read it; gives what was found."""

    def read(name, content, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(Source(str(path), **options).read())

    return read


ARTICLE = Article("Akku & Netzteil", "Der Akku hält zwei Tage.", "3", "https://blog.example/akku")
DATE = datetime(2019, 12, 24, 18, 30, tzinfo=UTC)


def test_a_wordpress_export_gives_comments_with_article_parent_status_and_date(read):
    first, second = read(
        "export.xml", wxr(wp_comment(17, "Hält bei mir länger."), wp_comment(18, parent="17"))
    )
    assert first == ArchivedComment(
        comment=Comment("Hält bei mir länger.", "17", "Max", ARTICLE),
        place="comment 17",
        status=Status.APPROVED,
        date=DATE,
    )
    assert second.comment.parent == Parent("", "17")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("<![CDATA[Hallo ]]]]><![CDATA[> Welt]]>", "Hallo ]]> Welt"),
        ("Hallo &lt;b&gt;Welt&lt;/b&gt; &amp;amp; mehr", "Hallo Welt & mehr"),
        ("<![CDATA[Zeile eins\nZeile zwei]]>", "Zeile eins\nZeile zwei"),
        (
            '<![CDATA[Schau <a href="https://shop.example">hier</a>]]>',
            "Schau hier (https://shop.example)",
        ),
    ],
)
def test_comments_of_a_wordpress_export_are_read_with_or_without_cdata(read, written, meant):
    [found] = read("export.xml", wxr(wp_comment(17, written)))
    assert found.comment.text == meant


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("1", Status.APPROVED),
        ("0", Status.PENDING),
        ("trash", Status.REJECTED),
        ("spam", Status.SPAM),
        ("post-trashed", None),
    ],
)
def test_wordpress_words_for_the_status_are_understood(read, word, status):
    [found] = read("export.xml", wxr(wp_comment(17, approved=word)))
    assert found.status == status


def test_pingbacks_and_trackbacks_are_left_out(read):
    found = read(
        "export.xml",
        wxr(
            wp_comment(1, kind="pingback"),
            wp_comment(2, kind="trackback"),
            wp_comment(3, kind=""),
        ),
    )
    assert [each.comment.id for each in found] == ["3"]


def test_older_versions_of_the_export_are_read_too(read):
    old = wxr(wp_comment(17)).replace("export/1.2/", "export/1.0/")
    assert len(read("export.xml", old)) == 1


def test_comments_without_a_date_are_read_and_unreadable_dates_are_named(read):
    none, unreadable, found = read(
        "export.xml",
        wxr(
            wp_comment(1, comment_date="0000-00-00 00:00:00", comment_date_gmt=""),
            wp_comment(2, comment_date="gestern", comment_date_gmt="gestern"),
        ),
    )
    assert none.date is None
    assert unreadable.place == "comment 2"
    assert found.comment.id == "2"
    assert found.date is None


def test_comments_of_an_export_that_say_nothing_or_nonsense_are_named(read):
    empty, strange, found = read(
        "export.xml",
        wxr(wp_comment(1, "&lt;p&gt; &lt;/p&gt;"), wp_comment(2, approved="weg"), wp_comment(3)),
    )
    assert str(empty) == "comment 1: The comment has no text."
    assert str(strange) == "comment 2: The status is none of approved, pending, rejected and spam."
    assert found.comment.id == "3"


def test_broken_xml_in_the_middle_keeps_what_came_before_and_names_the_line(read):
    whole = wxr(wp_comment(1), wp_comment(2), wp_comment(3))
    broken = whole.replace("<wp:comment_id>3</wp:comment_id>", "<wp:comment_id>3</wp:kaputt>")
    first, second, problem = read("export.xml", broken)
    assert [first.comment.id, second.comment.id] == ["1", "2"]
    line = broken[: broken.index("kaputt")].count("\n") + 1
    assert problem.place == f"line {line}"
    assert "The XML is broken at column" in problem.sentence


def test_an_export_that_ends_half_way_keeps_what_came_before(read):
    whole = wxr(wp_comment(1), wp_comment(2))
    first, problem = read("export.xml", whole[: whole.index("<wp:comment_id>2")])
    assert first.comment.id == "1"
    assert isinstance(problem, Problem)


def test_wrong_encoding_in_an_export_is_named_with_its_line(read):
    content = wxr(wp_comment(1), wp_comment(2, "Grüße")).encode("latin-1", "replace")
    found = read("export.xml", content)
    assert isinstance(found[-1], Problem)
    assert found[-1].place.startswith("line ")


BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>\n<rss'


@pytest.mark.parametrize("doctype", ["<!DOCTYPE rss>\n<rss", BOMB])
def test_a_doctype_or_entity_bomb_is_refused(read, doctype):
    with pytest.raises(ArchiveError, match="has a DOCTYPE or entities"):
        read("export.xml", wxr(wp_comment(1)).replace("<rss", doctype, 1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<html><body>Anmelden</body></html>", "XML, but not a WordPress export"),
        ("<rss><channel><item><title>x</title></item></channel></rss>", "RSS, but not a WordPress"),
        ("<rss><channel></channel></rss>", "RSS, but not a WordPress"),
    ],
)
def test_other_xml_is_refused(read, content, message):
    with pytest.raises(ArchiveError, match=message):
        read("export.xml", content)


def test_jsonl_has_the_shape_of_a_request_plus_what_became_of_it(read):
    line = {
        "id": "17",
        "text": "Danke!",
        "article": {"id": "3", "title": "Akku"},
        "parent": {"id": "16"},
        "status": "spam",
        "date": "2019-12-24T19:30:00+01:00",
        "scores": {"spam": 0.9, "off_topic": None},
        "verdict": "hold",
        "change": "newly_fine",
    }
    [found] = read("in.jsonl", json.dumps(line))
    assert found == ArchivedComment(
        comment=Comment("Danke!", "17", None, Article("Akku", id="3"), Parent("", "16")),
        place="line 1",
        status=Status.SPAM,
        date=DATE,
        scores={Label.DISPARAGING: None, Label.OFF_TOPIC: None, Label.SPAM: 0.9},
        verdict=Outcome.HOLD,
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"text": "kaputt', "not JSON in UTF-8"),
        ("[1]", "not a JSON object"),
        ('{"text": " "}', "/text: There must be something to read"),
        ('{"text": "x", "colour": 1}', "/colour: This field is not known"),
        ('{"text": "x", "status": "weg"}', "The status is none of"),
        ('{"text": "x", "scores": {"spam": 2}}', "a number from 0 to 1"),
        ('{"text": "x", "scores": [1]}', "scores must be an object"),
        ('{"text": "x", "verdict": "vielleicht"}', "one of approve, hold and reject"),
        ('{"text": "' + "x" * 1_100_000 + '"}', "may have at most"),
    ],
)
def test_a_bad_json_line_is_named_and_the_rest_goes_on(read, line, sentence):
    first, problem, last = read("in.jsonl", '{"text": "a"}\n' + line + '\n\n{"text": "b"}\n')
    assert problem.place == "line 2"
    assert sentence in problem.sentence
    assert (first.comment.text, last.comment.text, last.place) == ("a", "b", "line 4")


CSV = '''id;text;author;date;status;article_id;article_title;parent_id;score_spam
17;"Hält; bei mir
länger.";Max;24.12.2019 18:30;approved;3;Akku;0;0.25
18;"Ein ""Test""";;;;;;17;
'''


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_dialect_and_encoding_of_csv_are_detected(read, delimiter, encoding):
    content = CSV.replace("; bei", "# bei").replace(";", delimiter).encode(encoding)
    first, second = read("in.csv", content)
    assert first.comment.text == "Hält# bei mir\nlänger."
    assert (first.comment.id, first.status, first.date) == ("17", Status.APPROVED, DATE)
    assert first.comment.article == Article("Akku", id="3")
    assert first.comment.parent is None
    assert first.scores[Label.SPAM] == 0.25
    assert second.comment == Comment('Ein "Test"', "18", parent=Parent("", "17"))
    assert second.scores is None


def test_columns_of_a_table_are_mapped_by_option(read):
    columns = {"text": "Kommentar", "id": "Nr"}
    [found] = read("in.csv", "Nr,Kommentar,Sonstiges\n7,Danke!,x\n", columns=columns)
    assert found.comment == Comment("Danke!", "7")
    with pytest.raises(ArchiveError, match="has no column text; say which of Nr, Kommentar"):
        read("in.csv", "Nr,Kommentar\n7,Danke!\n")
    with pytest.raises(ArchiveError, match="has no column Inhalt"):
        read("in.csv", "Nr,Kommentar\n7,Danke!\n", columns={"text": "Inhalt"})


def test_ragged_rows_are_named_with_the_line_they_start_in(read):
    content = 'id,text\n1,"Zeile\nzwei"\n2,zu,viele\n3\n\n4,gut\n'
    first, many, few, last = read("in.csv", content)
    assert first.comment.id == "1"
    assert str(many) == "line 4: The row has 3 fields, the header 2."
    assert str(few) == "line 5: The row has 1 fields, the header 2."
    assert last.place == "line 7"


def test_a_row_in_another_encoding_than_the_file_is_named(read):
    content = "id,text\n1,Grüße\n2,für\n".encode() + "3,Straße\n".encode("cp1252") + b"4,ok\n"
    found = read("in.csv", content)
    assert str(found[2]) == "line 4: The row is not text in utf-8."
    assert found[3].comment.id == "4"


def test_an_encoding_nobody_knows_and_an_empty_table_are_refused(read):
    with pytest.raises(ArchiveError, match="no encoding called klingon"):
        read("in.csv", "text\na\n", encoding="klingon")
    with pytest.raises(ArchiveError, match=r"its columns|no column text"):
        read("in.csv", "")


def test_a_quotation_mark_left_open_ends_the_reading_with_its_line(read):
    found = read("in.csv", 'id,text\n1,gut\n2,"' + "x\n" * 2_200_000)
    assert found[0].comment.id == "1"
    assert found[1].place == "line 3"
    assert "closing quotation mark" in found[1].sentence


def test_parquet_is_read_with_its_own_types(tmp_path):
    path = tmp_path / "in.parquet"
    rows = [
        {"id": 17, "text": "Danke!", "date": DATE, "score_spam": 0.5, "parent_id": 0, "other": 1},
        {"id": 18, "text": None, "date": None, "score_spam": None, "parent_id": 17, "other": 2},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    found, problem = Source(str(path)).read()
    assert found.comment == Comment("Danke!", "17")
    assert found.date == DATE
    assert found.scores[Label.SPAM] == 0.5
    assert str(problem) == "row 2: The comment has no text."


def test_a_file_that_is_no_parquet_is_refused(read):
    with pytest.raises(ArchiveError, match="is not a Parquet file"):
        read("in.parquet", "PAR1 aber nicht wirklich")


def test_parquet_that_is_damaged_in_the_middle_keeps_what_came_before(tmp_path):
    path = tmp_path / "in.parquet"
    rows = [{"id": number, "text": f"Danke, zum {number}. Mal!"} for number in range(2000)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000)
    second_half = pq.ParquetFile(path).metadata.row_group(1).column(1).dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[second_half : second_half + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    *found, problem = Source(str(path)).read()
    assert 0 < len(found) <= 1000
    assert str(problem).startswith(f"row {len(found) + 1}: The file is damaged")


def test_a_file_that_is_not_there_or_of_no_known_format_is_refused(tmp_path, read):
    with pytest.raises(ArchiveError, match="cannot be read: No such file"):
        list(Source(str(tmp_path / "nein.jsonl")).read())
    with pytest.raises(ArchiveError, match="name one with --format"):
        read("in.dat", "")
    assert read("in.dat", '{"text": "a"}', format="jsonl")[0].comment.text == "a"


def test_our_own_store_is_read_with_state_scores_and_verdict(
    database_url, store, classifier, rules
):
    desk = Desk(store, classifier, rules)
    sent = desk.submit(Comment("Guter Test, danke!", "17", "Max", ARTICLE))
    [found] = Source("store", database=database_url).read()
    assert found.comment == sent.comment
    assert found.verdict == sent.verdict.outcome
    assert found.scores[Label.SPAM] == sent.assessment.labels[Label.SPAM].score


def test_an_address_is_a_live_wordpress_and_somebody_has_to_log_in():
    source = Source("https://blog.example", user="anne")
    assert source.kind == "site"
    assert source.identity()["site"] == "https://blog.example"
    with pytest.raises(ArchiveError, match=r"Say with --user who logs in to https://blog\.example"):
        next(Source("https://blog.example").read())
