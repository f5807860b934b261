"""PyInstaller runs this file when a program imports the package.

Public names and commands are imported by name when they are used, and the stubs, SQL files and
pages are data files.
"""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

datas = collect_data_files("apivideo_async", excludes=["**/*.py", "**/*.pyc"])
# Modules whose extra is not installed are left out, as is the plugin for tests.
hiddenimports = collect_submodules(
    "apivideo_async", filter=lambda name: "pytest" not in name, on_error="ignore"
)
