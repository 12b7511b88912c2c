"""Why Python cannot read a file: the true reason, and the line."""

from __future__ import annotations

import codecs
import sys
import time

import pytest

from autograder.submission.source.text import readable
from autograder.submission.source.trouble import HERE, trouble

TEXT = "# 내 풀이: 합성곱\nx = 1\n"


@pytest.mark.parametrize(
    "data, said",
    [(TEXT.encode(), ""), (b"\xef\xbb\xbf" + TEXT.encode(), ""), (TEXT.replace("\n", "\r").encode(), ""),
     (TEXT.encode() + b"\0" * 512, "512 NUL bytes"), (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "UTF-16"),
     (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "UTF-16"), ("x = 1\ny = 2\n".encode("utf-16-le"), "UTF-16"),
     (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "UTF-32"),
     ("# f\u00fcr \u00e9\nx = 1\n".encode("cp1252"), "not saved in UTF-8"),
     ("# \u7573\u307f\u8fbc\u307f \u30ab\u30bf\u30ab\u30ca\nx = 1\n".encode("cp932"), "not saved in UTF-8"),
     (TEXT.encode("utf-16") + b"\0" * 512, "UTF-16; it was read all the same; 256 NUL characters"),
     (TEXT.encode("utf-16") + b"\0" * 513, "256 NUL characters"), (TEXT.encode("utf-32") + b"\0" * 7, "1 NUL char"),
     ("x = 1\ny = 2\n".encode("utf-16-be") + b"\0" * 99, "49 NUL characters"),
     (TEXT.encode("cp949"), "CP949"), (b"# encoding of windows\n" + TEXT.encode("cp949"), "CP949"),
     (b'"""coding: assignment 6"""\n' + TEXT.encode("cp949"), "CP949"),
     (b"# -*- coding: utf-8 -*-\n" + TEXT.encode("cp949"), "CP949"),
     (b"#!/usr/bin/env python\n# coding=UTF_8\n" + TEXT.encode("cp949"), "CP949"),
     ("# coding: utf-8\n# f\u00fcr \u00e9\nx = 1\n".encode("cp1252"), "not saved in UTF-8"),
     (b"# coding: cp949\n" + TEXT.encode("cp949"), ""), (b"", ""), (b"\0" * 8, "")],
)  # fmt: skip
def test_text_as_editors_and_shells_leave_it_is_read(data: bytes, said: str) -> None:
    text, note = readable(data)
    assert (said in note) if said else not note
    assert trouble(text) is None or data == b"\0" * 8
    assert readable(text) == (text, "")


@pytest.mark.parametrize(
    "source, line, words",
    [("import torch\n%load_ext autoreload\n", 2, "`%load_ext autoreload` is a notebook command"),
     ("!pip install -q torch\n", 1, "`!pip install -q torch` is a notebook command"),
     ("x = 1\n\n%%bash\nls\n", 3, "%%bash"), ("files = !ls\n", 1, "`files = !ls` is a notebook command"),
     ("a, b = %timeit -o f()\n", 1, "is a notebook command"), ("x.y?\n", 1, "`x.y?` is a notebook command"),
     ("pip install einops\n", 1, "`pip install einops` is a notebook command"),
     ("print?\n", 1, "`print?` is a notebook command"),
     ("x = 1\n<<<<<<< HEAD\ny = 2\n=======\n", 2, "conflict marker"), ("x = 1\n=======\ny = 2\n", 2, "conflict marker"),
     ("<!DOCTYPE html>\n<html></html>\n", 1, "a web page"), ('{"cells": [}', 1, "a notebook, not Python"),
     ("x = 1\n_x =\u00a01\n", 2, "non-breaking space (U+00A0)"), ("x = \u201ca\u201d\n", 1, "U+201C"),
     ("x = (1,\n\n", 1, "'(' was never closed"), ("a = (*w.shape)\n", 1, "starred expression"),
     ("if x:\n  a\n\tb\n", 3, "tabs"), ("x = 1\0y\n", 1, "NUL bytes"), ("print 'a'\n", 1, "print"),
     ("x = 1\nreturn x\n", 2, "'return' outside function"), ("class A:\n    return 1\n", 2, "'return' outside"),
     ("import torch\nx = await f()\n", 2, "'await' outside function"), ("x = 1\nbreak\n", 2, "'break' outside loop"),
     ("def f(x, x): pass\n", 1, "duplicate argument"), ("def f():\n    x = 1\n    global x\n", 3, "global"),
     ("try:\n    f()\nexcept ValueError, e:\n    pass\n", 3, "must be parenthesized"),
     ("x = " + "(" * 5000, 1, ""), ("x = 5 % 2 +\n", 1, "invalid syntax")],
)  # fmt: skip
def test_the_true_reason_with_its_line(source: str, line: int, words: str) -> None:
    found = trouble(source.encode())
    assert found
    assert found.line == line
    assert words in found.what
    assert found.what.isprintable()


@pytest.mark.parametrize(
    "source, since",
    [("type Pair = tuple[int, int]\n", "3.12"), ("def f[T](x: T): return x\n", "3.12"), ("class A[T]: pass\n", "3.12"),
     ('def f(d):\n    return f"{d["stride"]}"\n', "3.12"), ('x = t"{y}"\n', "3.14"),
     ("try:\n    f()\nexcept ValueError, TypeError:\n    pass\n", "3.14"),
     ('def f(d):\n    return f"{d[0]!r:{d[1]}} {\n  d\n}"\n', "3.12")],
)  # fmt: skip
def test_syntax_of_a_later_python_is_called_that(source: str, since: str) -> None:
    found = trouble(f"import torch\n{source}".encode())
    if sys.version_info >= tuple(map(int, since.split("."))):
        assert found is None
        return
    assert found
    assert f"written for Python {since}; graded with {HERE}" in found.what


def test_what_no_python_reads_is_not_put_down_to_the_version() -> None:
    found = trouble(b'def f(d):\n    return f"{d["stride"]}"\n\nx = (1\n')
    assert found
    assert "written for" not in found.what


def test_endless_nul_bytes_before_a_text_are_read_at_once() -> None:
    began = time.process_time()
    readable(b"\0" * (4 << 20) + b"x")
    assert time.process_time() - began < 2


def test_what_is_no_text_is_not_read_as_text() -> None:
    for data in (b"PK\x03\x04\x80\x00\x01", b"%PDF-1.4\n\x00\x80"):
        found = trouble(readable(data)[0])
        assert found
        assert "its characters cannot be read" in found.what
