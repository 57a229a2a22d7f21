from __future__ import annotations

from typing import Any

from django.db import migrations


def last(apps: Any, _editor: Any) -> None:
    """The table that every photo site starts with is its local mirror."""
    targets = apps.get_model("publish", "Target")
    for target in targets.objects.filter(kind="sqlite", name="mirror", url__endswith="photos_info_revamp.db"):
        target.rank, target.options = 2, {**target.options, "mirror": "yes"}
        target.save(update_fields=["rank", "options"])


class Migration(migrations.Migration):

    dependencies = [
        ('publish', '0003_parents_of_children'),
    ]

    operations = [
        migrations.RunPython(last, migrations.RunPython.noop),
    ]
