"""A node without protocol: it applies operations, writes the three files, and replays them."""

from __future__ import annotations

from collections.abc import Sequence

from blog.blog import Blog, Outcome
from blog.operations import Comment, Operation, Post
from chain.block import Block
from chain.blockchain import Blockchain
from paxos.messages import Request
from simulator.node.codec import blog_line, operation_text, operations_text, parse_all
from simulator.node.storage.disk import Disk
from simulator.node.storage.storage import Recovered, Storage

DIFFICULTY = 1


def request(seq: int, operation: Operation | None = None, client: str = "c1") -> Request:
    """A request of one client; by default a post with its own title."""
    operation = operation or Post("ann", f"title {seq}", 'text, “quoted” and "so"')
    return Request(client, seq, operation_text(operation, client, seq))


class BareNode:
    """Storage with a blog and a chain. `recovered` is the result of the last start."""

    def __init__(self, disk: Disk, difficulty: int = DIFFICULTY) -> None:
        self.blog = Blog()
        self._seen: set[tuple[str, int]] = set()
        self.storage = Storage(disk, difficulty)
        self.recovered: Recovered = self.storage.load(self.replay)
        self.chain = Blockchain(difficulty, height=self.recovered.height, tip=self.recovered.tip)

    def replay(self, first_height: int, texts: Sequence[bytes]) -> bytes:
        """Apply the Ts of a run of blocks, each request once; returns the lines for blog.txt."""
        lines = []
        for height, operations in enumerate(parse_all(texts), first_height):
            for operation, client, seq in operations:
                if (client, seq) not in self._seen:
                    self._seen.add((client, seq))
                    if self.blog.apply(operation) is Outcome.OK:
                        lines.append(blog_line(height, operation))
        return b"".join(lines)

    def decide(self, *batches: Sequence[Request]) -> list[Block]:
        """Apply and write decided batches, one block each, as if they came from a peer."""
        blocks, lines = [], []
        for batch in batches:
            text = operations_text(batch)
            blocks.append(self.chain.extend(text))
            lines.append(self.replay(self.chain.height, [text.encode()]))
        self.storage.append_blocks(blocks, b"".join(lines), fetched=True)
        return blocks


def busy_batches() -> list[list[Request]]:
    """Posts, comments, one refusal of each, a no-op, a repeated request, and text that JSON must escape."""
    post, comment = Post("ann", "Hello", 'line\nbreak \x1b[31m \\ "quotes"'), Comment("bob", "Hello", "日本語 🎉")
    return [
        [request(1, post)],
        [request(2, comment), request(3, Post("bob", "Hello", "taken"))],
        [],
        [request(2, comment), request(4, Comment("cid", "nowhere", ""))],
        [request(5, Post("bob", ',"id":"', '","N":7,"hash":"'))],
    ]
