"""Groups of commands: names and one-line helps are known at once, modules are imported when they are used."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click


class Lazy(MutableMapping[str, click.Command]):
    """Command name → command; `places` says where each is ("module:attribute")."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, _, attribute = self._places[name].partition(":")
            self._loaded[name] = getattr(import_module(module), attribute)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._places.setdefault(name, "")
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._loaded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


LARGEST = 2**63 - 1  # what a database holds


class Family(click.Group):
    """A group that lists its commands as they were declared, knows words near to a mistyped one, and names
    the verbs in `later`, which this version does not have."""

    def __init__(self, *args: Any, later: Sequence[str] = (), **kwargs: Any) -> None:
        kwargs.setdefault("no_args_is_help", True)
        kwargs.setdefault("subcommand_metavar", "COMMAND …")
        super().__init__(*args, **kwargs)
        self.later = frozenset(later)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of declaration."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names. Raises UsageError naming its neighbours."""
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            raise click.UsageError(self._unknown(ctx, name), ctx)
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, name: str) -> str:
        full = f"{ctx.command_path} {name}"
        if name in self.later:
            return f"this version of Penstock does not have `{full}` yet"
        near = difflib.get_close_matches(name, self.commands, n=1)
        return f"there is no command `{full}`" + (f"; did you mean `{near[0]}`?" if near else "")


class Sections(Family):
    """The program: `sections` is title → command → (place, one-line help)."""

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, tuple[str, str]]], **kwargs: Any) -> None:
        self.sections = sections
        places = {name: place for part in sections.values() for name, (place, _) in part.items()}
        super().__init__(*args, commands=Lazy(places), **kwargs)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `--help`, without importing anything."""
        width = max(map(len, self.commands))
        for title, part in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in part.items()])


class Leaf(click.Command):
    """A command; it takes the global options too: `penstock status --json` is `penstock --json status`.

    The home is opened first, unless `home` is False: only then may Django be imported."""

    def __init__(self, *args: Any, home: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.home = home
        self.params += global_options(hidden=True)

    def invoke(self, ctx: click.Context) -> Any:
        """Open the home, then do it. Raises UsageError for what no table and no file system could hold."""
        for param in self.params:
            _check_storable(ctx, param)
        if self.home:
            ctx.find_root().obj.open()
        return super().invoke(ctx)


def _check_storable(ctx: click.Context, param: click.Parameter) -> None:
    given = ctx.params.get(param.name or "")
    for value in given if isinstance(given, tuple) else (given,):
        if isinstance(value, int) and abs(value) > LARGEST:
            raise click.BadParameter(f"{str(value)[:20]}… is too large a number", ctx, param)
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            raise click.BadParameter("it is not UTF-8; set your terminal to UTF-8 and type it again", ctx, param)
        if isinstance(value, str | Path) and "\0" in str(value):
            raise click.BadParameter("it holds a zero byte", ctx, param)


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """`--home`, `--json`, `-v`, `-q`, each written into the session."""
    return [
        click.Option(
            ["--home"], type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
            callback=_set("home"),
            expose_value=False, hidden=hidden, is_eager=True,
            help="Where everything lives (default: PENSTOCK_HOME, ./penstock-data, the platform's place).",
        ),
        click.Option(
            ["--json"], is_flag=True, callback=_set("json"), expose_value=False, hidden=hidden, is_eager=True,
            help="Print exactly one JSON document.",
        ),
        click.Option(
            ["-v", "--verbose"], is_flag=True, callback=_set("verbose"), expose_value=False, hidden=hidden,
            is_eager=True, help="Say more.",
        ),
        click.Option(
            ["-q", "--quiet"], is_flag=True, callback=_set("quiet"), expose_value=False, hidden=hidden,
            is_eager=True, help="Say nothing but results and errors.",
        ),
    ]  # fmt: skip


def _set(name: str) -> Any:
    def write(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        session = ctx.find_root().obj
        if value and session is not None:
            setattr(session, name, value)
        return value

    return write
