"""The mutual-TLS call, explained: client, faults, diagnosis. Pure: no Django, no database, no clock for
verdicts.
"""
