"""A real WordPress is read, and statuses are changed without harming anything else."""

from datetime import UTC, datetime, timedelta

import pytest

from moderation.archive.record import Applied, ArchivedComment, Status
from moderation.archive.wordpress import Pace, Refused, Site, SiteError
from moderation.archive.wordpress.position import Position
from moderation.comment import Article, Parent

TEXT = "<!-- wp:paragraph -->\n<p>Der Akku hält <b>zwei</b> Tage. Größe: 5&nbsp;Zoll 🙂</p>"
WORDS = {"approve": Status.APPROVED, "hold": Status.PENDING, "spam": Status.SPAM,
         "trash": Status.REJECTED}  # fmt: skip


def test_comments_come_with_text_author_article_parent_status_and_date(wordpress, site):
    article = wordpress.publish("Akku & „Netzteil“ 🙂", TEXT)
    first = wordpress.say(
        article, "Größe <b>passt</b> & hält ]]> 🙂\nZeile zwei", author="Jörg & Co"
    )
    second = wordpress.say(article, "Stimmt!", parent=first)
    found = list(site.comments())
    expected = Article(
        title="Akku & „Netzteil“ 🙂",
        text="Der Akku hält zwei Tage. Größe: 5\xa0Zoll 🙂",
        id=str(article),
        url=f"{wordpress.url}/akku-netzteil-%f0%9f%99%82/",
    )
    assert all(isinstance(each, ArchivedComment) for each in found)
    assert [each.comment.text for each in found] == [
        "Größe passt & hält ]]> 🙂\nZeile zwei",
        "Stimmt!",
    ]
    assert [each.comment.id for each in found] == [str(first), str(second)]
    assert {each.comment.article for each in found} == {expected}
    assert [each.comment.parent for each in found] == [None, Parent("", str(first))]
    assert [each.comment.author for each in found] == ["Jörg & Co", "Max"]
    assert {each.status for each in found} == {Status.PENDING}
    assert abs(datetime.now(UTC) - found[0].date) < timedelta(minutes=2)


@pytest.mark.parametrize("word", WORDS)
def test_comments_of_every_status_are_read(wordpress, site, word):
    number = wordpress.say(wordpress.publish("Akku"), "Danke!")
    wordpress.set_status(number, word)
    [found] = site.comments()
    assert found.status is WORDS[word]


def test_pingbacks_are_left_out_and_comments_of_pages_are_not(wordpress, site):
    page = wordpress.publish("Über uns", "<p>Wir testen.</p>", type="page")
    wordpress.php(
        "wp_insert_comment(['comment_post_ID' => $page, 'comment_type' => 'pingback',"
        " 'comment_content' => 'Ping', 'comment_approved' => 1]);",
        page=page,
    )
    wordpress.say(page, "Hallo!")
    [found] = site.comments()
    assert (found.comment.article.title, found.comment.article.text) == ("Über uns", "Wir testen.")


def test_comments_without_dates_come_first_and_without_dates(wordpress, site):
    article = wordpress.publish("Akku")
    dated, undated = wordpress.say(article, "eins"), wordpress.say(article, "zwei")
    wordpress.sql(
        "UPDATE wp_comments SET comment_date = 0, comment_date_gmt = 0 WHERE comment_ID = %d",
        undated,
    )
    found = list(site.comments())
    assert [(each.comment.id, each.date is None) for each in found] == [
        (str(undated), True),
        (str(dated), False),
    ]


def test_hundreds_of_comments_of_one_second_are_all_read_once(wordpress, site):
    article = wordpress.publish("Akku")
    for start in range(0, 600, 300):
        wordpress.insert(
            article, [f"Danke Nr. {start + n}" for n in range(300)], date="2020-02-29 10:00:00"
        )
    wordpress.insert(article, ["vorher"], date="2020-02-29 09:59:59")
    wordpress.insert(article, ["nachher"], date="2020-02-29 10:00:01")
    texts = [each.comment.text for each in site.comments()]
    assert texts == ["vorher", *(f"Danke Nr. {n}" for n in range(600)), "nachher"]


def test_the_hour_that_comes_twice_in_autumn_is_read_whole(wordpress, site):
    article = wordpress.publish("Akku")
    # 2:30 in Berlin, before and after the clocks went back an hour
    wordpress.insert(article, ["zweimal"] * 150, date="2025-10-26 02:30:00", utc="2025-10-26 00:30")
    wordpress.insert(article, ["nochmal"] * 150, date="2025-10-26 02:10:00", utc="2025-10-26 01:10")
    found = list(site.comments())
    assert len({each.comment.id for each in found}) == 300
    assert {each.date for each in found} == {
        datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
        datetime(2025, 10, 26, 1, 10, tzinfo=UTC),
    }


def test_reading_goes_on_behind_a_position_even_if_comments_before_it_are_deleted(wordpress, site):
    article = wordpress.publish("Akku")
    numbers = wordpress.insert(
        article, [f"Nr. {n}" for n in range(150)], date="2020-02-29 10:00:00"
    )
    pages = site.pages()
    first = next(pages)
    assert len(first.comments) == 100
    assert first.total == 150
    for number in numbers[:50]:
        wordpress.sql("DELETE FROM wp_comments WHERE comment_ID = %d", number)
    again = list(site.pages(Position(first.position.date, first.position.ids)))
    assert [comment.id for page in again for comment in page.comments] == numbers[100:]


def test_the_article_of_a_comment_may_be_hidden_or_in_the_trash(wordpress, site):
    private, trashed = wordpress.publish("Geheim", "Text"), wordpress.publish("Weg", "Text")
    wordpress.say(private, "eins")
    wordpress.say(trashed, "zwei")
    wordpress.php("wp_update_post(['ID' => $id, 'post_status' => 'private']);", id=private)
    wordpress.php("wp_trash_post($id);", id=trashed)
    first, second = site.comments()
    assert first.comment.article.title == "Geheim"
    assert second.comment.article == Article(id=str(trashed))
    assert second.status is None


def test_a_blog_with_plain_permalinks_is_read_and_changed_too(wordpress, site):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    wordpress.php("update_option('permalink_structure', '');")
    try:
        [found] = site.comments()
        assert found.comment.article.title == "Akku"
        changed = site.change(str(number), before=Status.PENDING, after=Status.SPAM)
    finally:
        wordpress.php("update_option('permalink_structure', '/%postname%/');")
    assert changed is Applied.CHANGED
    assert wordpress.status(number) == "spam"


@pytest.mark.parametrize("before", WORDS)
@pytest.mark.parametrize("after", WORDS)
def test_a_change_of_status_changes_nothing_else(wordpress, site, before, after):
    text = "Größe <b>passt</b> ]]> & 🙂 <a href='https://shop.example'>hier</a>"
    number = wordpress.say(wordpress.publish("Akku"), text, author="Jörg & Co")
    wordpress.set_status(number, before)
    comment = wordpress.comment(number)
    assert comment["comment_author_IP"].startswith("127.0.")
    assert comment["comment_author_IP"] != "127.0.0.1"  # which is ours
    done = site.change(str(number), before=WORDS[before], after=WORDS[after])
    assert done is (Applied.ALREADY if before == after else Applied.CHANGED)
    changed = wordpress.comment(number)
    assert wordpress.status(number) == {"approve": "approved", "hold": "unapproved"}.get(
        after, after
    )
    del comment["comment_approved"], changed["comment_approved"]
    assert changed == comment


@pytest.mark.parametrize("after", ["approve", "trash"])
def test_a_comment_without_address_and_program_does_not_get_ours(wordpress, site, after):
    number = wordpress.say(wordpress.publish("Akku"), "Danke!", agent=None)
    wordpress.sql("UPDATE wp_comments SET comment_author_IP = '' WHERE comment_ID = %d", number)
    site.change(str(number), before=Status.PENDING, after=WORDS[after])
    changed = wordpress.comment(number)
    assert changed["comment_agent"] == ""
    # WordPress takes no empty address from outside; in the trash nothing has to be sent
    assert changed["comment_author_IP"] == ("" if after == "trash" else "0.0.0.0")


def test_what_was_changed_meanwhile_or_is_gone_is_left_alone(wordpress, site):
    number = wordpress.say(wordpress.publish("Akku"), "Danke!")
    wordpress.set_status(number, "spam")
    changed = site.change(str(number), before=Status.PENDING, after=Status.APPROVED)
    assert changed is Applied.MEANWHILE
    assert wordpress.status(number) == "spam"
    for gone in ("4711", "x/../1", "0"):
        done = site.change(gone, before=Status.PENDING, after=Status.SPAM)
        assert done is Applied.GONE


def test_without_a_trash_nothing_is_deleted(wordpress, site):
    number = wordpress.say(wordpress.publish("Akku"), "Danke!")
    plugin = wordpress.plugin("add_filter('rest_comment_trashable', '__return_false');")
    with plugin, pytest.raises(Refused, match=f"has no trash and would delete comment {number}"):
        site.change(str(number), before=Status.PENDING, after=Status.REJECTED)
    assert wordpress.status(number) == "unapproved"


def test_an_address_that_cannot_be_sent_back_is_not_overwritten(wordpress, site):
    number = wordpress.say(wordpress.publish("Akku"), "Danke!")
    wordpress.sql(
        "UPDATE wp_comments SET comment_author_IP = '192.0.2.x' WHERE comment_ID = %d", number
    )
    with pytest.raises(Refused, match="author_ip"):
        site.change(str(number), before=Status.PENDING, after=Status.APPROVED)
    assert wordpress.comment(number)["comment_author_IP"] == "192.0.2.x"


def test_a_plugin_that_decides_otherwise_is_noticed(wordpress, site):
    number = wordpress.say(wordpress.publish("Akku"), "Danke!")
    plugin = wordpress.plugin(
        "add_action('wp_set_comment_status', function ($id) {"
        " $GLOBALS['wpdb']->query('UPDATE wp_comments SET comment_approved = 0');"
        " clean_comment_cache($id); });"
    )
    with plugin, pytest.raises(Refused, match="left comment 1 as it was"):
        site.change(str(number), before=Status.PENDING, after=Status.APPROVED)


def test_a_user_who_may_not_moderate_or_a_wrong_password_is_named(wordpress):
    wordpress.say(wordpress.publish("Akku"), "Danke!")
    wordpress.php(
        "get_user_by('login', 'leser') || wp_create_user('leser', 'x', 'l@blog.example');"
    )
    for user, key, sentence in [
        ("leser", wordpress.key("subscriber"), "does not allow this to leser"),
        ("leser", "falsch", "does not accept the login of leser"),
        ("niemand", "falsch", "does not accept the login of niemand"),
    ]:
        with (
            Site(wordpress.url, user, key, Pace(rate=1000, tries=1)) as site,
            pytest.raises(SiteError, match=sentence),
        ):
            list(site.comments())


def test_comments_that_the_user_may_not_see_are_not_taken_for_none(wordpress):
    wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    wordpress.php(
        "add_role('moderator', 'M', ['moderate_comments' => true, 'edit_posts' => true]);"
        " get_user_by('login', 'mona')"
        " || wp_insert_user(['user_login' => 'mona', 'user_pass' => 'x', 'role' => 'moderator']);"
    )
    pace = Pace(rate=1000, tries=1)
    with (
        Site(wordpress.url, "mona", wordpress.key("moderator"), pace) as site,
        pytest.raises(SiteError, match="keeps 1 comments from mona"),
    ):
        list(site.comments())


def test_comments_on_pictures_come_with_the_title_of_the_picture(wordpress, site):
    picture = wordpress.php(
        "echo wp_insert_attachment(['post_title' => 'Foto', 'post_mime_type' => 'image/png',"
        " 'post_status' => 'inherit', 'comment_status' => 'open']);"
    )
    wordpress.say(int(picture), "Schön!")
    [found] = site.comments()
    assert found.comment.article.title == "Foto"
