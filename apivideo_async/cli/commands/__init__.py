"""The commands; each is one module or package."""
