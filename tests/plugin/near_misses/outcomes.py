"""How each near miss ends, on every Python and JDK; none may be given the diagnosis that its file is named after."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OUTCOMES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "aborted": {
            "test_abort_without_a_word": "crash",
            "test_words_of_a_process_that_exits": "crash",
        },
        "callback-at-exit": {
            "test_a_handler_joins_the_thread": "passed",
            "test_a_thread_of_c_alone": "passed",
            "test_it_aborts_while_a_handler_runs": "crash",
        },
        "collected-proxy": {
            "test_a_callback_that_crashes_itself": "segfault",
            "test_a_callback_that_is_kept": "passed",
            "test_an_address_that_never_was_a_callback": "segfault",
        },
        "context-lost": {
            "test_another_context_on_the_main_thread": "failed",
            "test_decimal_as_everywhere[native]": "failed",
            "test_decimal_as_everywhere[new]": "failed",
            "test_handed_over": "passed",
            "test_never_set[native]": "failed",
            "test_never_set[new]": "failed",
            "test_set_and_reset": "failed",
        },
        "deep-recursion": {
            "test_crash_elsewhere_under_a_raised_limit": "segfault",
            "test_limit_holds": "failed",
            "test_limit_raised_and_not_reached": "passed",
            "test_silent_crash_without_recursion": "segfault",
        },
        "dummy-thread": {
            "test_a_thread_of_pythons[native]": "passed",
            "test_a_thread_of_pythons[new]": "passed",
            "test_a_thread_that_was_not_started": "failed",
            "test_joins_itself": "failed",
            "test_the_name_of_one[native]": "failed",
            "test_the_name_of_one[new]": "failed",
        },
        "event-loop": {
            "test_a_coroutine_waits_for_an_item": "hang",
            "test_a_timer_of_javas_would_complete_the_result": "hang",
            "test_another_thread_may_complete_the_result": "hang",
            "test_the_coroutine_sleeps": "hang",
            "test_the_loop_goes_on": "passed",
            "test_the_loop_is_blocked_by_a_sleep": "hang",
        },
        "exited": {
            "test_another_process_exits": "passed",
            "test_system_exit": "failed",
        },
        "fatal-error": {
            "test_abort": "crash",
            "test_words_alone": "passed",
        },
        "forked-jvm": {
            "test_a_fork_that_calls_no_java": "hang",
            "test_a_fork_that_ends": "passed",
            "test_a_program_of_its_own": "hang",
        },
        "forked-lock": {
            "test_another_process_is_waited_for": "hang",
            "test_nobody_waits_for_the_process": "hang",
            "test_the_lock_is_free": "passed",
            "test_the_process_waits_for_something_else[take_shared-native]": "hang",
            "test_the_process_waits_for_something_else[wait_beside_a_thread-native]": "hang",
            "test_the_process_waits_for_something_else[wait_for_an_event_with_a_timeout-native]": "hang",
            "test_the_process_waits_for_something_else[wait_with_a_timeout-native]": "hang",
        },
        "gil-deadlock": {
            "test_sleeps_with_the_gil[main]": "hang",
            "test_sleeps_with_the_gil[new]": "hang",
            "test_waits_for_the_monitor_without_the_gil": "passed",
            "test_waits_without_the_gil": "hang",
        },
        "gil-held": {
            "test_python_code_that_does_not_end": "hang",
            "test_sleeps_without_the_gil": "hang",
            "test_the_only_thread_sleeps_with_the_gil": "hang",
        },
        "import-lock": {
            "test_the_callback_imports_another_module": "passed",
            "test_the_importing_thread_sleeps": "hang",
        },
        "java-heap": {
            "test_memory_error": "failed",
            "test_more_than_an_array_can_hold": "failed",
            "test_the_status_of_an_exhausted_heap": "crash",
            "test_the_words_in_another_exception": "failed",
        },
        "java-stack-overflow": {
            "test_fits": "passed",
            "test_java_throws": "failed",
            "test_recursion_error": "failed",
        },
        "jvm-before-fork": {
            "test_foreign": "passed",
        },
        "jni-misuse": {
            "test_a_warning": "passed",
            "test_c_code_gives_up": "crash",
            "test_no_breach": "passed",
            "test_the_words_and_an_abort": "crash",
        },
        "late-callback": {
            "test_late_and_harmless": "passed",
            "test_the_submitter_is_in_a_library": "segfault",
            "test_the_submitter_polls": "segfault",
            "test_the_submitter_waits": "segfault",
            "test_the_submitter_waits_for_a_descriptor": "segfault",
            "test_the_test_crashes_after_a_late_callback": "segfault",
        },
        "lock-and-future": {
            "test_a_third_thread_has_the_lock": "hang",
            "test_the_callback_waits_for_an_event": "hang",
            "test_the_callback_waits_for_an_item_of_a_java_queue": "hang",
            "test_the_lock_is_released_before": "passed",
        },
        "main-thread-only": {
            "test_bad_signal_number": "failed",
            "test_bad_signal_on_the_main_thread": "failed",
            "test_loop_of_its_own": "passed",
            "test_no_running_loop": "failed",
            "test_signal_on_the_main_thread": "passed",
        },
        "memory-misuse": {
            "test_a_null_pointer[native]": "segfault",
            "test_a_null_pointer[new]": "segfault",
            "test_the_bytes_without_the_checker[native]": "segfault",
            "test_the_bytes_without_the_checker[new]": "segfault",
            "test_the_words_alone": "passed",
            "test_the_words_before_a_crash_of_another_kind": "crash",
        },
        "mixed-deadlock": {
            "test_a_python_lock_that_no_one_releases": "hang",
            "test_the_callback_of_a_synchronized_method_sleeps": "hang",
            "test_the_owner_of_the_monitor_wants_nothing": "hang",
        },
        "monitor-deadlock": {
            "test_the_owner_of_a_lock_waits_for_a_signal": "hang",
            "test_the_owner_sleeps": "hang",
        },
        "native-crash": {
            "test_in_libc": "segfault",
            "test_in_libjvm": "segfault",
            "test_in_libpython": "segfault",
            "test_in_libpython_below_a_library": "segfault",
        },
        "no-gil": {
            "test_a_callback_takes_the_gil": "passed",
            "test_a_pydll_keeps_the_gil": "passed",
            "test_a_wrong_pointer_with_the_gil": "segfault",
        },
        "null-result": {
            "test_java_exception_that_arrives": "failed",
            "test_plain_system_error": "failed",
            "test_the_words_in_another_error": "failed",
        },
        "pool-starvation": {
            "test_a_thread_is_idle": "hang",
            "test_a_thread_is_left_for_the_task": "passed",
            "test_all_are_at_work": "hang",
            "test_the_task_runs_in_another_pool_and_waits_for_a_lock": "hang",
        },
        "result-with-exception": {
            "test_plain_system_error": "failed",
            "test_python_destructor": "passed",
        },
        "java-thread-keeps-running": {
            "test_a_daemon": "passed",
            "test_a_pool_that_was_shut_down": "passed",
            "test_a_shutdown_hook_that_waits": "hang",
        },
        "thread-keeps-running": {
            "test_a_daemon": "passed",
            "test_a_handler_joins_a_daemon": "passed",
            "test_a_handler_that_waits": "hang",
            "test_a_thread_that_a_daemon_started": "passed",
            "test_a_thread_that_ends_in_time": "passed",
        },
        "self-deadlock": {
            "test_a_lock_for_one_thread": "passed",
            "test_a_queue_that_stays_empty": "hang",
            "test_a_timer_of_javas_would_release_it": "hang",
            "test_an_event_that_never_comes": "hang",
            "test_another_thread_has_the_lock": "hang",
            "test_it_joins_a_thread_of_a_pool": "hang",
        },
        "signals-blocked": {
            "test_a_process_that_ignores_it": "hang",
            "test_a_signal_that_does_nothing": "hang",
            "test_nothing_was_sent[native]": "hang",
            "test_nothing_was_sent[new]": "hang",
            "test_what_nothing_blocks": "passed",
        },
        "small-stack": {
            "test_a_null_pointer[native]": "segfault",
            "test_a_null_pointer[native-pool]": "segfault",
            "test_fits[native]": "passed",
            "test_fits[native-pool]": "passed",
            "test_the_limit_is_above_all_stacks[main]": "segfault",
            "test_the_limit_is_above_all_stacks[native]": "segfault",
        },
        "thread-affine": {
            "test_closed_connection": "failed",
            "test_connection_made_where_it_is_used": "passed",
            "test_local_that_no_thread_set": "failed",
        },
        "thread-local-lost": {
            "test_another_thread_had_it": "failed",
            "test_deleted_by_the_callback_that_had_set_it": "failed",
            "test_never_set[native-pool]": "failed",
            "test_never_set[pool]": "failed",
            "test_set_again": "passed",
        },
    }
)
