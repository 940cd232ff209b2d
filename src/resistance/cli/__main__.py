"""``python -m resistance.cli``."""

from resistance.cli import main

if __name__ == "__main__":
    main()
