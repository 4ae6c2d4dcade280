"""What an exported model knows of how its scores become labels: the section `decision` of its model.json.

In: logits of the network. Out: calibrated scores, the label by threshold or cost, whether the answer abstains.

    logits -> divided by `temperature` -> less the logarithm of `prior_weights` -> sigmoid or softmax -> scores
      one label a text      the label of the highest score / threshold; the answer abstains if that score is below the
                            threshold, or below `abstain_below`
      with costs            the label of the lowest expected cost
      several labels        each label whose score reaches its threshold
"""

from pydantic import BaseModel, ConfigDict

from pipeline.config.decision_settings import DecisionSettings


class Decision(BaseModel):
    """How scores become labels.

    settings: of which it was made. temperature: what logits are divided by; 1 changes nothing. prior_weights: the
    weight of each label in the training's loss, taken out of the scores again, only with `calibrate`; the label without
    thresholds is then that of the highest score x weight, as without calibration. thresholds: of each label; None: the
    most probable label. costs: [label][decided label]; None: thresholds decide. All lists are in the labels' order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: DecisionSettings = DecisionSettings()
    temperature: float = 1.0
    prior_weights: list[float] | None = None
    thresholds: list[float] | None = None
    costs: list[list[float]] | None = None


NO_DECISION = Decision()
