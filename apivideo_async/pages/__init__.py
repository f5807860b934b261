"""The web pages of all parts of the package: one style sheet, and the rendering of templates."""
