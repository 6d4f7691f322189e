"""Errors that a user can mend; each message is one line naming file, field and what is legal."""


class PaletteOTError(Exception):
    """Base of every error this package raises on purpose."""


class ParamsError(PaletteOTError):
    """A value in ``params.yaml`` (or on the command line) is not legal."""


class DataError(PaletteOTError):
    """A file of data is missing, cut short or holds something illegal."""


class ProblemError(PaletteOTError, ValueError):
    """Arrays do not describe a transport problem."""


class WorkerError(PaletteOTError):
    """A worker process was ended from outside."""


class BusyError(PaletteOTError):
    """Another process works on the same just now."""
