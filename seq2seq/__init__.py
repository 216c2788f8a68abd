"""Sequence-to-sequence translation: transformers beside recurrent networks, trained alike and compared."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Translator", "__version__", "load_model"]

if TYPE_CHECKING:
    from seq2seq.translation import Translator, load_model


def __getattr__(name: str) -> Any:
    # Lazily, because `seq2seq --help` must not wait for torch.
    if name in ("Translator", "load_model"):
        from seq2seq import translation

        return getattr(translation, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
