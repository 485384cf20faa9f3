"""The names of the environment variables and of Java's system properties whose values may be shown to others.

A name belongs here if its value says how Python, Java, pytest or the machine is set up, and is never confidential. The
name of an address does not: an address may contain a user and a password.
"""

from __future__ import annotations

from typing import Final

JVM_OPTION_VARIABLES: Final = frozenset(
    {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JDK_AOT_VM_OPTIONS", "_JPI_VM_OPTIONS"}
)
"""Variables that hold arguments for a JVM."""
PYTEST_OPTION_VARIABLES: Final = frozenset({"PYTEST_ADDOPTS"})
"""Variables that hold arguments for pytest."""

_PYTHON: Final = (
    *("ASYNCIODEBUG", "BREAKPOINT", "COERCECLOCALE", "DEBUG", "DEVMODE", "DONTWRITEBYTECODE", "EXECUTABLE"),
    *("FAULTHANDLER", "HASHSEED", "HOME", "INSPECT", "INTMAXSTRDIGITS", "IOENCODING", "LEGACYWINDOWSSTDIO"),
    *("MALLOC", "MALLOCSTATS", "NODEBUGRANGES", "NOUSERSITE", "OPTIMIZE", "PATH", "PERFSUPPORT", "PLATLIBDIR"),
    *("PROFILEIMPORTTIME", "PYCACHEPREFIX", "SAFEPATH", "STARTUP", "TRACEMALLOC", "UNBUFFERED", "USERBASE", "UTF8"),
    *("VERBOSE", "WARNDEFAULTENCODING", "WARNINGS", "_CONTEXT_AWARE_WARNINGS", "_CPU_COUNT", "_FROZEN_MODULES"),
    *("_GIL", "_JIT", "_PERF_JIT_SUPPORT", "_THREAD_INHERIT_CONTEXT", "_TLBC"),
)
_PYTEST: Final = (
    *("CURRENT_TEST", "DEBUG", "DEBUG_TEMPROOT", "DISABLE_PLUGIN_AUTOLOAD", "PLUGINS", "THEME", "THEME_MODE"),
    *("TIMEOUT", "VERSION", "XDIST_AUTO_NUM_WORKERS", "XDIST_TESTRUNUID", "XDIST_WORKER", "XDIST_WORKER_COUNT"),
)
_GITHUB: Final = (
    *("ACTION", "ACTIONS", "BASE_REF", "EVENT_NAME", "HEAD_REF", "JOB", "REF", "REF_NAME", "REF_TYPE"),
    *("REPOSITORY", "RUN_ATTEMPT", "RUN_ID", "RUN_NUMBER", "SHA", "WORKFLOW", "WORKSPACE"),
)
_GITLAB: Final = (
    *("COMMIT_REF_NAME", "COMMIT_SHA", "JOB_ID", "JOB_IMAGE", "JOB_NAME", "JOB_STAGE", "PIPELINE_ID"),
    *("PIPELINE_SOURCE", "PROJECT_DIR", "RUNNER_EXECUTABLE_ARCH"),
)

_VARIABLES: Final = frozenset(
    {
        *JVM_OPTION_VARIABLES,
        *PYTEST_OPTION_VARIABLES,
        *(f"PYTHON{name}" for name in _PYTHON),
        *(f"PYTEST_{name}" for name in _PYTEST),
        *(f"GITHUB_{name}" for name in _GITHUB),
        *(f"CI_{name}" for name in _GITLAB),
        # Python: virtual environments, coverage and tox.
        *("VIRTUAL_ENV", "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYENV_VERSION"),
        *(
            "COVERAGE_CORE",
            "COVERAGE_FILE",
            "COVERAGE_PROCESS_START",
            "COVERAGE_RCFILE",
            "TOX_ENV_NAME",
            "TOX_WORK_DIR",
        ),
        # Java.
        *("JAVA_HOME", "JDK_HOME", "JRE_HOME", "CLASSPATH", "JAVA_VERSION"),
        # Threads and memory of native libraries.
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KMP_DUPLICATE_LIB_OK"),
        *("MALLOC_ARENA_MAX", "MALLOC_CHECK_", "MALLOC_PERTURB_", "GLIBC_TUNABLES", "ASAN_OPTIONS", "TSAN_OPTIONS"),
        # The loader, paths, the terminal, the locale.
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_BIND_NOW", "LD_DEBUG", "PATH", "HOME", "PWD", "OLDPWD"),
        *("TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
        *("SHELL", "SHLVL", "TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS"),
        *("LANG", "LANGUAGE", "TZ", "ARCH", "HOSTTYPE", "OSTYPE", "MACHTYPE", "DISPLAY", "WAYLAND_DISPLAY"),
        # The CI system and its run.
        *("CI", "CONTINUOUS_INTEGRATION", "GITLAB_CI", "TRAVIS", "CIRCLECI", "APPVEYOR", "TF_BUILD", "DRONE"),
        *("BUILDKITE", "TEAMCITY_VERSION", "JENKINS_HOME", "BUILD_NUMBER", "JOB_NAME", "CIRCLE_JOB"),
        *("RUNNER_ARCH", "RUNNER_OS", "RUNNER_TEMP", "ImageOS", "ImageVersion", "READTHEDOCS"),
    }
)

PROPERTIES: Final = frozenset(
    {
        *(
            "file.encoding",
            "native.encoding",
            "stdout.encoding",
            "stderr.encoding",
            "stdin.encoding",
            "sun.jnu.encoding",
        ),
        *("user.language", "user.country", "user.variant", "user.timezone", "user.dir", "user.home"),
        *("java.awt.headless", "java.class.path", "java.home", "java.io.tmpdir", "java.library.path"),
        *("java.net.preferIPv4Stack", "java.net.preferIPv6Addresses", "java.security.manager"),
        *("java.util.concurrent.ForkJoinPool.common.parallelism", "jdk.attach.allowAttachSelf"),
        *("jdk.virtualThreadScheduler.maxPoolSize", "jdk.virtualThreadScheduler.parallelism", "jdk.tracePinnedThreads"),
        *("jna.debug_load", "jna.library.path", "jna.nosys", "jna.tmpdir", "jpype.unnamed.module"),
        *("clojure.compile.path", "clojure.compiler.direct-linking", "clojure.core.async.pool-size"),
    }
)
"""System properties (`-Dname=value`)."""


def is_shown_variable(name: str) -> bool:
    return name in _VARIABLES or name.startswith("LC_")
