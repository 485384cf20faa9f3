import contextvars
import decimal

import pytest

user = contextvars.ContextVar("user")


@pytest.fixture
def ada():
    user.set("Ada")


@pytest.fixture
def nan_for_what_is_no_number():
    decimal.getcontext().traps[decimal.InvalidOperation] = False


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_set_by_a_fixture(ada):
    assert user.get() == "Ada"


@pytest.mark.foreign_thread(mode="native-pool")
def test_set_by_the_callback_before(foreign_thread):
    foreign_thread.call(user.set, "Ada")
    foreign_thread.call(user.get)


@pytest.mark.foreign_thread(mode="native")
def test_decimal(nan_for_what_is_no_number):
    assert decimal.Decimal("n/a").is_nan()
