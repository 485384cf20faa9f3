"""What the tests of both bridges need of the JVM."""

from __future__ import annotations

from typing import Any

import pytest
from foreign import FINAL_SINCE

pytest.register_assert_rewrite("cases_as_tests")


@pytest.fixture
def java_lang_foreign(jvm: Any) -> None:
    release = jvm.getJVMVersion()[0]
    if release < FINAL_SINCE:
        pytest.skip(f"the bridge needs java.lang.foreign, final from JDK {FINAL_SINCE} on; this is JDK {release}")
