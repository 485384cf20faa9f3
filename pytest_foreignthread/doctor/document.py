"""Findings as JSON, by the schema docs/doctor.schema.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, Final

from .findings import Finding, count

SCHEMA_VERSION: Final = 1


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "healthy": count(findings, "problem") == 0,
        "findings": [{**dataclasses.asdict(one), "advice": one.advice or None} for one in findings],
    }


def render(findings: Sequence[Finding]) -> str:
    return json.dumps(document(findings), indent=2)
