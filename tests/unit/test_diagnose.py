from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.evidence.merge import read_evidence
from pytest_foreignthread.model.observation import Exited, Signaled
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Diagnosis

from .sample_cases import RUN, THUNK, code, crashed, evidence_of, thread

DATA: Final = Path(__file__).parents[1] / "data"
TEXTS: Final = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.txt"))}


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.SKIPPED, Outcome.XFAILED, Outcome.XPASSED])
def test_what_did_not_end_badly_has_no_diagnosis(outcome: Outcome) -> None:
    case = crashed(thread(THUNK, RUN), phase=Phase.TEARDOWN, fatal_python_error="Fatal Python error: text")
    assert code(case) == "fatal-error"
    assert code(replace(case, outcome=outcome)) is None


KINDS: Final = ("hs_err", "java_dump", "python_hang", "native", "python", "stderr")


@st.composite
def torn_documents(draw: st.DrawFn) -> dict[str, str]:
    """Return some documents of a child, each a real one that ends anywhere."""
    names = draw(st.sets(st.sampled_from([*KINDS, "java_dump_2", "java_dump_3", "python_hang_2", "python_hang_3"])))
    documents = {}
    for name in sorted(names):
        kind = f"{name.removesuffix('_2').removesuffix('_3')}-"
        text = draw(st.sampled_from([text for stem, text in TEXTS.items() if stem.startswith(kind)]))
        documents[name] = text[: draw(st.integers(0, len(text)))]
    return documents


# No deadline: a machine may be busy.
@settings(deadline=None, max_examples=150)
@given(
    torn_documents(),
    st.sampled_from(Outcome),
    st.sampled_from(Phase),
    st.sampled_from(["main", "new"]),
    st.integers(0, 4),
)
def test_no_torn_document_raises(
    documents: dict[str, str], outcome: Outcome, phase: Phase, mode: str, exit_code: int
) -> None:
    evidence = read_evidence(documents, {}, {})
    for end in (Exited(exit_code), Signaled(11)):
        case = replace(
            crashed(end=end, exit_code=exit_code), outcome=outcome, phase=phase, mode=mode, evidence=evidence
        )
        diagnosis = diagnose(case)
        assert diagnosis is None or isinstance(diagnosis, Diagnosis)
        assert diagnosis is None or all(diagnosis.evidence)


def of_documents(name: str, phase: Phase = Phase.CALL) -> str | None:
    """Return the diagnosis of a crash from its real documents."""
    documents = {"hs_err": TEXTS[f"hs_err-{name}-25"]}
    if (dump := TEXTS.get(f"python-{name}-3.11")) is not None:
        documents["python"] = dump
    return code(replace(crashed(phase=phase), evidence=read_evidence(documents, {}, {})))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The address of the faulting call alone proves nothing: pystack did not look.
        ("java_thread", None),
        ("main", None),
        ("native_thread", None),
        ("vm_thread", None),
        ("sigbus", None),
        ("unsafe", None),
        ("internal_error", "java-heap"),
        ("memory", None),
    ],
)
def test_real_documents(name: str, expected: str | None) -> None:
    assert of_documents(name) == expected


@pytest.mark.parametrize("version", [17, 25])
def test_the_real_documents_of_two_deadlocks(version: int) -> None:
    dump = TEXTS[f"java_dump-deadlock-{version}"]
    evidence = read_evidence({"java_dump": dump, "java_dump_2": dump, "java_dump_3": dump}, {}, {})
    case = replace(crashed(), outcome=Outcome.HANG, evidence=evidence)
    assert code(case) == "monitor-deadlock"
    lines = [line.partition(" waits for ")[0::2] for line in evidence_of(case)]
    assert [(who, what.split()[-2]) for who, what in lines] == [
        *[('"foreign-1"', '"foreign-4"'), ('"foreign-2"', '"foreign-3"')],
        *[('"foreign-3"', '"foreign-2"'), ('"foreign-4"', '"foreign-1"')],
    ]
