"""What a model's tokens cost: as configured, else by the providers' list prices that ship with pydantic-ai."""

from __future__ import annotations

import math
from dataclasses import dataclass

from proda_core.config import CallsConfig

COMPATIBLE = "openai-compatible"
_NANO_PER_TOKEN = 1000  # a price of 1 for a million tokens, in nano-units for one


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a million tokens, in one currency; None where nobody knows."""

    sent: float | None
    answered: float | None

    @property
    def known(self) -> bool:
        return self.sent is not None and self.answered is not None

    def cost(self, sent: int, answered: int) -> int:
        """Nano-units for so many tokens, rounded up; 0 where the price is not known."""
        return math.ceil(_NANO_PER_TOKEN * (sent * (self.sent or 0.0) + answered * (self.answered or 0.0)))


def prices_of(model_id: str, calls: CallsConfig) -> Prices:
    """What the configuration says, else the provider's list price of the day."""
    listed = Prices(None, None)
    provider, _, name = model_id.partition(":")
    if provider != COMPATIBLE and (calls.input_price is None or calls.output_price is None):
        from genai_prices import Usage, calc_price  # a table of all models there are, wanted by few sessions

        try:
            found = calc_price(
                Usage(input_tokens=1_000_000, output_tokens=1_000_000), name, provider_id=provider
            )
            listed = Prices(float(found.input_price), float(found.output_price))
        except LookupError:
            pass  # a model of one's own has no list price
    return Prices(
        listed.sent if calls.input_price is None else calls.input_price,
        listed.answered if calls.output_price is None else calls.output_price,
    )
