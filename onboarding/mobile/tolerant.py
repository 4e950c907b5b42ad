"""JSON as people paste it, every value with its place in the text.

What a page, a log or a debugger makes of JSON is read: comments, commas too many or too few, other quotation marks,
names without them, text around it. Each such thing is noted with its place, and so is what ends the reading: half a
message, or too much of one. Linear in the text, without recursion, bounded in length, depth and count; raises nothing.

Why not a library: of those for JSON5, `json5`, `pyjson5` and `hjson` give no places; `json-five` does, but takes
seconds for 64 KiB, bounds no depth, and like them gives nothing at all of a text with one fault. `tree-sitter-json`
gives places and goes past faults, but knows neither single quotation marks nor names without them.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_CHARACTERS = 65_536
"""As large as any upload of the portal: 64 Ki characters. The longest documented message has about 600."""
MAX_DEPTH = 32
MAX_VALUES = 4_000
MAX_ODDITIES = 50
"""So many tolerated things are noted; a text with more is no better explained by a longer list."""

_TOKEN = re.compile(
    r"""(?P<blank>[\s\ufeff]+)
    |(?P<comment>//[^\r\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|\#[^\r\n]*)
    |(?P<double>"(?:[^"\\\r\n]|\\.)*(?P<double_end>"?))
    |(?P<single>'(?:[^'\\\r\n]|\\.)*(?P<single_end>'?))
    |(?P<curly>[“”„](?:[^“”\\\r\n]|\\.)*(?P<curly_end>[“”]?))
    |(?P<mark>[{}\[\]:,;=])
    |(?P<word>[^\s{}\[\]:,;="'“”„\#/\ufeff]+|/)
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[-+]?\d[\d.eE+-]*\Z")
_WHOLE = re.compile(r"-?\d{1,30}\Z")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS = {"true": True, "false": False, "null": None}
_OTHER_LITERALS = {"True": True, "False": False, "None": None, "TRUE": True, "FALSE": False, "NULL": None, "nil": None}
_COMMENT = re.compile(r"//[^\r\n]*|/\*(?:[^*]|\*(?!/))*\*/")
_ARRAY = re.compile(r"[\s\ufeff]*\[\s*[\[{\"'\]]")
_BLANKS = " \t\r\n\ufeff\xa0"
_OPEN = {"{": "object", "[": "array"}
_CLOSE = {"}": "object", "]": "array"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: offset in characters from 0, line and column from 1."""

    offset: int
    line: int
    column: int

    def params(self) -> dict[str, str | int]:
        """Return the place as parameters of a finding."""
        return {"line": self.line, "column": self.column, "offset": self.offset}


@dataclass(slots=True)
class Value:
    """A value and where it is: text[start:end].

    kind: object, array, string, number, literal (true, false, null) or word (none of these, without quotation marks).
    plain: the value of a string, number, literal or word. A number of more than 30 digits, or a fraction, is its text.
    members: of an object, name and value, in order, doubles too. items: of an array.
    """

    kind: str
    start: int
    end: int = 0
    plain: str | int | bool | None = None
    members: "list[tuple[Value, Value]]" = field(default_factory=list)
    items: "list[Value]" = field(default_factory=list)

    def walk(self, path: str = "") -> "Iterator[tuple[str, Value]]":
        """Yield each value below this one that holds no others, with its path ("result.stepsID")."""
        todo: list[tuple[str, Value]] = [(path, self)]
        while todo:
            where, value = todo.pop()
            below = [(f"{where}.{name.plain}" if where else str(name.plain), inner) for name, inner in value.members]
            below += [(f"{where}[{index}]", inner) for index, inner in enumerate(value.items)]
            if value.kind in ("object", "array"):
                todo += reversed(below)
            else:
                yield where, value


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that JSON does not have, with its place in the text. fatal: it ended the reading."""

    code: str
    start: int
    found: str = ""
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """What was read. root: None where there was nothing to read; incomplete where an oddity is fatal."""

    root: Value | None
    oddities: tuple[Oddity, ...]

    @property
    def trouble(self) -> Oddity | None:
        """What ended the reading, None if it came to its end."""
        return next((one for one in self.oddities if one.fatal), None)


class Lines:
    """Finds line and column of an offset."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]

    def place(self, offset: int) -> Place:
        """Return where an offset is."""
        line = bisect_right(self._starts, offset)
        return Place(offset, line, offset - self._starts[line - 1] + 1)


def whole(text: str) -> str:
    """Return a text without half surrogate pairs, which no file and no database takes: each becomes U+FFFD."""
    return _HALF.sub("\ufffd", text)


def decoded(inner: str) -> str:
    """Return what a string's text between its quotation marks means. Half a surrogate pair becomes U+FFFD."""
    if "\\" in inner:
        inner = _ESCAPE.sub(_unescaped, inner)
    inner = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), inner)
    return _HALF.sub("\ufffd", inner)


def _unescaped(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _SIMPLE.get(escape, escape)


def _without_comments(text: str) -> str:
    return _COMMENT.sub(lambda found: " " * len(found[0]), text)


class _Ended(Exception):
    """The reading cannot go on. Never leaves this module."""


class _Parser:
    """One reading. Containers that are open stand in `stack`, so that depth costs no recursion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root: Value | None = None
        self.stack: list[Value] = []
        self.names: list[Value | None] = []  # of the open objects: the name whose value comes next
        self.colon = False  # after such a name
        self.comma = True  # whether a value may come: after an opening or a comma
        self.fresh = True  # nothing stands in the container yet
        self.values = 0
        self.oddities: list[Oddity] = []

    def note(self, code: str, start: int, found: str = "") -> None:
        if len(self.oddities) < MAX_ODDITIES:
            self.oddities.append(Oddity(code, start, found))

    def end(self, code: str, start: int, found: str = "") -> None:
        self.oddities.append(Oddity(code, start, found, fatal=True))
        raise _Ended

    def run(self) -> None:
        text = self.text
        if len(text) > MAX_CHARACTERS:
            self.end("too_large", MAX_CHARACTERS, str(len(text)))
        start = self._begin()
        for token in _TOKEN.finditer(text, start):
            kind, at = token.lastgroup or "", token.start()
            kind = kind.removesuffix("_end")
            if kind == "blank":
                continue
            if self.root is not None and not self.stack:
                self._after(at)
                return
            if kind == "comment":
                self.note("comment", at)
                if token[0].startswith("/*") and not token[0].endswith("*/"):
                    self.end("cut_off", len(text), "/*")
            elif kind == "mark":
                self._mark(token[0], at)
            else:
                self._scalar(kind, token)
        if self.stack:
            self.end("cut_off", len(text), "{" if self.stack[-1].kind == "object" else "[")

    def _begin(self) -> int:
        """Return where the message begins. What stands before it (a log's prefix, line numbers) is gone past."""
        text = self.text
        if not text.strip():
            self.end("empty", 0)
        bare = _without_comments(text)
        brace, bracket = bare.find("{"), bare.find("[")
        start = bracket if brace < 0 or _ARRAY.match(bare) else brace
        if start < 0:
            self.end("not_json", len(text) - len(text.lstrip()))
        if bare[:start].strip(_BLANKS):
            self.note("text_before", 0)
        return start

    def _after(self, at: int) -> None:
        """Look at what stands behind the message."""
        rest = _without_comments(self.text[at:])
        opening = re.search(r"[{\[]", rest)
        if opening:
            self.note("second_message", at + opening.start())
        elif rest.strip(_BLANKS + ",;"):
            self.note("text_after", at)

    def _mark(self, mark: str, at: int) -> None:
        if mark in _OPEN:
            self._add(Value(_OPEN[mark], at), at)
        elif mark in _CLOSE:
            self._close(_CLOSE[mark], mark, at)
        elif mark in ",;":
            if not self.stack or self.comma or (self.names and self.names[-1] is not None):
                if self.names and self.names[-1] is not None:
                    self.end("value_missing", at)
                self.note("comma_extra", at)
            self.comma = True
        else:  # : or =
            if self.stack[-1].kind != "object" or self.names[-1] is None or self.colon:
                self.end("unexpected", at, mark)
            if mark == "=":
                self.note("equals_sign", at)
            self.colon = True

    def _close(self, kind: str, mark: str, at: int) -> None:
        top = self.stack[-1]
        if top.kind != kind:
            self.end("unexpected", at, mark)
        if kind == "object" and self.names[-1] is not None:
            self.end("value_missing", at)
        if self.comma and not self.fresh:
            self.note("comma_extra", at)
        top.end = at + 1
        self.stack.pop()
        self.names.pop()
        self.comma = self.fresh = self.colon = False

    def _scalar(self, kind: str, token: re.Match[str]) -> None:
        at, text = token.start(), token[0]
        value = Value("string", at, token.end())
        if kind in ("double", "single", "curly"):
            closed = bool(token[f"{kind}_end"])
            value.plain = decoded(text[1 : len(text) - closed])
            if not closed:
                self._attach(value, at)
                self.end("cut_off" if token.end() == len(self.text) else "string_not_closed", token.end(), text[0])
            if kind != "double":
                self.note("quotation_marks", at, text[0])
        elif _NUMBER.match(text):
            value.kind = "number"
            value.plain = int(text) if _WHOLE.match(text) else text
        elif text in _LITERALS:
            value.kind, value.plain = "literal", _LITERALS[text]
        elif text in _OTHER_LITERALS and self._is_value():
            value.kind, value.plain = "literal", _OTHER_LITERALS[text]
            self.note("literal_spelling", at, text)
        else:
            value.kind, value.plain = "word", decoded(text)
            if self._is_value() or not re.fullmatch(r"[\w$.-]+", text):
                self.note("word_bare", at, text[:40])
            else:
                self.note("name_bare", at, text[:40])
        self._attach(value, at)

    def _is_value(self) -> bool:
        return not self.stack or self.stack[-1].kind == "array" or self.names[-1] is not None

    def _attach(self, value: Value, at: int) -> None:
        """Take a scalar as the name of a member where one is due, else as a value."""
        if self.stack and self.stack[-1].kind == "object" and self.names[-1] is None:
            if not self.comma:
                self.note("comma_missing", at)
            if value.kind not in ("string", "word"):
                value.plain = self.text[value.start : value.end]
                self.note("name_bare", at, str(value.plain)[:40])
            self.names[-1] = value
            self.colon = self.comma = self.fresh = False
        else:
            self._add(value, at)

    def _add(self, value: Value, at: int) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            self.end("too_many", at, str(MAX_VALUES))
        if not self.stack:
            self.root = value
        elif self.stack[-1].kind == "array":
            if not self.comma:
                self.note("comma_missing", at)
            self.stack[-1].items.append(value)
        else:
            name = self.names[-1]
            if name is None or not self.colon:
                self.end("unexpected", at, self.text[at : at + 1])
                return
            self.stack[-1].members.append((name, value))
            self.names[-1] = None
        self.colon = self.comma = self.fresh = False
        if value.kind in ("object", "array"):
            self.stack.append(value)
            self.names.append(None)
            self.comma = self.fresh = True
            if len(self.stack) > MAX_DEPTH:
                self.end("too_deep", at, str(MAX_DEPTH))


def parse(text: str) -> Document:
    """Read one value out of a text. Raises nothing: what is wrong stands in the document's oddities."""
    parser = _Parser(text)
    try:
        parser.run()
    except _Ended:
        for value in parser.stack:
            value.end = len(text)
    return Document(parser.root, tuple(parser.oddities))


def plain(value: Value) -> Any:
    """Return a value as Python has it: dict, list, str, int, bool or None. Of doubles the last counts, as in JSON."""
    if value.kind == "object":
        return {str(name.plain): plain(inner) for name, inner in value.members}
    if value.kind == "array":
        return [plain(inner) for inner in value.items]
    return value.plain
