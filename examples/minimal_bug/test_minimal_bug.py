"""The author's cases against the broken bridge. Half of these tests fail, each in its own way: that is the bug."""

from __future__ import annotations

import broken_bridge
import pytest
from cases import Bridge, ready
from cases_as_tests import *  # noqa: F403

pytestmark = pytest.mark.foreign_thread(mode="main", timeout=10)


@pytest.fixture
def bridge(java_lang_foreign: None) -> Bridge:
    return ready(broken_bridge)
