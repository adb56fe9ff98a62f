"""The check of new operations: what it accepts, what it trims, and how it refuses the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.operations import CONTENT_LIMIT, Comment, InvalidOperation, Post, validated


def test_names_and_titles_are_trimmed_and_contents_are_not() -> None:
    """White space around a name is removed; in a content it is kept."""
    made = validated(Post("  alice\t", "\nHello ", "  two\nlines "))

    assert made == Post("alice", "Hello", "  two\nlines ")


def test_a_comment_is_checked_like_a_post() -> None:
    """A comment is trimmed and refused by the same rules."""
    assert validated(Comment(" bob ", " Hello", "")) == Comment("bob", "Hello", "")
    with pytest.raises(InvalidOperation, match="The title is empty"):
        validated(Comment("bob", " ", "x"))


def test_operations_take_keywords_and_never_change() -> None:
    """Operations are values: keyword arguments, equality by content, frozen."""
    operation = Post(username="alice", title="Hello", content="")

    assert operation == Post("alice", "Hello", "")
    assert len({operation, Comment("alice", "Hello", "")}) == 2
    with pytest.raises(AttributeError):
        operation.title = "other"  # type: ignore[misc]


@pytest.mark.parametrize("length", [1, 200])
def test_a_name_has_one_to_two_hundred_characters(length: int) -> None:
    """Characters are counted, not bytes, and after trimming."""
    assert validated(Post("é" * length + "   ", "日" * length, "")).title == "日" * length


@pytest.mark.parametrize(
    ("username", "title", "content", "sentence"),
    [
        ("", "t", "", "The username is empty: give it 1 to 200 characters."),
        ("u", " \t\n ", "", "The title is empty: give it 1 to 200 characters."),
        ("u" * 201, "t", "", "The username has 201 characters: 200 are the most."),
        ("u", "t" * 201, "", "The title has 201 characters: 200 are the most."),
        ("u", "t", "x" * 65537, "The content has 65537 bytes in UTF-8: 65536 (64 KiB) are the most."),
        ("u", "t", "é" * 32769, "The content has 65538 bytes in UTF-8: 65536 (64 KiB) are the most."),
        (
            "u",
            "t\ud800",
            "",
            "The title holds U+D800 at character 2, which is half of a character: leave it out.",
        ),
    ],
)
def test_a_refusal_is_one_sentence(username: str, title: str, content: str, sentence: str) -> None:
    """It names the part, what is wrong with it, and what would be right."""
    with pytest.raises(InvalidOperation) as refusal:
        validated(Post(username, title, content))

    assert str(refusal.value) == sentence


def test_a_content_of_exactly_64_kib_is_taken() -> None:
    """The limit counts bytes in UTF-8, and it is itself allowed."""
    assert validated(Post("u", "t", "é" * (CONTENT_LIMIT // 2))).content.startswith("é")


@given(st.text(), st.text(), st.text())
def test_what_passes_once_passes_again_unchanged(username: str, title: str, content: str) -> None:
    """Any text is refused, or can be encoded in UTF-8 and does not change when it is checked again."""
    try:
        made = validated(Post(username, title, content))
    except InvalidOperation:
        return

    assert validated(made) == made
    assert f"{made.username}{made.title}{made.content}".encode()
