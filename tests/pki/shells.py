"""Commands as people give them: typed into a terminal; and PowerShell's, read by its documented rules.

PowerShell cannot be had here. So its commands are taken apart as about_Parsing and about_Quoting_Rules say, and nothing
is let through whose meaning would depend on more than that: no variable, no expression, no array, no escape.
"""

import fcntl
import os
import re
import select
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT = 60.0
"""Seconds for a command that is typed in."""

_PROMPT = re.compile(rb"pass ?(?:phrase|word)[^\n:]*:\s*$", re.IGNORECASE)


def type_in(command: Sequence[str], folder: Path, secret: str = "", *, lines: str = "", locale: str = "C.UTF-8") -> str:
    """Run a command in a terminal of its own, and return what it showed. Whenever it asks for a secret, give `secret`.

    lines: what is pasted at the start. Raises AssertionError, with what was shown, unless the command succeeds.
    """
    master, slave = os.openpty()
    environment = os.environ | {"LC_ALL": locale, "TERM": "dumb", "HISTFILE": "", "PS1": "$ "}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as process:
        os.close(slave)
        os.write(master, lines.encode())
        shown, fresh, until = b"", b"", time.monotonic() + LIMIT
        while time.monotonic() < until:
            if not select.select([master], [], [], 0.2)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                read = os.read(master, 65_536)
            except OSError:  # what a terminal says once nobody is at its other end
                break
            shown, fresh = shown + read, fresh + read
            if _PROMPT.search(fresh):
                os.write(master, secret.encode() + b"\n")
                fresh = b""
        else:
            process.kill()
    os.close(master)
    text = shown.decode(errors="replace").replace("\r\n", "\n")
    assert process.returncode == 0, text
    return text


def sh_arguments(script: str, folder: Path) -> list[list[str]]:
    """Return the commands of a script as a POSIX shell takes them apart, each a list of its words."""
    asked = "".join(f"printf '%s\\0' {line}\nprintf '\\0'\n" for line in script.splitlines())
    done = subprocess.run(["sh", "-c", asked], cwd=folder, check=True, capture_output=True)
    return [line.decode().split("\0") for line in done.stdout.split(b"\0\0") if line]


class Unclear(Exception):
    """Something in a PowerShell command is not just a word or a quoted string."""


_SINGLE, _DOUBLE = "'\u2018\u2019\u201a\u201b", '"\u201c\u201d\u201e'  # PowerShell takes all of these for quotes
_QUOTED = re.compile(
    rf"[{_SINGLE}]((?:[^{_SINGLE}]|[{_SINGLE}]{{2}})*)[{_SINGLE}]"
    rf"|[{_DOUBLE}]([^{_DOUBLE}$`]*)[{_DOUBLE}]"
)
_WORD = re.compile(rf"[^\s{_SINGLE}{_DOUBLE}`$(){{}},;|&<>]+")


def powershell_arguments(script: str) -> list[list[str]]:
    """Return the commands of a script as PowerShell takes them apart, each a list of its words. Raises Unclear."""
    return [_words(line) for line in script.splitlines()]


def _words(line: str) -> list[str]:
    words, position = [], 0
    while position < len(line):
        if line[position] == " ":
            position += 1
            continue
        found = _QUOTED.match(line, position) or _WORD.match(line, position)
        if found is None or line[found.end() : found.end() + 1] not in ("", " "):
            raise Unclear(line[position:])
        if found.re is _QUOTED:
            single, double = found.groups()
            words.append(double if single is None else re.sub(rf"([{_SINGLE}])[{_SINGLE}]", r"\1", single))
        else:
            word = found[0]
            # A comment; splatting; the end of parsing; and -name.rest, which is passed on in two parts.
            if word[0] in "#@" or word == "--%" or re.match(r"-\w+[.:]", word):
                raise Unclear(word)
            words.append(word)
        position = found.end()
    if not words or not re.match(r"[a-z]", words[0]):  # else it is an expression, not a command
        raise Unclear(line)
    return words


def powershell_file(script: str) -> tuple[str, bytes]:
    """Return name and content of the file that a script writes, as Windows PowerShell 5.1 and PowerShell 7 both do.

    .NET's File.WriteAllText writes UTF-8 without a byte order mark if it is not told otherwise. Raises Unclear.
    """
    # A here-string ends at the first line that begins with its mark; the line end before that is not part of it.
    found = re.fullmatch(
        rf"\$text = @'\n(.*?)\n[{_SINGLE}]@\n"
        r"\[IO\.File\]::WriteAllText\(\"\$\(\$PWD\.ProviderPath\)\\([a-z.]+)\", \$text\)",
        script,
        re.DOTALL,
    )
    if found is None:
        raise Unclear(script)
    return found[2], found[1].encode()


def passed_by_windows(arguments: Sequence[str], *, legacy: bool) -> list[str]:
    """Return what a program on Windows gets to see of the arguments that PowerShell gives it.

    legacy: as Windows PowerShell 5.1 passes them on, with quotes around what has blanks, and nothing escaped;
    otherwise as PowerShell does since 7.3.
    """
    if legacy:
        line = " ".join(f'"{argument}"' if re.search(r"\s", argument) else argument for argument in arguments)
    else:
        line = subprocess.list2cmdline(arguments)
    return _as_c_programs_read(line)


def _as_c_programs_read(line: str) -> list[str]:
    """Take a command line apart as Microsoft's C runtime does: `argv` of "Parsing C command-line arguments"."""
    arguments, current, quoted, begun, position = [], "", False, False, 0
    while position < len(line):
        if found := re.compile(r'(\\*)"').match(line, position):
            current += found[1][: len(found[1]) // 2]
            if len(found[1]) % 2:
                current += '"'
            else:
                quoted = not quoted
            begun, position = True, found.end()
        elif line[position] in " \t" and not quoted:
            if begun:
                arguments.append(current)
            current, begun, position = "", False, position + 1
        else:
            current, begun, position = current + line[position], True, position + 1
    return [*arguments, current] if begun else arguments
