"""`python -m chanflow` and the `chanflow` command."""

from __future__ import annotations

from chanflow.interfaces.cli.app import main

if __name__ == "__main__":
    main()
