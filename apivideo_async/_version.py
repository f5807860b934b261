"""The version of the package. The build and the header ``AV-Origin-Client`` use it."""

# At most three numeric groups. The header allows no other form (service.md#origin-headers).
__version__ = "0.1.0"
