"""Exports made by a real WordPress are read the way the blog itself tells its comments."""

import pytest

from moderation.archive.reading import Source
from moderation.archive.record import Status

TEXTS = (
    "Größe & Länge: äöüß ÄÖÜ, „Anführung“ – und so weiter …",
    "Emoji 🙂👩‍👩‍👧‍👦🇩🇪 und 𝔊othic",
    "Ende ]]> und <![CDATA[ mittendrin ]]]]>",
    "Preis < 300 Euro, <3 dafür, R&D &amp; mehr",
    "Zeile eins\n\nZeile drei <b>fett</b> <a href='https://shop.example/?a=1&b=2'>hier</a>",
    "<blockquote>Zitat</blockquote> Antwort",
)


@pytest.fixture
def exported(wordpress, tmp_path):
    """Export the blog and read it."""

    def exported():
        path = tmp_path / "export.xml"
        path.write_text(wordpress.export(), encoding="utf-8")
        return list(Source(str(path)).read())

    return exported


def by_id(found):
    return {each.comment.id: each for each in found}


def test_an_export_and_the_rest_interface_tell_the_same(wordpress, site, exported):
    article = wordpress.publish(
        "Akku & ]]> „Netzteil“ 🙂", "<!-- wp:paragraph --><p>Größe: <b>5</b> Zoll ]]> 🙂</p>"
    )
    page = wordpress.publish("Über uns", "<p>Wir testen.</p>", type="page")
    numbers = [wordpress.say(article, text, author="Jörg & Söhne 🙂") for text in TEXTS]
    wordpress.say(article, "Antwort", parent=numbers[0])
    wordpress.say(page, "Auf einer Seite")
    for number, status in zip(numbers, ("approve", "hold", "trash"), strict=False):
        wordpress.set_status(number, status)
    wordpress.insert(article, ["Früher"], date="2010-07-01 12:00:00", utc="2010-07-01 10:00:00")
    from_export, from_rest = by_id(exported()), by_id(site.comments())
    assert len(from_export) == 9
    assert from_export == from_rest
    assert {each.status for each in from_export.values()} == {
        Status.APPROVED,
        Status.PENDING,
        Status.REJECTED,
    }


def test_the_texts_of_an_export_are_what_readers_of_the_blog_see(wordpress, exported):
    article = wordpress.publish("Akku")
    for text in TEXTS:
        wordpress.say(article, text)
    assert [each.comment.text for each in exported()] == [
        TEXTS[0],
        TEXTS[1],
        # WordPress itself takes out what begins like a tag when a comment is sent
        "Ende ]]> und",
        "Preis < 300 Euro, <3 dafür, R&D & mehr",
        "Zeile eins\n\nZeile drei fett hier (https://shop.example/?a=1&b=2)",
        "Zitat\nAntwort",
    ]


def test_spam_is_in_no_export_and_pingbacks_are_left_out(wordpress, site, exported):
    article = wordpress.publish("Akku")
    wordpress.set_status(wordpress.say(article, "Kauft!"), "spam")
    wordpress.php(
        "wp_insert_comment(['comment_post_ID' => $id, 'comment_type' => 'trackback',"
        " 'comment_content' => 'Ping', 'comment_approved' => 1]);",
        id=article,
    )
    fine = wordpress.say(article, "Danke!")
    assert list(by_id(exported())) == [str(fine)]
    assert len(list(site.comments())) == 2


def test_brackets_in_old_databases_do_not_end_the_text(wordpress, site, exported):
    number = wordpress.say(wordpress.publish("Akku"), "Danke!")
    old = "Zeile ]]> eins ]]]]> zwei ]] > drei &#8222;vier&#8220;"
    wordpress.sql("UPDATE wp_comments SET comment_content = %s WHERE comment_ID = %d", old, number)
    [found] = exported()
    assert found.comment.text == "Zeile ]]> eins ]]]]> zwei ]] > drei „vier“"
    assert [found] == list(site.comments())
