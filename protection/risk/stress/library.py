"""Known crises as paths: published closing levels, with the days between left out.

Levels of the S&P 500 are its published closes (2015-08-24 and 2018-02-09 with the day's low); the
steps between them are one jump each, so a replay meets the same falls with fewer chances to react:
synthetic paths, harder than the days themselves; ``filled()`` puts the weekdays back. Coins have
no official tape: their levels are approximate and rounded. What happened to spreads, depth and
correlation is assumed, not measured; change it with ``dataclasses.replace``.
"""

from __future__ import annotations

from types import MappingProxyType

from protection.contracts.errors import FixInput
from protection.risk.stress.scenario import StressScenario, path

_INDEX = "S&P 500, published closes; days between left out"
_COIN = "approximate levels from public venues; no official tape"

_ALL = (
    StressScenario(
        "1987",
        "Black Monday, October 1987",
        path(
            ("1987-10-13", 314.52),
            ("1987-10-14", 305.23),
            ("1987-10-15", 298.08),
            ("1987-10-16", 282.70),
            ("1987-10-19", 224.84),
            ("1987-10-20", 236.83),
            ("1987-10-21", 258.38),
            ("1987-10-26", 227.67),
        ),
        _INDEX,
        True,
        volatility=8.0,
        spread=10.0,
        depth=0.1,
        correlation=0.9,
    ),
    StressScenario(
        "1998",
        "Russia and LTCM, July to October 1998",
        path(
            ("1998-07-17", 1186.75),
            ("1998-08-26", 1084.19),
            ("1998-08-27", 1042.59),
            ("1998-08-28", 1027.14),
            ("1998-08-31", 957.28),
            ("1998-09-23", 1066.09),
            ("1998-10-08", 959.44),
            ("1998-10-15", 1047.49),
        ),
        _INDEX,
        True,
        volatility=3.0,
    ),
    StressScenario(
        "2000-02",
        "End of the technology boom, March 2000 to October 2002",
        path(
            ("2000-03-24", 1527.46),
            ("2000-04-13", 1440.51),
            ("2000-04-14", 1356.56),
            ("2000-09-01", 1520.77),
            ("2000-12-20", 1264.74),
            ("2001-04-04", 1103.25),
            ("2001-05-21", 1312.83),
            ("2001-09-10", 1092.54),
            ("2001-09-14", 1092.54),  # exchanges were closed: the last close stood
            ("2001-09-17", 1038.77),
            ("2001-09-21", 965.80),
            ("2002-01-04", 1172.51),
            ("2002-07-23", 797.70),
            ("2002-08-22", 962.70),
            ("2002-10-09", 776.76),
        ),
        _INDEX,
        True,
        volatility=2.0,
        spread=2.0,
        depth=0.5,
        correlation=0.4,
    ),
    StressScenario(
        "2008",
        "Banking crisis, September 2008 to March 2009",
        path(
            ("2008-09-12", 1251.70),
            ("2008-09-26", 1213.27),
            ("2008-09-29", 1106.42),
            ("2008-10-07", 996.23),
            ("2008-10-09", 909.92),
            ("2008-10-10", 899.22),
            ("2008-10-13", 1003.35),
            ("2008-10-14", 998.01),
            ("2008-10-15", 907.84),
            ("2008-10-27", 848.92),
            ("2008-11-04", 1005.75),
            ("2008-11-20", 752.44),
            ("2008-11-28", 896.24),
            ("2008-12-01", 816.21),
            ("2009-01-06", 934.70),
            ("2009-03-09", 676.53),
        ),
        _INDEX,
        True,
        volatility=5.0,
        correlation=0.8,
    ),
    StressScenario(
        "2010-05-06",
        "Flash crash, 6 May 2010",
        path(
            ("2010-05-05 16:00", 1165.87),
            ("14:30", 1135.0),
            ("14:40", 1115.0),
            ("14:45", 1066.0, 1065.79),
            ("14:47", 1075.0),
            ("15:05", 1125.0),
            ("16:00", 1128.15),
        ),
        "S&P 500: close of the day before, low and close of the day published; times between "
        "rounded after the report of CFTC and SEC (2010)",
        False,
        volatility=10.0,
        spread=50.0,
        depth=0.02,
        correlation=0.9,
    ),
    StressScenario(
        "2011-08",
        "Downgrade of the United States, July to October 2011",
        path(
            ("2011-07-22", 1345.02),
            ("2011-08-02", 1254.05),
            ("2011-08-04", 1200.07),
            ("2011-08-05", 1199.38),
            ("2011-08-08", 1119.46),
            ("2011-08-09", 1172.53),
            ("2011-08-10", 1120.76),
            ("2011-08-11", 1172.64),
            ("2011-08-19", 1123.53),
            ("2011-10-03", 1099.23),
        ),
        _INDEX,
        True,
    ),
    StressScenario(
        "2015-08-24",
        "Opening of 24 August 2015",
        path(
            ("2015-08-17", 2102.44),
            ("2015-08-20", 2035.73),
            ("2015-08-21", 1970.89),
            ("2015-08-24", 1893.21, 1867.01),
            ("2015-08-25", 1867.61),
            ("2015-08-26", 1940.51),
        ),
        _INDEX,
        True,
        volatility=4.0,
        spread=20.0,
        depth=0.05,
        correlation=0.8,
    ),
    StressScenario(
        "2018-02",
        "End of short volatility, February 2018",
        path(
            ("2018-01-26", 2872.87),
            ("2018-02-02", 2762.13),
            ("2018-02-05", 2648.94),
            ("2018-02-06", 2695.14),
            ("2018-02-08", 2581.00),
            ("2018-02-09", 2619.55, 2532.69),
        ),
        _INDEX + "; short volatility (XIV) approximate",
        True,
        volatility=4.0,
        others=MappingProxyType({"short_volatility": (100.0, 80.0, 70.0, 4.0, 4.0, 4.0)}),
    ),
    StressScenario(
        "2020-03",
        "Pandemic, February to March 2020",
        path(
            ("2020-02-19", 3386.15),
            ("2020-02-28", 2954.22),
            ("2020-03-04", 3130.12),
            ("2020-03-06", 2972.37),
            ("2020-03-09", 2746.56),
            ("2020-03-11", 2741.38),
            ("2020-03-12", 2480.64),
            ("2020-03-13", 2711.02),
            ("2020-03-16", 2386.13),
            ("2020-03-18", 2398.10),
            ("2020-03-23", 2237.40),
            ("2020-03-24", 2447.33),
        ),
        _INDEX,
        True,
        volatility=6.0,
        spread=8.0,
        depth=0.1,
        correlation=0.9,
    ),
    StressScenario(
        "2022",
        "Rising rates, January to October 2022",
        path(
            ("2022-01-03", 4796.56),
            ("2022-03-08", 4170.70),
            ("2022-03-29", 4631.60),
            ("2022-06-16", 3666.77),
            ("2022-08-16", 4305.20),
            ("2022-09-12", 4110.41),
            ("2022-09-13", 3932.69),
            ("2022-10-12", 3577.03),
        ),
        _INDEX,
        True,
        volatility=2.0,
        spread=2.0,
        depth=0.5,
        correlation=0.6,
    ),
    StressScenario(
        "crypto-2020-03-12",
        "Coins, 12 March 2020",
        path(
            ("2020-03-11", 7900.0),
            ("03-12 morning", 6100.0, 5600.0),
            ("03-12 end", 4950.0, 4800.0),
            ("03-13", 5550.0, 3900.0),
        ),
        _COIN,
        False,
        volatility=8.0,
        spread=20.0,
        depth=0.05,
        correlation=0.95,
    ),
    StressScenario(
        "crypto-2021-05-19",
        "Coins, 19 May 2021",
        path(
            ("2021-05-18", 43000.0),
            ("05-19 noon", 34000.0, 30000.0),
            ("05-19 end", 37000.0),
            ("2021-05-23", 34700.0, 31100.0),
        ),
        _COIN,
        False,
        volatility=5.0,
        spread=15.0,
        depth=0.1,
        correlation=0.9,
    ),
    StressScenario(
        "crypto-2022-05",
        "Terra, May 2022",
        path(
            ("2022-05-05", 39700.0),
            ("2022-05-07", 35500.0),
            ("2022-05-09", 30300.0),
            ("2022-05-11", 29000.0),
            ("2022-05-12", 29000.0, 26500.0),
            ("2022-05-13", 29300.0),
        ),
        _COIN + "; LUNA from about 80 to nothing",
        False,
        volatility=4.0,
        spread=10.0,
        depth=0.1,
        correlation=0.9,
        others=MappingProxyType({"LUNA": (85.0, 70.0, 32.0, 1.0, 0.005, 0.0002)}),
    ),
    StressScenario(
        "crypto-2022-11",
        "FTX, November 2022",
        path(
            ("2022-11-06", 20900.0),
            ("2022-11-08", 18500.0, 17200.0),
            ("2022-11-09", 15900.0, 15700.0),
            ("2022-11-10", 17600.0),
        ),
        _COIN + "; FTT from about 22 to 2",
        False,
        volatility=4.0,
        spread=10.0,
        depth=0.1,
        correlation=0.9,
        others=MappingProxyType({"FTT": (22.0, 5.5, 2.3, 3.0)}),
    ),
)

SCENARIOS = MappingProxyType({scenario.name: scenario for scenario in _ALL})
"""Every scenario by name, in the order of time."""


def stress_scenario(name: str) -> StressScenario:
    """Scenario of a name.

    Raises
    ------
    FixInput
        For a name that there is not.
    """
    found = SCENARIOS.get(name)
    if found is None:
        raise FixInput(f"expected one of {', '.join(SCENARIOS)}, was {name!r}")
    return found
