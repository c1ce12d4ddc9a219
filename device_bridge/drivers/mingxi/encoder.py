"""The oximeter's own line, for simulators and tests."""


def line(left: float | None, right: float | None) -> bytes:
    """Saturations in percent; None is a side without sensor."""

    def side(name: str, value: float | None) -> tuple[str, str]:
        if value is None:
            return f"{name}=0.001;", f"{name}HB=0.000;{name}HBO=0.000;"
        bound = 2000 * value / 100
        return f"{name}={value / 100:.3f};", f"{name}HB={2000 - bound:.3f};{name}HBO={bound:.3f};"

    (first, counts_left), (second, counts_right) = side("L", left), side("R", right)
    return f"MNIR-P100:{first}{second}{counts_left}{counts_right}\r\n".encode("ascii")
