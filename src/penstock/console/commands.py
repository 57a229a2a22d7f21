"""What is done in a terminal and not here, as commands to be copied."""

from __future__ import annotations

from penstock.accounts.models import Site


def of(site: Site) -> dict[str, str]:
    """The commands that a site's pages name."""
    name = site.name
    return {
        "add": f"penstock photos add FOLDER --site {name} --folder KEY --location PLACE --subject TEXT",
        "run": f"penstock run {name}",
        "publish": f"penstock publish {name}",
        "target": f"penstock target add {name} NAME --kind folder --url PATH",
        "history": f"penstock history {name}",
    }
