"""``harness init``: a workspace for the ``lean`` command."""

from __future__ import annotations

from pathlib import Path

from harness.commands.common import settings_from


def init(config: Path | None, folder: Path | None, data: Path | None, *, force: bool) -> int:
    """Writes ``lean.json`` and says what to do with it; 0, or ``InputError`` when there is one."""
    from harness.workspace import init_workspace

    if folder is None or data is None:
        settings = settings_from(config)
        folder = folder or settings.root
        data = data or settings.data_folder(
            "default" if "default" in settings.scenarios else next(iter(settings.scenarios))
        )
    path = init_workspace(folder.resolve(), data, force)
    print(f"{path}: written; data folder {data}")
    print("next: `make lean` installs the lean command, `docker pull quantconnect/lean:latest` its engine, then")
    print("`harness doctor --engine lean`")
    return 0
