"""The values of the options, from the command line and the ini file.

The command line overrides the ini file, and that overrides the default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..model.choices import MODES
from . import option_values as values
from .option_table import OPTIONS, Option, option_named

if TYPE_CHECKING:
    from .chosen_options import Options


def faulthandler_choice(early: pytest.Config, early_option: Callable[[pytest.Config, str], object]) -> object:
    """Return the unchecked value of the option `faulthandler`, before the first conftest is imported.

    `early_option` returns the value of an option on the command line at that time. A later step checks the value.
    """
    option = option_named("faulthandler")
    return early_option(early, option.flag) or _ini_value(early, option) or option.default


def are_given(config: pytest.Config) -> bool:
    """Return whether any option is on the command line or in the ini file, also with a value that is wrong."""
    try:
        return any(
            config.getoption(option.flag) not in (None, False) or _ini_value(config, option) for option in OPTIONS
        )
    except ValueError:
        # Wrong, and so given: `configured` then reports it as an error.
        return True


def configured(config: pytest.Config, modes: Sequence[str] = MODES) -> Options:
    """Return the value of each option; raise UsageError for a value that is wrong."""
    # Imported here: most runs of pytest do not need it.
    from .chosen_options import Options

    table = (one._replace(parse=values.mode_names(modes)) if one.name == "modes" else one for one in OPTIONS)
    return Options(**{option.name: _configured(config, option) for option in table})


def is_given(config: pytest.Config, name: str) -> bool:
    """Return whether the option of that name is on the command line or in the ini file."""
    option = option_named(name)
    return config.getoption(option.flag) is not None or bool(_ini_value(config, option))


def _configured(config: pytest.Config, option: Option) -> Any:
    given = config.getoption(option.flag)
    try:
        if option.action == "append":
            return tuple(_of_command(config, option, one) for one in given or ())
        if given is not None:
            return _of_command(config, option, given)
        # A missing key has the value "" in some releases of pytest, and None in others.
        if written := _ini_value(config, option):
            return parsed_value(option, written, f"ini key {option.ini}", config.rootpath)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    return option.default


def _of_command(config: pytest.Config, option: Option, given: object) -> Any:
    return parsed_value(option, given, option.flag, config.invocation_params.dir)


def _ini_value(config: pytest.Config, option: Option) -> object:
    try:
        return config.getini(option.ini) if option.in_ini else None
    except TypeError as error:
        # A TOML file may have a number for a key that must be text. Some releases of pytest raise no UsageError then.
        raise ValueError(f"ini key {option.ini}: {error}") from None


def parsed_value(option: Option, value: object, name: str, folder: Path) -> Any:
    """Return the parsed value of an option, with paths made absolute from `folder`.

    Raise ValueError with the name under which the user wrote the value, what is expected, and the value.
    """
    try:
        parsed = option.parse(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}, got {values.shortened(repr(value))}") from None
    if not option.is_path or (option.word is not None and parsed == option.word):
        return parsed
    if not isinstance(parsed, str):
        return tuple(_absolute(folder, part) for part in parsed)
    path = _absolute(folder, parsed)
    try:
        if option.check is not None:
            option.check(Path(path))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return path


def _absolute(folder: Path, part: str) -> str:
    # A shell expands `~` neither in an ini file nor behind the `=` of an option.
    return str(folder / os.path.expanduser(part))


def doctor_form(config: pytest.Config) -> str | None:
    """Return the form of the doctor's output, None if the doctor is not asked for; raise UsageError."""
    return None if (form := _configured(config, option_named("doctor"))) is None else str(form)


def explained(config: pytest.Config) -> str | None:
    """Return the diagnosis whose page is asked for, None if none is; raise UsageError."""
    return None if (code := _configured(config, option_named("explain"))) is None else str(code)


def ends_process(config: pytest.Config) -> bool:
    """Return whether to end the pytest process at its exit although Java threads still run; raise UsageError."""
    return bool(_configured(config, option_named("end_process")))


def source_of(config: pytest.Config, name: str) -> str:
    """Return the name under which the user has given an option: its flag on the command line, else its ini key."""
    option = option_named(name)
    return option.flag if config.getoption(option.flag) is not None else option.ini
