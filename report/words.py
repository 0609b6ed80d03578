"""How numbers read in a sentence: counts, dollars, percent."""


def counted(number: int, noun: str) -> str:
    """`number` things: "1 customer", "150 customers"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def dollars(amount: float) -> str:
    """An amount of money: "$1,234.50", "-$20.00"."""
    return f"-${-amount:,.2f}" if round(amount, 2) < 0 else f"${abs(amount):,.2f}"


def percent(value: float) -> str:
    """A percentage, given as such: "12.5%"."""
    return f"{value:.1f}%"
