"""From what services know to what pages show: one module a noun."""
