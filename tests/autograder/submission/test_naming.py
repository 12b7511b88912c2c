"""Names: what they tell, and how they become folders."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.submission.receive.filename import ParsedName, parse_name, safe_names


@pytest.mark.parametrize(
    "text",
    ["kim_minsu-2022123456-A6-O1.zip", "kim_minsu-2022123456-A6-O1", "kim_minsu-2022123456-a6-o1.ZIP",
     "kim_minsu-2022123456-A6-O1 (1).zip", "kim_minsu-2022123456-A6-O1-2.zip", "kim_minsu_2022123456_A6_O1.zip",
     "kim_minsu - 2022123456 - A6 - O1.zip", "kim_minsu-2022123456-A06-O01.zip"],
)  # fmt: skip
def test_the_courses_form_with_what_people_and_browsers_do_to_it(text: str) -> None:
    assert parse_name(text) == ParsedName("kim_minsu", "2022123456", 6, "1", in_form=True)


def test_ids_and_names_with_hyphens() -> None:
    assert parse_name("park-jane-2022-12345-A6-O2.zip") == ParsedName("park-jane", "2022-12345", 6, "2", in_form=True)
    assert parse_name("kim_minsu-m2022x-A6-O2.zip").id == "m2022x"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_korean_names_are_composed(form: str) -> None:
    parsed = parse_name(unicodedata.normalize(form, "김민수-2022123456-A6-O1.zip"))
    assert parsed.name == "김민수"


def test_canvas() -> None:
    parsed = parse_name("kimminsu_LATE_12345_67890_kim_minsu-2022123456-A6-O1-1.zip")
    assert parsed == ParsedName("kim_minsu", "2022123456", 6, "1", True, True, "kimminsu")
    parsed = parse_name("kimminsu_12345_67890_work.zip")
    assert parsed == ParsedName(account="kimminsu")


@pytest.mark.parametrize("rest", ["_kim_minsu-2022123456-A6-O1.zip", "kim_minsu-2022123456-A6-O1.zip"])
def test_moodle(rest: str) -> None:
    parsed = parse_name(f"Kim Minsu_12345_assignsubmission_file{rest}")
    assert (parsed.name, parsed.account, parsed.option) == ("kim_minsu", "Kim Minsu", "1")


@pytest.mark.parametrize(
    "text", ["", "work.zip", "A6.zip", "submission_123456", "kim-2022123456.zip", "-A6-O1.zip", "한글"]
)
def test_other_names_tell_nothing(text: str) -> None:
    assert parse_name(text) == ParsedName()


@given(st.text(max_size=300))
def test_any_text_can_be_parsed(text: str) -> None:
    parsed = parse_name(text)
    assert parsed.in_form == (parsed.number is not None)


NAMES = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=150)
    | st.sampled_from(["a", "A", "a.zip", "A.ZIP", ".", "..", "...", " ", "~", "a~12345678", "é", "e\u0301", "\u202e"]),
    max_size=8,
    unique=True,
)


@given(NAMES)
def test_safe_names_are_safe_unique_and_none_is_lost(texts: list[str]) -> None:
    paths = [Path("class", text) for text in texts if text not in (".", "..")]
    names = safe_names(paths)
    assert sorted(names.values()) == sorted(paths)
    assert len({name.casefold() for name in names}) == len(paths)
    for name in names:
        assert name == unicodedata.normalize("NFC", name)
        assert 0 < len(name.encode()) <= 100
        assert name.isprintable()
        assert name[0] not in ". "
        assert not set('/\\:*?"<>|\0') & set(name)
        assert os.path.basename(name) == name


@given(NAMES)
def test_safe_names_do_not_depend_on_order(texts: list[str]) -> None:
    paths = [Path("class", text) for text in texts if text not in (".", "..")]
    assert safe_names(paths) == safe_names(paths[::-1])


def test_plain_names_stay_as_they_are() -> None:
    paths = [Path("c/김민수-2022123456-A6-O1.zip"), Path("c/late one"), Path("c/x.zip"), Path("c/X")]
    names = list(safe_names(paths))
    assert names[:2] == ["김민수-2022123456-A6-O1", "late one"]
    assert [name.split("~")[0] for name in names[2:]] == ["x", "X"]


def test_names_that_are_not_text_are_survived() -> None:
    (name,) = safe_names([Path(os.fsdecode(b"c/\xff\xfe.zip"))])
    assert name.isprintable()
