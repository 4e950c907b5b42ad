"""The offline checker: the ladder as one file for a bare Python 3.10, run beside a private key that stays where it is.

`build.py` makes the file, in the portal or by `make checker`; everything else here is in it.
"""

VERSION = "0.1.0"
