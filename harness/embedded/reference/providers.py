"""Map and factor files as algorithms can ask for them. Source: Lean's ``LocalDiskMapFileProvider`` and
``LocalDiskFactorFileProvider``: what they read is what the engine reads."""

from __future__ import annotations

import datetime as dt
from typing import Any

from harness.embedded.clr import to_float
from harness.embedded.enums import DataNormalizationMode
from harness.embedded.naming import lean_api
from harness.embedded.reference.corporate import CorporateFactorProvider, load_factor_file
from harness.embedded.reference.symbols import Symbol, map_file_resolver


class DefaultDataProvider:
    """Files of the data folder."""


class LocalDiskMapFileProvider:
    """The map files of the data folder."""

    def initialize(self, data_provider: DefaultDataProvider) -> None:
        pass

    Initialize = initialize


@lean_api
class FactorFile:
    """The factor file of one security."""

    def __init__(self, provider: CorporateFactorProvider) -> None:
        self._provider = provider
        self.permtick = provider.permtick

    def get_price_factor(self, search_date: dt.datetime, data_normalization_mode: DataNormalizationMode) -> float:
        return to_float(self._provider.get_price_factor(search_date, data_normalization_mode))


class LocalDiskFactorFileProvider:
    """The factor files of the data folder."""

    def initialize(self, map_file_provider: LocalDiskMapFileProvider, data_provider: DefaultDataProvider) -> None:
        pass

    def get(self, symbol: Symbol) -> Any:
        resolver = map_file_resolver()
        map_file = resolver.resolve_for_symbol(symbol)
        permtick = symbol.value if map_file.is_empty else map_file.permtick
        return FactorFile(load_factor_file(resolver.data_folder, permtick))

    Initialize, Get = initialize, get
