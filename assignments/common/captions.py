"""The words of captions as numbers, and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .scenes import WORDS

__all__ = ["END", "PAD", "START", "Vocabulary"]

PAD, START, END = 0, 1, 2


class Vocabulary:
    """Numbers for words: 0 PAD, 1 START, 2 END, and the words from 3 on.

    Args:
        words: in the order of their numbers, each once; those of the scenes' captions by default.

    >>> words = Vocabulary()
    >>> row = words.encode("a big cat", 5)
    >>> row.shape, words.decode(row)
    (torch.Size([5]), 'a big cat')
    """

    def __init__(self, words: Sequence[str] = WORDS) -> None:
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(self.words, start=3)}
        if len(self._numbers) != len(self.words):
            raise ValueError("a word stands twice in the vocabulary")

    def __len__(self) -> int:
        """How many numbers there are, the three special ones included."""
        return len(self.words) + 3

    def encode(self, text: str, length: int) -> torch.Tensor:
        """(length,) int64: the numbers of a text's words, PAD behind; neither START nor END.

        Raises:
            ValueError: a word is unknown, or there are more than `length`.
        """
        words = text.split()
        if unknown := [word for word in words if word not in self._numbers]:
            raise ValueError(f"not in the vocabulary: {unknown[0]!r}")
        if len(words) > length:
            raise ValueError(f"{len(words)} words, and room for {length}")
        return torch.tensor([self._numbers[word] for word in words] + [PAD] * (length - len(words)), dtype=torch.int64)

    def decode(self, row: torch.Tensor) -> str:
        """The text of a row of numbers, up to the first END; PAD and START say nothing."""
        numbers = row.tolist()
        end = numbers.index(END) if END in numbers else len(numbers)
        return " ".join(self.words[number - 3] for number in numbers[:end] if number >= 3)
