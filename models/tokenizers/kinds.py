"""The motion tokenizers by the name that a recipe's `[tokenizer] kind` asks for."""

from __future__ import annotations

from models.tokenizers import hmvlm, superman, unimo, unimotion, vermo
from models.tokenizers.contract import Kind
from motion.errors import BadConfig

KINDS: dict[str, Kind] = {
    "vermo": vermo.KIND,
    "hmvlm": hmvlm.KIND,
    "unimotion": unimotion.KIND,
    "superman": superman.KIND,
    "unimo": unimo.KIND,
}


def find(name: str) -> Kind:
    """The tokenizer of a name. Raises BadConfig, listing the names there are."""
    if name not in KINDS:
        raise BadConfig(f"there is no tokenizer called {name!r}; choose one of {', '.join(KINDS)}")
    return KINDS[name]
