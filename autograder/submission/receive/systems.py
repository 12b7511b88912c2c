"""Reads the names that learning systems give to the files and folders of a class's download."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

__all__ = ["SystemName", "account_among", "handed_in_at", "system_name"]

# `kimminsu_LATE_51234_901234_work.zip`: the sortable name, the user's number and the file's number.
CANVAS = re.compile(r"(?P<who>[^_]+)_(?P<late>LATE_)?(?P<key>\d+)_(?P<file>\d+)_(?P<rest>.+)")
# A group's name may hold `_`: `team_a_712_901234_work.zip`, `team_3_712_901234_work.zip`
CANVAS_GROUP = re.compile(
    r"(?P<who>[^_]+(?:_(?:(?!LATE_|\d+_)[^_]+|\d))+?)_(?P<late>LATE_)?(?P<key>\d{2,})_(?P<file>\d{3,})_(?P<rest>.+)"
)
# Anonymous grading. Versions differ in the place of LATE and in the number of numbers.
CANVAS_BLIND = re.compile(
    r"(?P<first>LATE_)?(?P<who>anon(?:ymous)?)_(?P<late>LATE_)?(?P<key>[A-Za-z0-9]+)_\d+_(?:\d+_)?(?P<rest>.+)"
)
# Moodle writes a space for each `_` in a name; other programs do the reverse. `Default group` has no number.
MOODLE = re.compile(r"(?P<who>.+?)(?:_(?P<key>\d+))?_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)")
# Moodle's word for a person whose name it hides, in some of its languages.
PARTICIPANT = frozenset(
    {"participant", "participante", "participant(e)", "partecipante", "deelnemer", "teilnehmer", "teilnehmerin"}
    | {"teilnehmer in", "참가자", "참여자", "参加者", "参与者", "參與者", "участник"}
)
# `gradebook_GEV6135_A6_ljw2022_attempt_2022-12-01-11-13-00_work.zip`. Each of the first parts may hold `_`.
BLACKBOARD = re.compile(
    r"(?P<key>.+_(?P<who>[^_]+))_attempt_(?P<at>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<rest>.+)|(?P<receipt>\.txt))?"
)
# Folders: `48213-77012 - Park Doyun - Dec 1, 2022 1113 PM` and `Lee, Jiwoo(ljw2022)`. Brightspace numbers the person
# and the assignment.
BRIGHTSPACE = re.compile(
    r"(?P<key>\d+-\d+) - (?P<who>.+?) - (?P<at>\D{3,12} ?\d{1,2}, \d{4} \d{3,4} ?[AP]M)(?: - (?P<rest>.+))?"
)
AT = re.compile(r"(?P<month>\D{3})\D*(?P<day>\d+), (?P<year>\d{4}) (?P<hour>\d+)(?P<minute>\d\d) ?(?P<half>[AP]M)")
SAKAI = re.compile(r"(?P<last>[^,()]+), ?(?P<first>[^,()]+) ?\((?P<key>[\w.@+-]+)\)")
# The folder that this program makes of one person's loose files in Google's form: `Kim Minsu - work.py`
GATHERED = re.compile(r"(?P<who>.*\S) - (?P<rest>files)")


@dataclass(frozen=True)
class SystemName:
    """The parts of a name that a learning system gave.

    Attributes:
        account: the person's name there.
        key: the person's number there, or other text that tells people of one name apart; "" if there is none.
        rest: the person's own file name.
        file: Canvas' number of the file, if the name has one that Canvas takes back.
        late: True if it is marked late.
        receipt: True if it is a receipt and no submission.
        full: True if the account is a person's full name.
        blind: True if the system hides the person's name.
        unsure: True if a person may have typed such a name.
    """

    account: str
    key: str
    rest: str = ""
    late: bool = False
    receipt: bool = False
    full: bool = False
    blind: bool = False
    unsure: bool = False
    file: str = ""


def system_name(stem: str) -> SystemName | None:
    """The parts of a name without `.zip`; None if no learning system gives such names."""
    if match := MOODLE.fullmatch(stem):
        who, key = " ".join(match["who"].replace("_", " ").split()), match["key"] or ""
        blind = who.casefold() in PARTICIPANT
        return SystemName(f"{who} {key}".strip() if blind else who, key, match["rest"], full=not blind, blind=blind)
    if match := BRIGHTSPACE.fullmatch(stem):
        return SystemName(match["who"], match["key"], match["rest"] or "", full=True)
    if match := SAKAI.fullmatch(stem):
        return SystemName(f"{match['first']} {match['last']}", match["key"], full=True)
    if match := BLACKBOARD.fullmatch(stem):
        return SystemName(match["who"], match["key"], match["rest"] or "", receipt=bool(match["receipt"]))
    if match := CANVAS_BLIND.fullmatch(stem):
        late = bool(match["first"] or match["late"])
        return SystemName(f"{match['who']}_{match['key']}", match["key"], match["rest"], late, blind=True)
    if match := CANVAS_GROUP.fullmatch(stem):
        return SystemName(
            match["who"], match["key"], match["rest"], bool(match["late"]), unsure=True, file=match["file"]
        )
    if match := CANVAS.fullmatch(stem):
        return SystemName(match["who"], match["key"], match["rest"], bool(match["late"]), file=match["file"])
    if match := GATHERED.fullmatch(stem):
        return SystemName(match["who"], "", match["rest"], unsure=True)
    return None


def account_among(key: str, keys: Collection[str]) -> str:
    """The account at the end of Blackboard's `GEV6135_A6_lee_jw`: what the keys in one folder do not begin with alike.

    Without a common beginning, it is the shortest end that no other key has.
    """
    parts, others = key.split("_"), [other.split("_") for other in keys if other != key]
    if not others:
        return parts[-1]
    common = 0
    while all(common + 1 < len(each) and each[common] == parts[common] for each in (parts, *others)):
        common += 1
    if common:
        return "_".join(parts[common:])
    ends = (parts[start:] for start in range(len(parts) - 1, -1, -1))
    return "_".join(next((end for end in ends if all(each[-len(end) :] != end for each in others)), parts))


def handed_in_at(stem: str) -> datetime | None:
    """The time in a name that Blackboard or Brightspace gave, without a zone; None in other names.

    Brightspace writes months in the course's language; only English ones are read.
    """
    if match := BLACKBOARD.fullmatch(stem):
        with suppress(ValueError):
            return datetime.strptime(match["at"], "%Y-%m-%d-%H-%M-%S")
        return None
    match = BRIGHTSPACE.fullmatch(stem)
    parts = match and AT.fullmatch(match["at"])
    if not parts:
        return None
    try:
        text = "{month} {day} {year} {hour} {minute} {half}".format(**parts.groupdict())
        return datetime.strptime(text, "%b %d %Y %I %M %p")
    except ValueError:
        return None
