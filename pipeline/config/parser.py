"""The argument parser of both command lines: mistakes in one line, and a --help that lists the command's settings.

In: the names of the settings that a command reads, and the options that it hands on to Beam. Out: an argparse parser.

Settings and Beam's options are in the text of --help alone. The parser never meets a setting: overrides.py takes them
out of the arguments before. An option that the parser does not know is Beam's.
"""

import argparse
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from pipeline.config.reference import list_settings, section_summary
from pipeline.errors import UserError

SETTINGS_HELP: Final = """\
Each setting has a default. A value in the file of --config replaces it; a value that is given as
--section.key VALUE replaces both; text is taken as it is, other values are YAML. Relative paths start in the
current folder, and ~ is the home folder.\
"""
# For commands that take the same file and options as `run`.
OTHER_SECTIONS_HELP: Final = """
Settings of other sections may be given as well; this command checks them and does not use them.\
"""

CONFIG_HELP: Final = "the settings, as YAML (default: pipeline.yaml in this folder, if it is there)"


class HelpOption(NamedTuple):
    """An option as --help shows it: its name with dashes, the name of its value, what it does."""

    name: str
    value: str
    help: str


class OptionGroup(NamedTuple):
    """Options that a command hands on; `usage`: what they are called in the usage line."""

    title: str
    usage: str
    description: str
    options: Sequence[HelpOption]


class Parser(argparse.ArgumentParser):
    """argparse's parser with errors of one line, and with settings and options of others in its --help.

    settings: sections (`input`) and single settings (`output.path`) that the command reads.
    handed_on: the options that the command hands on.
    """

    def __init__(self, *, settings: Sequence[str] = (), handed_on: OptionGroup | None = None, **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **arguments)
        self._settings = settings
        self._handed_on = handed_on

    def error(self, message: str) -> NoReturn:
        """Raises a UserError instead of printing the usage."""
        raise UserError(f"{message}; {self.prog} --help lists what it takes")

    def format_help(self) -> str:
        """The text of --help. Its groups are added only now, so a command that runs does not wait for them."""
        usage = [self.format_usage().removeprefix("usage: ").rstrip()]
        if self._settings:
            usage.append("[--section.key VALUE ...]")
            self._add_settings()
        if self._handed_on is not None:
            usage.append(self._handed_on.usage)
            self._add_group(self._handed_on.title, self._handed_on.description, self._handed_on.options)
        self.usage = "\n  ".join(usage).replace("%", "%%")
        self._settings, self._handed_on = (), None
        return super().format_help()

    def _add_settings(self) -> None:
        chosen = [setting for setting in list_settings() if {setting.section, setting.name} & {*self._settings}]
        for section in dict.fromkeys(setting.section for setting in chosen):
            options = [
                HelpOption(f"--{setting.name}", "VALUE", f"{setting.comment} (default: {setting.default})")
                for setting in chosen
                if setting.section == section
            ]
            self._add_group(f"settings: {section}", section_summary(section), options)

    def _add_group(self, title: str, description: str, options: Sequence[HelpOption]) -> None:
        group = self.add_argument_group(title, description)
        for option in options:
            group.add_argument(option.name, metavar=option.value, help=option.help.replace("%", "%%"))
