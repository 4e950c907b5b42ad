"""Names and files written into commands and configurations, so that the program at the other end reads exactly them.

Blanks are written as one, and none at either end; a line end would begin a new line of a file, or a new command.
"""

import re

_CONFIG_SPECIAL = re.compile(r"""([\\$#"'`])""")
_SUBJ_SPECIAL = re.compile(r"([\\/+])")
_DNAME_CODED = re.compile(r"[^A-Za-z0-9 .@/_'()&:-]")


def config_value(value: str) -> str:
    """Return the value for a line `name = value` of an OpenSSL configuration file: config(5)."""
    return _CONFIG_SPECIAL.sub(r"\\\1", _on_one_line(value))


def subj_value(value: str) -> str:
    """Return the value for OpenSSL's `-subj`, which has still to be quoted for the shell."""
    return _SUBJ_SPECIAL.sub(r"\\\1", _on_one_line(value))


def dname_value(value: str) -> str:
    r"""Return the value for a distinguished name (RFC 4514) that is to stand between double quotes in any shell.

    Whatever could mean something to a shell, or get lost in a character set, is written as the hexadecimal codes of
    its bytes in UTF-8 (section 2.4): `\C3\A9` for é. So no letter depends on the locale; nothing has to be quoted in
    bash, zsh, PowerShell or cmd; and there is no quotation mark, which Windows PowerShell 5.1 passes on wrongly.
    """
    return _DNAME_CODED.sub(lambda found: "".join(f"\\{byte:02X}" for byte in found[0].encode()), _on_one_line(value))


def sh_file(name: str, text: str) -> str:
    """Return the command of a POSIX shell that writes a file. The text's last line ends; no line of it is `END`.

    In a here-document whose mark is quoted, bash and zsh expand nothing, not even `!` where they have a history.
    """
    return f"cat > {name} <<'END'\n{text}END"


def powershell_file(name: str, text: str) -> str:
    """Return the PowerShell commands that write a file, with 5.1 as with 7. No line of the text begins with `'@`.

    As UTF-8 without a byte order mark: `>` and Out-File would write UTF-16 in 5.1, and Set-Content a mark. .NET keeps
    a current folder of its own, so the path is given whole.
    """
    return f"$text = @'\n{text}'@\n[IO.File]::WriteAllText(\"$($PWD.ProviderPath)\\{name}\", $text)"


def _on_one_line(value: str) -> str:
    return " ".join(value.split())
