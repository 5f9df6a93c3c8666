"""Getting a password from a person without showing it to anybody else.

Never as an argument: those are visible to every process of the machine.
"""

from __future__ import annotations

import secrets
import sys

import click

from mailhub.auth.verifiers import BadPassword, make_verifiers
from mailhub.model.apppasswords import is_recognised
from mailhub.model.errors import Refusal
from mailhub.model.mail import Verifier

# Without what is easily confused when read aloud: 0 O, 1 l I.
_ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GENERATED_LENGTH = 16  # 92 bits


class UnusablePassword(Refusal):
    explanation = "That password cannot be used"


def choose(*, from_stdin: bool, generate: bool) -> str:
    """The new password.  Raises UnusablePassword."""
    if generate:
        return "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED_LENGTH))
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise UnusablePassword("Give the password with --password-stdin, or use --generate")
    if not password:
        raise UnusablePassword("The password must not be empty")
    if is_recognised(password):
        raise UnusablePassword("A password must not look like an app password")
    return password


def verifiers_of(password: str) -> tuple[Verifier, ...]:
    """What is stored of it; takes a fraction of a second.  Raises UnusablePassword."""
    try:
        return make_verifiers(password)
    except BadPassword as error:
        raise UnusablePassword(str(error)) from error
