"""Live values on their way to the pages of a case: few bytes, and no old value that looks new."""

from blueprints.common import sockets
from blueprints.common.figures import FIGURES, CaseFigures, Figures
from blueprints.theatre.view import TILES

S = 1_790_000_000
_MS = 1000


def row(code: str, value: float, second: int = 0, quality: int = 0) -> list[object]:
    """A value as the gateway tells it, measured so many seconds after the start."""
    return [code, value, "", (S + second) * _MS, quality]


def test_every_code_of_a_tile_travels() -> None:
    shown = {code for tile in TILES for code in tile.codes.replace("/", " ").split()}
    assert shown == {code for group in FIGURES for code in group}


def test_what_a_page_knows_is_not_told_again() -> None:
    case = CaseFigures()
    assert case.message([row("HR", 72), row("SpO2", 99)]) == [S, "HR", 72, "SpO2", 99]
    assert case.message([row("HR", 72, 1), row("SpO2", 98, 1)]) == [S + 1, "SpO2", 98]
    assert case.message([row("HR", 72.3, 2), row("SpO2", 98, 2)]) == []


def test_an_unchanged_value_is_told_before_its_tile_fades() -> None:
    case = CaseFigures()
    told = [second for second in range(30) if case.message([row("HR", 72, second)])]
    assert told == list(range(0, 30, 4))


def test_a_value_that_stops_is_not_repeated_and_so_fades() -> None:
    case = CaseFigures()
    case.message([row("HR", 72), row("SpO2", 99)])
    later = [case.message([row("SpO2", 99, second)]) for second in range(1, 120)]
    assert not any("HR" in message for message in later)


def test_a_cuff_value_is_repeated_for_pages_that_missed_it_with_its_own_time() -> None:
    case = CaseFigures()
    case.message([row("NIBP_S", 120), row("NIBP_D", 70)])
    repeated = [part for second in range(1, 65) for part in case.message([row("HR", 72, second)])]
    assert ["NIBP_S", 120, S, 0] in repeated
    assert ["NIBP_D", 70, S, 0] in repeated
    much_later = [part for second in range(1000, 1100) for part in case.message([row("HR", 72, second)])]
    assert not [part for part in much_later if isinstance(part, list)]


def test_values_of_one_cuff_measurement_travel_together() -> None:
    case = CaseFigures()
    case.message([row("NIBP_S", 120), row("NIBP_D", 70), row("NIBP_M", 87)])
    again = case.message([row("NIBP_S", 110, 30), row("NIBP_D", 70, 30), row("NIBP_M", 87, 30)])
    assert again == [S + 30, "NIBP_S", 110, "NIBP_D", 70, "NIBP_M", 87]


def test_a_doubt_is_told_though_the_number_is_the_same() -> None:
    case = CaseFigures()
    case.message([row("HR", 72)])
    assert case.message([row("HR", 72, 1, quality=1)]) == [S + 1, ["HR", 72, S + 1, 1]]
    assert case.message([row("HR", 72, 2)]) == [S + 2, "HR", 72]


def test_the_best_code_of_a_tile_travels_and_another_stands_in() -> None:
    case = CaseFigures()
    assert case.message([row("PR", 71), row("HR", 72), row("PEEP", 5)]) == [S, "HR", 72]
    assert case.message([row("PR", 71, 1)]) == [S + 1, "PR", 71]


def test_late_data_do_not_replace_newer_ones() -> None:
    case = CaseFigures()
    case.message([row("HR", 72, 100)])
    assert case.message([row("HR", 60, 20)]) == []


def test_a_temperature_keeps_its_decimal() -> None:
    assert CaseFigures().message([row("T1", 36.54)]) == [S, "T1", 36.5]


def test_cases_are_told_apart_and_forgotten() -> None:
    figures = Figures()
    assert figures.message("case:1", [row("HR", 72)])
    assert figures.message("case:2", [row("HR", 72)])
    assert figures.message("case:3", [row("HR", 72, 3600)])
    assert figures.message("case:1", [row("HR", 72)]), "a forgotten case is told anew"


def test_a_case_gets_the_short_form_and_a_device_everything(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    sent = []
    monkeypatch.setattr(sockets.socketio, "emit", lambda *args, **more: sent.append((*args, more["to"])))
    values = [row("HR", 72), row("PEEP", 5)]
    sockets._tell_numerics("case:900", values=values, device="OR1-MON")
    sockets._tell_numerics("device:4", values=values, device="OR1-MON")
    assert sent[0] == ("n", (900, S, "HR", 72), "case:900")
    assert sent[1][0] == "numeric"
    assert sent[1][1]["values"] == values
