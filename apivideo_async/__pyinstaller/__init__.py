"""Hook with which PyInstaller finds the parts of the package that no import statement names."""

from pathlib import Path

__all__ = ["hook_folders"]


def hook_folders() -> list[str]:
    """Return the folders with hooks; the entry point ``pyinstaller40`` names this function."""
    return [str(Path(__file__).parent)]
