"""The blog: titles are unique, comments need a post, and views show only what took effect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.answers import look, wording
from blog.blog import Blog, Outcome, Thread
from blog.operations import Comment, Operation, Post

HELLO = Post("alice", "Hello", "first")
AGAIN = Post("bob", "Hello", "mine now")
NICE = Comment("bob", "Hello", "nice")

operations = st.lists(
    st.builds(
        lambda kind, *parts: kind(*parts),
        st.sampled_from([Post, Comment]),
        st.sampled_from(["ann", "bob", "cid"]),
        st.sampled_from(["t1", "t2", "t3", "t4"]),
        st.text(max_size=3),
    ),
    max_size=40,
)


def written(*script: Operation) -> Blog:
    """A blog after these operations."""
    blog = Blog()
    for operation in script:
        blog.apply(operation)
    return blog


def test_a_title_has_one_post() -> None:
    """A second post with the title is refused for any user, and the first one stays."""
    blog = written(HELLO)

    assert blog.apply(AGAIN) is Outcome.DUPLICATE_TITLE
    assert blog.view_title("Hello") == Thread(HELLO, ())
    assert len(blog) == 1


def test_a_comment_needs_its_post() -> None:
    """A comment is refused before the post exists and accepted after it."""
    blog = Blog()

    assert blog.apply(NICE) is Outcome.CANNOT_COMMENT
    blog.apply(HELLO)
    assert blog.apply(NICE) is Outcome.OK
    assert blog.view_title("Hello") == Thread(HELLO, (NICE,))


def test_titles_are_compared_exactly() -> None:
    """Upper and lower case are different letters."""
    assert written(HELLO).apply(Post("bob", "hello", "")) is Outcome.OK


def test_views_show_the_order_of_effect() -> None:
    """Posts, and the entries of one user, in the order in which they were applied."""
    other = Post("bob", "Zebra", "second")
    blog = written(HELLO, NICE, other, AGAIN)

    assert blog.view_all() == (Thread(HELLO, (NICE,)), Thread(other, ()))
    assert blog.view_user("bob") == (NICE, other)
    assert blog.newest(2) == (NICE, other)
    assert (blog.posts, blog.comments, len(blog)) == (2, 1, 3)


@pytest.mark.parametrize(("count", "expected"), [(-1, ()), (0, ()), (1, (NICE,)), (5, (HELLO, NICE))])
def test_the_newest_are_cut_to_what_there_is(count: int, expected: tuple[Operation, ...]) -> None:
    """A count of 0 gives none, and a large count gives all."""
    assert written(HELLO, NICE).newest(count) == expected


def test_answers_are_in_the_words_of_the_brief() -> None:
    """Scripts look for these words."""
    assert wording(HELLO, Outcome.OK) == "NEW POST Hello from alice"
    assert wording(NICE, Outcome.OK) == "NEW COMMENT on Hello from bob"
    assert wording(AGAIN, Outcome.DUPLICATE_TITLE) == "DUPLICATE TITLE"
    assert wording(NICE, Outcome.CANNOT_COMMENT) == "CANNOT COMMENT on Hello: no such post exists"


def test_an_empty_view_says_so_in_the_words_of_the_brief() -> None:
    """An empty blog, a user without entries and a missing title have different answers."""
    blog = Blog()

    assert look(blog, "all").text == "BLOG EMPTY"
    assert look(blog, "user", "alice").text == "NO POST"
    assert look(blog, "title", "Hello").text == "POST NOT FOUND"
    assert look(blog, "any", "alice").text == "NO POST"


def test_views_come_in_the_form_of_histories() -> None:
    """The checkers compare these lists with what they predict."""
    blog = written(HELLO, NICE)

    assert look(blog, "all").result == [["Hello", "alice"]]
    assert look(blog, "user", "bob").result == [["comment", "Hello", "nice"]]
    assert look(blog, "title", "Hello").result == ["alice", "first", [["bob", "nice"]]]
    assert look(blog, "title", "none").result == "not found"


def test_the_whole_blog_has_contents_and_comments() -> None:
    """People see all of it; a history keeps titles and authors."""
    blog = written(HELLO, NICE)

    assert look(blog, "whole").result == [["Hello", "alice", "first", [["bob", "nice"]]]]
    assert look(blog, "whole").text == "1 post"
    assert look(Blog(), "whole").text == "BLOG EMPTY"


def test_any_prefers_the_title() -> None:
    """VIEW(x) shows the post titled x; without one, the entries of user x."""
    blog = written(HELLO, Post("carol", "alice", "a post about alice"))

    assert look(blog, "any", "alice").shown == "view_title"
    assert look(blog, "any", "carol").shown == "view_user"
    with pytest.raises(ValueError, match="no view is called 'nobody'"):
        look(blog, "nobody")


@given(operations)
def test_views_agree_with_a_plain_list(script: list[Operation]) -> None:
    """Every view is a filter of the list of operations that were not refused."""
    blog = Blog()
    kept: list[Operation] = []
    for operation in script:
        titles = [entry.title for entry in kept if isinstance(entry, Post)]
        expected = (
            (Outcome.DUPLICATE_TITLE if operation.title in titles else Outcome.OK)
            if isinstance(operation, Post)
            else (Outcome.OK if operation.title in titles else Outcome.CANNOT_COMMENT)
        )

        assert blog.apply(operation) is expected
        if expected is Outcome.OK:
            kept.append(operation)

    posts = [entry for entry in kept if isinstance(entry, Post)]
    threads = [
        Thread(post, tuple(c for c in kept if isinstance(c, Comment) and c.title == post.title)) for post in posts
    ]
    assert list(blog.view_all()) == threads
    assert [blog.view_title(post.title) for post in posts] == threads
    for user in ("ann", "bob", "cid"):
        assert list(blog.view_user(user)) == [entry for entry in kept if entry.username == user]
    assert list(blog.newest(len(kept))) == kept
    assert (len(blog), blog.posts) == (len(kept), len(posts))
