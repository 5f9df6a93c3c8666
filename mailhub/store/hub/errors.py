"""Refusals that only an administrator meets; the rest is in :mod:`mailhub.model.errors`."""

from __future__ import annotations

from mailhub.model.errors import Refusal


class BadAddress(Refusal):
    explanation = "That is not a valid address"


class NoSuchDomain(Refusal):
    explanation = "No such domain"


class NoSuchAlias(Refusal):
    explanation = "No such alias"


class DataDirInUse(Refusal):
    explanation = "Another mailhub server is using the data directory"


class UnusableDataDir(Refusal):
    explanation = "The data directory cannot be used"


class NoSuchAppPassword(Refusal):
    explanation = "No such app password"


class AppPasswordExists(Refusal):
    explanation = "An app password of that name exists already"


class BadName(Refusal):
    explanation = "That is not a valid name"
