"""Histories of other tools: Jepsen's and Maelstrom's EDN and JSON, the logs of Knossos, Porcupine and Violin."""
