"""What a refusal says of an exception, which may have no text of its own."""

from __future__ import annotations

LONGEST = 200


def reason(error: BaseException) -> str:
    """Return why something failed, one line that is never empty: the system's words, the exception's, or its class."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else error
    return " ".join(str(said).split())[:LONGEST] or type(error).__name__
