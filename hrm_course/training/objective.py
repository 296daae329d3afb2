"""What a training step minimises: the seam at which a model's own losses enter the loop."""

from torch import Tensor

from ..models import Output, State
from .halting import Slots, continue_target
from .losses import reasoner_loss


class Objective:
    """One segment on every slot, and its `reasoner_loss`: the objective of HRM and TRM.

    A subclass may add terms. What it learns on the way it hands to the checkpoint as ``tensors``,
    and what it wants to be seen to the log as a ``report``.
    """

    def __init__(self, model):
        if getattr(model.config, "noise", 0):
            raise ValueError(
                "This model has noise, which plain training leaves out: train it with "
                "CMMTrainConfig instead of TrainConfig."
            )

    def __call__(self, training, slots: Slots, steps: Tensor) -> tuple[State, Output, Tensor]:
        """The state after a segment, what it said, and the loss summed over the rows.

        Args:
            training: the `Training` under way.
            slots: filled slots.
            steps: ``[B]``, segments spent, this one included.
        """
        model, batch = training.model, slots.batch
        state, out = model.segment(slots.state, batch["inputs"], batch.get("puzzle_identifiers"))
        target = continue_target(model, state, batch, steps, training.config.segments)
        return state, out, reasoner_loss(out, batch["labels"], target).total

    def report(self) -> dict[str, float]:
        """Numbers for the log; what was counted starts anew."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """What a run that continues has to know."""
        return {}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Takes up what `tensors` said."""
