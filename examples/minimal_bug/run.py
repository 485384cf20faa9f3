"""The control: the same Python functions without a JVM. They print the author's four lines."""

from __future__ import annotations

from minimal_bug import call_me_baby

if __name__ == "__main__":
    print("your mood =", call_me_baby())
