"""Secrets of a single-machine installation: made once, kept in files that only the owner can read."""

import base64
import os
import secrets
from pathlib import Path


class NowhereToKeep(Exception):
    """The folder for what this installation keeps cannot be written."""


def local_secret(path: Path) -> str:
    """Return the secret kept at `path` (base64 of 32 random bytes), making it on first use. Raises NowhereToKeep.

    Safe when several processes start at once: the file is linked into place whole, and the first one wins.
    """
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise NowhereToKeep(
                f"{path.parent} cannot be made ({error.strerror}). Choose another folder with VAR_DIR."
            ) from error
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)).decode("ascii"))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text("ascii").strip()
