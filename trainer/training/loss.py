"""Logits + labels of a batch -> the loss of each row and which answers are right, as tensors.

logits  float [batch, outputs]
labels  int64 [batch], or with several labels a text float32 [batch, classes] of 0 and 1
"""

import tensorflow as tf

from trainer.training.objective import Objective


def row_losses(logits: tf.Tensor, labels: tf.Tensor, objective: Objective) -> tf.Tensor:
    """The cross-entropy of each row in nats, float [batch], before weights; of several labels the mean.

    The weights of several labels are in it, because they are for a part of a row's loss.

    >>> logits, labels = tf.constant([[0.0, 0.0]]), tf.constant([[1.0, 0.0]])
    >>> [round(float(loss), 4) for loss in row_losses(logits, labels, Objective(several=True))]
    [0.6931]
    >>> tripled = Objective(several=True, class_weights=(3.0, 9.0))
    >>> [round(float(loss), 4) for loss in row_losses(logits, labels, tripled)]  # (3 x 0.6931 + 0.6931) / 2
    [1.3863]
    """
    if objective.several:
        if objective.class_weights is None:
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
        else:
            losses = tf.nn.weighted_cross_entropy_with_logits(labels, logits, tf.constant(objective.class_weights))
        return tf.reduce_mean(losses, axis=1)
    if logits.shape[1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, logits.dtype), logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def smoothed_row_losses(logits: tf.Tensor, labels: tf.Tensor, objective: Objective) -> tf.Tensor:
    """The cross-entropy of each row with its smoothed labels in nats, float [batch], before weights.

    A label of probability q (1 or 0) is taken for (1 - e) q + e / K, with e = `label_smoothing` and K = the number of
    labels; each of several labels is one of two, so K = 2. (C. Szegedy et al., Rethinking the Inception Architecture
    for Computer Vision, 2016, section 7.) The weight of one of several labels counts for texts that have it, as without
    smoothing: for both parts of their loss, and for no part of that of other texts.

    >>> certain, labels = tf.constant([[2.0], [-2.0]]), tf.constant([1, 1], tf.int64)
    >>> smoothed = smoothed_row_losses(certain, labels, Objective(label_smoothing=0.1))
    >>> [round(float(loss), 4) for loss in smoothed]  # 0.95 x 0.1269 + 0.05 x 2.1269, and the other way round
    [0.2269, 2.0269]
    """
    amount = objective.label_smoothing
    if objective.several:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(smooth(labels, amount, classes=2), logits)
        if objective.class_weights is not None:
            losses *= tf.where(labels > 0, tf.constant(objective.class_weights, losses.dtype), 1)
        return tf.reduce_mean(losses, axis=1)
    if logits.shape[1] == 1:
        of_second = smooth(tf.cast(labels, logits.dtype), amount, classes=2)
        return tf.nn.sigmoid_cross_entropy_with_logits(of_second, logits[:, 0])
    classes = logits.shape[1]
    of_each = smooth(tf.one_hot(labels, classes, dtype=logits.dtype), amount, classes=classes)
    return tf.nn.softmax_cross_entropy_with_logits(of_each, logits)


def smooth(labels: tf.Tensor, amount: float, *, classes: int) -> tf.Tensor:
    """Probabilities of labels, float of any shape -> the same, moved towards 1 / classes.

    >>> smooth(tf.constant([0.0, 1.0]), 0.5, classes=2).numpy().tolist()
    [0.25, 0.75]
    """
    return labels * (1 - amount) + amount / classes


def relative_weights(labels: tf.Tensor, weights: tf.Tensor | None, objective: Objective) -> tf.Tensor:
    """The w_i of `trainer.training.objective`, divided by their mean over the train split, float32 [batch].

    weights: of the rows, float32 [batch]; None: they have none.

    >>> doubled = Objective(is_weighted=True, class_weights=(1.0, 3.0), mean_weight=2.0)
    >>> relative_weights(tf.constant([0, 1]), tf.constant([2.0, 4.0]), doubled).numpy().tolist()
    [1.0, 6.0]
    """
    if objective.class_weights is None or objective.several:
        of_rows = tf.ones_like(labels[:, 0], tf.float32) if weights is None else weights
        return of_rows / objective.mean_weight
    relative = tf.constant([weight / objective.mean_weight for weight in objective.class_weights], tf.float32)
    of_labels = tf.gather(relative, labels)
    return of_labels if weights is None else of_labels * weights


def right_answers(logits: tf.Tensor, labels: tf.Tensor, objective: Objective) -> tf.Tensor:
    """Whether the predicted label is right, bool [batch]; with several labels bool [batch, classes] of each label.

    >>> one = right_answers(tf.constant([[0.5], [0.0], [-1.0]]), tf.constant([1, 0, 1], tf.int64), Objective())
    >>> one.numpy().tolist()
    [True, True, False]
    >>> several = Objective(several=True)
    >>> right_answers(tf.constant([[0.5, -1.0]]), tf.constant([[1.0, 1.0]]), several).numpy().tolist()
    [[True, False]]
    """
    if objective.several:
        return tf.equal(logits >= 0, labels > 0)
    return tf.equal(predicted(logits), labels)


def predicted(logits: tf.Tensor) -> tf.Tensor:
    """Logits of one label a text -> predicted labels, int64 [batch]; of equal logits the first.

    >>> predicted(tf.constant([[0.5], [0.0]])).numpy().tolist()
    [1, 0]
    >>> predicted(tf.constant([[0.1, 0.3, 0.3]])).numpy().tolist()
    [1]
    """
    if logits.shape[1] == 1:
        return tf.cast(logits[:, 0] > 0, tf.int64)
    return tf.argmax(logits, axis=1)
