"""The doors: command line, REST and MCP. Each calls the catalogue and renders its answer; none knows policy."""
