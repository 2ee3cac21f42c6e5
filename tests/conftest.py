"""Options of the tests, and what they have to tell at the end."""


def pytest_addoption(parser):
    """--kills, --kill-seed."""
    parser.addoption("--kills", type=int, default=4, help="how often test_killed_runs.py kills a run; default 4")
    parser.addoption("--kill-seed", type=int, help="seed of the moments at which it does; default: a new one")


def pytest_configure(config):
    """A place for what is to be told."""
    config.told = []


def pytest_terminal_summary(terminalreporter):
    """Tell it."""
    for line in terminalreporter.config.told:
        terminalreporter.write_line(line)
