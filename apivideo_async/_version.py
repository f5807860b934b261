"""The version of the package, read by the build and sent to api.video in ``AV-Origin-Client``."""

# At most three numeric groups: anything else is illegal in the header (service.md#origin-headers).
__version__ = "0.1.0"
