"""Print, at the end, which property caught which mistake."""


def pytest_terminal_summary(terminalreporter) -> None:
    from tests.testing.mistakes import CAUGHT

    if not CAUGHT:
        return
    terminalreporter.section("mistakes that minigan.testing was given, and the property that caught each")
    width = max(map(len, CAUGHT))
    for mistake, (family, property) in CAUGHT.items():
        terminalreporter.write_line(f"{family:16}  {mistake:{width}}  {property}")
