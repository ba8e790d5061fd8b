"""What is set on a security when it is added. Source: Lean's ``ISecurityInitializer``, ``ISecuritySeeder``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from harness.embedded.clr import from_python
from harness.embedded.data import BaseData
from harness.embedded.models.wrapping import is_engine_class, require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError

if TYPE_CHECKING:
    from harness.embedded.securities.security import Security


def _call(target: Any, name: str, *arguments: Any) -> Any:
    method = user_method(target, name) or getattr(target, name)
    return method(*arguments)


@lean_api
class NullSecuritySeeder:
    """Leaves prices alone."""

    def seed_security(self, security: Security) -> bool:
        return True


@lean_api
class SecuritySeeder:
    """``SecuritySeeder.NULL``: no seeding."""

    NULL: ClassVar[NullSecuritySeeder] = NullSecuritySeeder()
    Null: ClassVar[NullSecuritySeeder] = NULL


@lean_api
class FuncSecuritySeeder:
    """Gives a security the data that a function finds for it, such as ``self.get_last_known_prices``."""

    def __init__(self, seed_function: Callable[[Security], Any]) -> None:
        self._seed_function = seed_function

    def seed_security(self, security: Security) -> bool:
        """Whether there was data; a failure of the function counts as none, as in Lean."""
        try:
            data = self._seed_function(security)
            points: Iterable[Any] = [data] if isinstance(data, BaseData) else data
            found = False
            for point in points:
                found = True
                security.set_market_price(point)
        except NotSupportedError:
            raise
        except Exception:
            # Lean logs any failure to the engine's own log and goes on.
            return False
        return found


@lean_api
class NullSecurityInitializer:
    """Changes nothing."""

    def initialize(self, security: Security) -> None:
        """Leave the security as it is."""


@lean_api
class SecurityInitializer:
    """``SecurityInitializer.NULL``: nothing is set."""

    NULL: ClassVar[NullSecurityInitializer] = NullSecurityInitializer()
    Null: ClassVar[NullSecurityInitializer] = NULL


@lean_api
class BrokerageModelSecurityInitializer:
    """Sets a brokerage model's models, leverage and borrowing on a security, then seeds its price."""

    def __init__(self, brokerage_model: Any = None, security_seeder: Any = None) -> None:
        from harness.embedded.models.brokerage import engine_brokerage_model

        self._brokerage_model = None if brokerage_model is None else engine_brokerage_model(brokerage_model)
        self._security_seeder = SecuritySeeder.NULL if security_seeder is None else security_seeder

    def initialize(self, security: Security) -> None:
        model = self._brokerage_model
        if model is None:
            raise TypeError("BrokerageModelSecurityInitializer needs a brokerage model to initialise a security")
        security.fill_model = model._get_fill_model(security)
        security.fee_model = model._get_fee_model(security)
        security.slippage_model = model._get_slippage_model(security)
        security.settlement_model = model._get_settlement_model(security)
        security.buying_power_model = model._get_buying_power_model(security)
        security.margin_interest_rate_model = model._get_margin_interest_rate_model(security)
        security._buying_power_model._set_leverage(security, from_python(model._get_leverage(security)))
        security.shortable_provider = model._get_shortable_provider(security)
        _call(self._security_seeder, "seed_security", security)


@lean_api
class FuncSecurityInitializer:
    """Calls a function with every security."""

    def __init__(self, initializer: Callable[[Security], Any]) -> None:
        self._initializer = initializer

    def initialize(self, security: Security) -> None:
        self._initializer(security)


@lean_api
class CompositeSecurityInitializer:
    """Several initializers, one after the other."""

    def __init__(self, *initializers: Any) -> None:
        self._initializers = list(initializers)

    @property
    def initializers(self) -> list[Any]:
        return list(self._initializers)

    def initialize(self, security: Security) -> None:
        for initializer in self._initializers:
            initialize_security(initializer, security)

    def add_security_initializer(self, initializer: Any) -> None:
        self._initializers.append(initializer)


def initialize_security(initializer: Any, security: Security) -> None:
    """Run an initializer: an object with ``initialize`` in either spelling, or a function."""
    method = user_method(initializer, "initialize")
    if method is not None:
        method(security)
    elif hasattr(initializer, "initialize"):
        initializer.initialize(security)
    else:
        initializer(security)


def security_initializer_of(initializer: Any) -> Any:
    """What ``set_security_initializer`` was given, as an initializer. Raises for an object that is none."""
    if is_engine_class(initializer) and hasattr(initializer, "initialize"):
        return initializer
    if callable(initializer) and not isinstance(initializer, type) and not hasattr(initializer, "initialize"):
        return FuncSecurityInitializer(initializer)
    require(initializer, "ISecurityInitializer", ("initialize",))
    return initializer
