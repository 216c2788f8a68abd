"""Errors that a user of the toolkit can cause and mend.

Anything else that is raised is a bug and keeps its traceback.
"""


class Seq2SeqError(Exception):
    """The base of them all: the command line prints its message alone."""


class ConfigError(Seq2SeqError):
    """A recipe or an option names an unknown key or gives a value that cannot be."""


class DataError(Seq2SeqError):
    """A text, a corpus or a tokenizer is missing, broken, or does not fit the other."""


class CheckpointError(Seq2SeqError):
    """A run folder or a file in it is missing, broken, or cannot be written."""


class PeerError(Seq2SeqError):
    """Another process of the same training was lost, or went another way."""


class ReportedError(Seq2SeqError):
    """Another process of the same training failed and says why; this one ends without a word."""
