"""The build reads the version, and the service accepts it (service.md#origin-headers)."""

import re
import runpy
from pathlib import Path

import apivideo_async
from apivideo_async.config import ClientConfig


def test_the_version_file_can_be_run_without_the_package() -> None:
    """hatch runs it without the package."""
    file = Path(apivideo_async.__file__).with_name("_version.py")
    assert runpy.run_path(str(file))["__version__"] == apivideo_async.__version__


def test_the_version_has_the_form_that_the_header_allows() -> None:
    """service.md#origin-headers: at most three numbers of three digits, so no ``1.0.0rc1``."""
    assert re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", apivideo_async.__version__)
    assert (
        ClientConfig(app_name="a", app_version=apivideo_async.__version__).app_version
        == apivideo_async.__version__
    )
