"""Print, at the end, which property caught which mistake."""

from tests.conftest import recorded


def pytest_terminal_summary(terminalreporter) -> None:
    rows = recorded(terminalreporter, "mistake")
    if rows:
        terminalreporter.section("mistakes that minigan.testing was given, and the property that caught each")
    for family, mistake, property in rows:
        terminalreporter.write_line(f"{family:16}  {mistake:{max(len(row[1]) for row in rows)}}  {property}")
