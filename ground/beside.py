"""Files that a push names: they lie beside the config file, in its folder or below, and nowhere else."""

from pathlib import Path, PurePosixPath, PureWindowsPath


class OutsideError(ValueError):
    """The name leads out of the folder; the words say so in Chinese."""


def beside(folder: Path, name: str) -> Path:
    """The file of this name. Raises OutsideError for `/etc/passwd`, `../list.txt`, `C:\\list.txt` and an empty name."""
    parts = PurePosixPath(name).parts
    absolute = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or "\\" in name
    if not parts or absolute or ".." in parts or not name.isprintable():
        raise OutsideError("只写文件名，并把文件放到配置文件所在的文件夹里")
    return folder / name
