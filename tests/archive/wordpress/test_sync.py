"""Comments come from a real WordPress, are decided here, and the decisions go back, once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from moderation.archive.wordpress import Site, SiteError
from moderation.cli import main
from moderation.comment import Action, DecisionSource, Parent
from moderation.store import State

COMMAND = Path(sys.executable).with_name("moderation")
TEXT = "<!-- wp:paragraph --><p>Der Akku hält zwei Tage.</p>"
INSULT = "Du bist doch ein dummer Idiot, halt einfach das Maul!"


def decide(desk, number, action, **how):
    comment = desk.comment(str(number))
    return desk.decide(str(number), action, "eva", version=comment.version, **how)


def test_a_decision_made_here_arrives_in_wordpress_and_nothing_else_changes(wordpress, sync, desk):
    article = wordpress.publish("Akku 🙂", TEXT)
    texts = ("Größe passt & hält ]]> 🙂", INSULT, "Kauft bei https://casino.example!")
    fine, insult, spam = (wordpress.say(article, text, author="Jörg") for text in texts)
    before = {number: wordpress.comment(number) for number in (fine, insult, spam)}
    done = sync.pull()
    assert (done.read, done.added, done.decisions) == (3, 3, 0)
    held = desk.comment(str(insult))
    assert (held.state, held.comment.text) == (State.HELD, INSULT)
    assert held.article.title == "Akku 🙂"
    assert held.verdict.reasons
    decide(desk, fine, Action.APPROVE)
    decide(desk, insult, Action.REJECT, rule="respekt")
    decide(desk, spam, Action.REJECT, rule="werbung")
    pushed = sync.push()
    assert (pushed.carried, pushed.there, pushed.conflicts) == (3, 0, 0)
    assert [wordpress.status(n) for n in (fine, insult, spam)] == ["approved", "trash", "spam"]
    for number, comment in before.items():
        after = wordpress.comment(number)
        assert after["comment_author_IP"] != "127.0.0.1"  # which is ours
        assert after == comment | {"comment_approved": after["comment_approved"]}
    again = sync.push()
    assert (again.carried, again.there, again.conflicts) == (0, 0, 0)
    assert sync.told() == []


def test_statuses_become_decisions_of_the_import(wordpress, sync, desk):
    article = wordpress.publish("Akku", TEXT)
    numbers = {
        status: wordpress.say(article, f"Danke fürs Testen: {status}")
        for status in ("approve", "spam", "trash", "hold")
    }
    for status, number in numbers.items():
        wordpress.set_status(number, status)
    assert sync.pull().decisions == 3
    stored = {status: desk.comment(str(number)) for status, number in numbers.items()}
    assert {status: each.state for status, each in stored.items()} == {
        "approve": State.APPROVED,
        "spam": State.REJECTED,
        "trash": State.REJECTED,
        "hold": State.HELD,
    }
    [decision] = stored["spam"].decisions
    assert (decision.source, decision.rule) == (DecisionSource.IMPORT, "werbung")
    assert stored["trash"].decisions[0].rule is None


def test_a_second_pull_adds_only_what_is_new(wordpress, sync, desk):
    article = wordpress.publish("Akku", TEXT)
    first = wordpress.say(article, "Danke!")
    sync.pull()
    before = desk.comment(str(first))
    second = wordpress.say(article, "Gern!", parent=first)
    done = sync.pull()
    assert (done.read, done.added, done.edited, done.decisions) == (2, 1, 0, 0)
    assert desk.comment(str(first)) == before
    assert desk.comment(str(second)).parent == Parent("Danke!", str(first))


def test_old_comments_are_not_read_again_unless_asked_for(wordpress, sync, desk):
    article = wordpress.publish("Akku", TEXT)
    old, _ = wordpress.insert(article, ["alt", "auch alt"], date="2015-05-01 10:00:00")
    wordpress.say(article, "Danke!")
    sync.pull()
    wordpress.set_status(old, "spam")
    assert sync.pull().read == 1
    assert desk.comment(str(old)).state is State.APPROVED
    assert sync.pull(everything=True).read == 3
    assert desk.comment(str(old)).state is State.REJECTED


def test_parents_that_come_after_their_children_and_threads_are_found(wordpress, sync, desk):
    article = wordpress.publish("Akku", TEXT)
    root = wordpress.say(article, "Wie lange hält der Akku?")
    middle = wordpress.say(article, "Zwei Tage.", parent=root)
    leaf = wordpress.say(article, "Danke!", parent=middle)
    orphan = wordpress.say(article, "Stimmt.", parent=root)
    wordpress.sql("UPDATE wp_comments SET comment_parent = 4711 WHERE comment_ID = %d", orphan)
    wordpress.sql(
        "UPDATE wp_comments SET comment_date = '2010-01-01 10:00:00',"
        " comment_date_gmt = '2010-01-01 09:00:00' WHERE comment_ID = %d",
        leaf,
    )
    sync.pull()
    stored = desk.comment(str(leaf))
    assert stored.parent == Parent("Zwei Tage.", str(middle))
    assert stored.comment.thread == ("Wie lange hält der Akku?",)
    assert sync.told() == [
        f"comment {orphan}: Its parent 4711 is not in the blog; it is judged without it."
    ]


def test_a_parent_on_another_page_is_found_in_the_blog(wordpress, sync, desk):
    article = wordpress.publish("Akku", TEXT)
    wordpress.insert(article, [f"Danke Nr. {n}" for n in range(120)], date="2020-01-01 10:00:00")
    parent = wordpress.say(article, "Wie lange hält der Akku?")
    wordpress.sql("UPDATE wp_comments SET comment_parent = %d WHERE comment_ID = 1", parent)
    sync.pull()
    assert desk.comment("1").parent == Parent("Wie lange hält der Akku?", str(parent))
    assert sync.told() == []


def test_scores_are_those_of_the_desk(wordpress, sync, desk):
    article = wordpress.publish("Akku", TEXT)
    number = wordpress.say(article, INSULT, parent=wordpress.say(article, "Hält lange!"))
    sync.pull()
    stored = desk.comment(str(number))
    assert stored.assessment == desk.assess(stored.comment).assessment


def test_an_edit_in_wordpress_is_noticed_and_comes_back_to_people(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Guter Test, danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    edit = "wp_update_comment(['comment_ID' => $id, 'comment_content' => $text]);"
    wordpress.php(edit, id=number, text=INSULT)
    # the push finds it even though the decision was about the other text
    assert sync.push().carried == 0
    assert sync.told() == [
        f"comment {number}: It was edited in the blog after the decision; decide again."
    ]
    stored = desk.comment(str(number))
    assert (stored.comment.text, stored.state) == (INSULT, State.HELD)
    assert [past.text for past in stored.past_texts] == ["Guter Test, danke!"]
    wordpress.php(edit, id=number, text="Entschuldigung, war nicht so gemeint.")
    assert sync.pull().edited == 1
    assert desk.comment(str(number)).comment.text.startswith("Entschuldigung")
    assert wordpress.status(number) == "unapproved"


def test_moderation_in_wordpress_is_followed(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    for status, state in [
        ("approve", State.APPROVED),
        ("spam", State.REJECTED),
        ("hold", State.DEFERRED),
        ("approve", State.APPROVED),
    ]:
        wordpress.set_status(number, status)
        assert sync.pull().decisions == 1
        assert sync.pull().decisions == 0
        assert desk.comment(str(number)).state is state
    assert sync.push().carried == 0


def test_moderation_in_wordpress_after_a_decision_was_carried_is_followed(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    sync.push()
    assert sync.pull().decisions == 0
    wordpress.set_status(number, "trash")
    sync.pull()
    stored = desk.comment(str(number))
    assert stored.state is State.REJECTED
    assert stored.decisions[-1].supersedes == stored.decisions[0].id


def test_what_was_moderated_in_both_places_is_left_alone_and_named(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    wordpress.set_status(number, "spam")
    sync.pull()
    assert desk.comment(str(number)).state is State.APPROVED
    assert sync.push().conflicts == 1
    assert sync.told() == [
        f"comment {number}: Decided here, it should be approved, but in the blog it was made spam"
        " meanwhile and stays so; decide again here to overrule that."
    ]
    assert wordpress.status(number) == "spam"
    sync.pull()
    again = sync.push()
    assert (again.carried, again.conflicts) == (0, 0)
    decide(desk, number, Action.APPROVE)
    assert sync.push().carried == 1
    assert wordpress.status(number) == "approved"


def test_the_same_decision_in_both_places_is_no_conflict(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    wordpress.set_status(number, "approve")
    pushed = sync.push()
    assert (pushed.carried, pushed.there, pushed.conflicts) == (0, 1, 0)


def test_a_comment_deleted_in_wordpress_is_named_once(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    wordpress.php("wp_delete_comment($id, true);", id=number)
    sync.push()
    assert sync.told() == [f"comment {number}: It is no longer in the blog."]
    sync.push()
    assert sync.told() == []


def test_an_undone_decision_puts_the_comment_back_in_wordpress_too(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    sync.push()
    desk.undo(str(number), "eva", version=desk.comment(str(number)).version)
    sync.push()
    assert wordpress.status(number) == "unapproved"


def test_a_decision_undone_before_the_push_changes_nothing(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    desk.undo(str(number), "eva", version=desk.comment(str(number)).version)
    pushed = sync.push()
    assert (pushed.carried, pushed.there) == (0, 1)


def test_a_comment_its_author_withdrew_is_not_touched(wordpress, sync, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    decide(desk, number, Action.APPROVE)
    desk.retract(str(number))
    sync.pull()
    assert sync.push().carried == 0
    assert wordpress.status(number) == "unapproved"


def test_one_refused_comment_does_not_keep_back_the_others(wordpress, sync, desk):
    article = wordpress.publish("Akku", TEXT)
    first, second = wordpress.say(article, "Danke!"), wordpress.say(article, "Gern!")
    sync.pull()
    decide(desk, first, Action.REJECT)
    decide(desk, second, Action.APPROVE)
    with wordpress.plugin("add_filter('rest_comment_trashable', '__return_false');"):
        assert sync.push().carried == 1
    assert "has no trash" in sync.told()[0]
    assert wordpress.status(second) == "approved"
    assert sync.push().carried == 1
    assert wordpress.status(first) == "trash"


def test_a_store_follows_one_blog_until_it_is_said_to_have_moved(wordpress, sync, store, key):
    wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    sync.pull()
    with Site(wordpress.url.replace("127.0.0.1", "localhost"), wordpress.user, key) as moved:
        sync.site = moved
        with pytest.raises(SiteError, match=f"This database follows {wordpress.url}"):
            sync.pull()


@pytest.fixture
def environment(key, installed, monkeypatch):
    """What a command finds in its environment."""
    monkeypatch.setenv("MODERATION_WORDPRESS_PASSWORD", key)


@pytest.fixture
def command(wordpress):
    """Give the arguments of a command about the blog."""

    def command(name, *options, rate="1000"):
        where = ("--url", wordpress.url, "--user", wordpress.user)
        return ["wordpress", name, *where, "--rate", rate, "--tries", "1", *options]

    return command


@pytest.mark.usefixtures("environment")
def test_the_commands_say_what_they_did(wordpress, command, desk):
    number = wordpress.say(wordpress.publish("Akku", TEXT), "Danke!")
    pulled = CliRunner().invoke(main, command("pull"))
    assert (pulled.exit_code, pulled.output) == (
        0,
        "1 comments read: 1 added, 0 edited; 0 decisions taken over.\n",
    )
    decide(desk, number, Action.APPROVE)
    synced = CliRunner().invoke(main, command("sync", "--again", "0"))
    assert synced.exit_code == 0
    assert synced.stdout.splitlines()[1] == (
        "1 decisions carried to WordPress, 0 were there before, 0 contradict what was decided"
        " there."
    )
    assert wordpress.status(number) == "approved"
    decide(desk, number, Action.REJECT)
    wordpress.set_status(number, "hold")
    pushed = CliRunner().invoke(main, command("push"))
    assert pushed.exit_code == 1
    assert pushed.stderr.startswith(f"comment {number}: Decided here, it should be in the trash")


@pytest.mark.usefixtures("environment")
def test_a_pull_and_a_push_that_were_killed_go_on(wordpress, command, store, desk):
    article = wordpress.publish("Akku", TEXT)
    texts = [f"Der Akku hält bei mir {n} Stunden." for n in range(230)]
    numbers = wordpress.insert(article, texts, date="2020-01-01 10:00:00")
    wordpress.sql("UPDATE wp_comments SET comment_approved = '0'")

    _killed(command("pull", rate="2"), when=lambda: sum(desk.counts().values()) >= 100)
    assert sum(desk.counts().values()) < 230
    finished = CliRunner().invoke(main, command("pull", "--again", "0"))
    assert finished.stdout.startswith("130 comments read: 130 added") or (
        finished.stdout.startswith("30 comments read: 30 added")
    )
    assert desk.counts()[State.HELD] == 230

    for number in numbers[:9]:
        decide(desk, number, Action.APPROVE)
    counting = wordpress.plugin(
        "add_action('transition_comment_status', function ($new, $old, $comment) {"
        " add_comment_meta($comment->comment_ID, 'changed', $new); }, 10, 3);"
    )
    with counting:
        _killed(command("push", rate="4"), when=lambda: wordpress.status(numbers[1]) == "approved")
        assert wordpress.status(numbers[8]) == "unapproved"
        finished = CliRunner().invoke(main, command("push"))
    assert finished.exit_code == 0
    assert {wordpress.status(number) for number in numbers[:9]} == {"approved"}
    changes = wordpress.php(
        "echo $GLOBALS['wpdb']->get_var('SELECT COUNT(*) FROM wp_commentmeta');"
    )
    assert changes == "9"


def _killed(arguments, when):
    """Run a command until something is the case, and kill it then."""
    process = subprocess.Popen([COMMAND, *arguments], env=os.environ)
    while not when():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
