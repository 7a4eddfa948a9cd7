"""Of which kind are many settings? Ports and secrets, declared in one line each."""

from typing import Any

from pydantic import Field, SecretStr

RANDOM_KEY = "$(openssl rand -hex 32)"  # how an example has one made


def port(default: int, of: str, more: str = "") -> Any:
    """The port that a role listens on."""
    said = f"Port of {of}; 0 is any free one{more}."
    return Field(default, ge=0, le=65535, description=said, examples=[str(default)])


def secret(description: str, example: str = RANDOM_KEY) -> Any:
    """What is masked wherever settings are shown, and may stand in a file; unset it is empty."""
    return Field(SecretStr(""), description=description, examples=[example])
