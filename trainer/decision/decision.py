"""What an exported model knows of how its scores become labels: the section `decision` of its model.json.

    logits -> divided by `temperature` -> less the logarithm of `prior_weights` -> sigmoid or softmax -> scores
    scores -> labels, and which answers abstain: `trainer.decision.rules`

`trainer.decision.scores` has the first line in NumPy, `trainer.decision.graph` has both as a TensorFlow graph.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme

# The threshold of a label that is never decided: no score reaches it.
NEVER: Final = 2.0


class Decision(BaseModel):
    """How scores become labels. All lists are in the labels' order.

    settings: of which it was made.
    temperature: what logits are divided by; 1 changes nothing.
    prior_weights: the weight of each label in the training's loss, taken out of the scores again, only with `calibrate`
      (see `prior_offsets` in `trainer.decision.scores`). A label without threshold or costs is then that of the highest
      score x weight, as without calibration.
    thresholds: of each label. None for a label with the rule argmax; NEVER if no score of the eval split fulfils its
      rule. The whole list is None if no label has a rule.
    costs: [label][decided label]; None: thresholds decide.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: DecisionSettings = DecisionSettings()
    temperature: float = 1.0
    prior_weights: list[float] | None = None
    thresholds: list[float | None] | None = None
    costs: list[list[float]] | None = None

    def changes_scores(self) -> bool:
        """Whether scores differ from those of the network.

        >>> Decision().changes_scores(), Decision(temperature=2).changes_scores()
        (False, True)
        """
        return self.temperature != 1 or self.prior_weights is not None

    def can_abstain(self, scheme: LabelScheme) -> bool:
        """Whether an answer may abstain.

        >>> two = LabelScheme(("neg", "pos"))
        >>> Decision(settings=DecisionSettings(threshold=0.7), thresholds=[None, 0.7]).can_abstain(two)
        False
        >>> each = DecisionSettings(threshold="precision>=0.9")
        >>> Decision(settings=each, thresholds=[0.6, 0.7]).can_abstain(two)
        True
        """
        if scheme.several:
            return False
        return self.settings.abstain_below is not None or (
            self.thresholds is not None and not any(self.fallback(scheme))
        )

    def fallback(self, scheme: LabelScheme) -> list[bool]:
        """Whether each label can be the answer to a text that reaches no threshold; if none can, such a text abstains.

        One label a text. They are the labels without a threshold; if each label has one, those with the rule best_f1.

        >>> mixed = DecisionSettings(threshold={"b": "best_f1", "c": "precision>=0.9"})
        >>> abc = LabelScheme(("a", "b", "c"))
        >>> Decision(settings=mixed, thresholds=[None, 0.4, 0.8]).fallback(abc)
        [True, False, False]
        """
        if self.thresholds is None:
            return [True] * len(scheme.names)
        free = [threshold is None for threshold in self.thresholds]
        return free if any(free) else [self.settings.rule(name).kind == "best_f1" for name in scheme.names]


NO_DECISION: Final = Decision()
