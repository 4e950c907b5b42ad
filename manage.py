#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onboarding.settings")
    from django.core.management import execute_from_command_line
    from environs import EnvError

    from onboarding.local_secrets import NowhereToKeep

    try:
        execute_from_command_line(sys.argv)
    except (EnvError, NowhereToKeep) as error:  # a setting that cannot work: one line says which and why
        sys.exit(str(error))
