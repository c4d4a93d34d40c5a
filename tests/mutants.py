"""Small faults put into the numeric core one at a time: which of them do the tests not notice?

    python tests/mutants.py [--only WORD] [--jobs 2] [--list] [-- pytest's arguments]

Each fault is a fragment of a source file and what replaces it. The script copies the package and
its tests to a temporary folder, applies one fault to a copy of the package, and runs the tests
chosen for that part against it. It ends with status 1 where a fault goes unnoticed or a fragment is
no longer in its file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = Path("src", "softmax_regression")
SECONDS = 150  # a run that takes longer hangs, and is noticed too


class Mutant(NamedTuple):
    """A fault: where, the fragment it replaces, what stands there instead, and its name."""

    file: str
    fragment: str
    replacement: str
    name: str


# The tests of fits, whichever way, and of what the estimator makes of them.
FITS = [
    "optimum/test_definitions.py",
    "test_estimator.py",
    "test_own_curves.py",
    "whole/test_reference.py",
    "whole/test_separable.py",
    "whole/test_single_precision.py",
    "separation",
    "whole/test_faults.py",
    "whole/test_interrupts.py",
    "optimum/test_minimise.py",
]
ASKS = [
    "test_estimator.py",
    "test_own_curves.py",
    "test_objective.py",
    "whole/test_reference.py",
    "whole/test_faults.py",
    "whole/test_interrupts.py",
    "whole/test_concurrency.py",
]
# The tests that watch over each file or folder, the quickest first; a run ends at the first that
# fails.
WATCHED_BY = {
    "_losses.py": ["test_losses.py", "input/test_labels.py"],
    "_penalty.py": ["test_penalty.py", "whole/test_l2_by_column.py", "optimum/test_definitions.py", "likelihood/test_working.py", "optimum/test_certificate.py",
                    "optimum/test_proximal.py", "test_objective.py", "optimum/test_minimise.py"],
    "_objective.py": ["optimum/test_definitions.py", "optimum/test_certificate.py", "test_objective.py",
                      "optimum/test_proximal.py", "test_estimator.py", "whole/test_properties.py", "whole/test_faults.py"],
    "_prediction.py": ["test_objective.py", "test_estimator.py", "whole/test_faults.py"],
    "_parameters.py": ["test_objective.py", "test_estimator.py"],
    "_batches.py": ["test_batches.py", "test_descent.py", "test_estimator.py", "whole/test_faults.py"],
    "_descent.py": ["test_descent.py", "optimum/test_definitions.py", "test_objective.py", "test_estimator.py",
                    "whole/test_faults.py"],
    "_arrays.py": ["test_losses.py", "input/test_features.py", "whole/test_faults.py"],
    "_warn.py": ["test_warn.py"],
    "_progress.py": ["test_progress.py", "test_estimator.py"],
    "_ending.py": ["test_display.py", "test_progress.py"],
    "_display.py": ["test_display.py"],
    "_fitted.py": ["test_fitted.py"],
    "_learned.py": ["test_own_curves.py", "test_estimator.py", "test_stream.py", "separation", "whole/test_interrupts.py",
                    "whole/test_faults.py"],
    "_fit.py": FITS,
    "_textbook.py": [*FITS, "test_stream.py"],
    "_proven.py": ["whole/test_l2_by_column.py", "whole/test_single_precision.py", *FITS, "test_display.py", "test_progress.py"],
    "_stream.py": ["test_stream.py", "whole/test_l2_by_column.py", *FITS],
    "_persistence.py": ["test_persistence.py"],
    "_estimator.py": ASKS,
    "_state.py": ASKS,
    "_blocks": ["blocks"],
    "_dask.py": ["test_dask.py"],
    "_input/blocks.py": ["blocks/test_errors.py", "blocks"],
    "_separation": ["test_penalty.py", "whole/test_l2_by_column.py", "separation", "whole/test_separable.py"],
    "_input": ["input", "test_objective.py", "test_stream.py", "whole/test_faults.py", *ASKS],
    "_inference": ["inference"],
    "_selection": ["selection"],
    "_likelihood": ["optimum/test_definitions.py", "likelihood", "optimum/test_intercepts.py", "optimum/test_curvature.py",
                    "optimum/test_free_columns.py", "test_objective.py", "optimum/test_minimise.py"],
    "_likelihood/targets.py": ["likelihood/test_targets.py", "input/test_weights.py", "test_objective.py",
                               "whole/test_separable.py", "separation", "whole/test_faults.py"],
    "_likelihood/block.py": ["likelihood/test_working.py", "likelihood", "input/test_absent_rows.py", "input/test_weights.py", "test_objective.py",
                             "test_estimator.py", "whole/test_memory.py", "whole/test_faults.py"],
    "_likelihood/held_out.py": ["test_estimator.py", "test_own_curves.py", "whole/test_faults.py"],
    "_likelihood/logits.py": ["test_objective.py", "test_estimator.py", "whole/test_faults.py"],
    "_likelihood/loss.py": ["test_objective.py"],
    "_likelihood/margins.py": ["likelihood/test_sums.py", "separation"],
    "_optimum": ["test_penalty.py", "optimum", "test_stream.py", "whole/test_few_passes.py", "whole/test_single_precision.py",
                  "whole/test_hard_columns.py", "whole/test_heavy_tails.py", "whole/test_l2_by_column.py"],
}  # fmt: skip

MUTANTS = [
    # Blocks
    Mutant("_blocks/census.py", "one.totals + two.totals,", "one.totals,", "class totals of later blocks lost"),
    Mutant("_blocks/census.py", "weight = math.ldexp(self.survey.weight, shift)", "weight = self.survey.weight", "weights of blocks in unlike units"),
    Mutant("_blocks/sample.py", "weight=weight * (rows.n_rows / max(1, size))", "weight=weight", "sampled rows stand for themselves alone"),
    Mutant("_blocks/sample.py", "[quota.seed, rows.repetition]", "[quota.seed]", "copies of a block drawn alike"),
    Mutant("_blocks/sample.py", "[quota.seed, rows.repetition]", "[rows.repetition]", "random_state unused"),
    Mutant("_blocks/encoding.py", "mean=survey.mean + moved,", "mean=survey.mean,", "class weights leave the mean row where it was"),
    Mutant("_blocks/encoding.py", "evenly = self.smoothing / len(self.classes)", "evenly = 0.0", "smoothing missing in the mean targets"),
    Mutant("_blocks/door.py", "if answer.n_rows != n_rows:", "if False:", "rows that go missing unseen"),
    Mutant("_blocks/door.py", "if answer.weight != weight:", "if False:", "weights that change unseen"),
    Mutant("_blocks/door.py", "if number != self.n_blocks:", "if False:", "results that go missing unseen"),
    Mutant("_blocks/model.py", "gradient = gradient - shares[-1] * change", "pass", "first loop over the pairs left out"),
    Mutant("_blocks/model.py", "self.lacks = self.fits", "pass", "a Hessian of all rows taken for current for ever"),
    Mutant("_blocks/proximal_model.py", "self.lacks = self.fits and known is None", "self.lacks = self.lacks and known is None", "the same with l1"),
    Mutant("_blocks/descent.py", "if bound <= self.limits.tol:", "if bound <= 1e3 * self.limits.tol:", "proof a thousand times too loose"),
    Mutant("_dask.py", "pure=False", "pure=True", "tasks taken for equal by their arguments"),
    # Softmax and cross-entropy
    Mutant("_losses.py", "np.subtract(block, top, out=shifted)", "np.copyto(shifted, block)", "logits not shifted by their maximum"),
    Mutant("_losses.py", "top = np.maximum.reduce(block, -1, keepdims=True)", "top = np.maximum.reduce(block, None, keepdims=True)", "maximum over all rows, the wrong axis"),
    Mutant("_losses.py", "shifted, np.log1p(rest), targets[rows])", "shifted, np.log(1 + rest), targets[rows])", "log1p lost in the gradient"),
    Mutant("_losses.py", "np.subtract(shifted, np.log1p(rest, out=rest), out=shifted)", "np.subtract(shifted, np.log(1 + rest), out=shifted)", "log1p lost in log_softmax"),
    Mutant("_losses.py", "np.expm1(log_probability) + remainder", "np.exp(log_probability) - 1 + remainder", "expm1 lost"),
    Mutant("_losses.py", "return np.subtract(smaller, np.subtract(shifted, larger, out=larger), out=smaller)", "return -np.subtract(smaller, np.subtract(shifted, larger, out=larger), out=smaller)", "sign of TwoSum's error"),
    Mutant("_losses.py", "inexact = logits.dtype.itemsize > 4", "inexact = False", "TwoSum left out"),
    Mutant("_losses.py", "rest += np.add.reduce(tied, -1, keepdims=True) - 1", "rest += 0.0", "tied maxima counted once"),
    Mutant("_losses.py", "own: Doubles = shifted[np.arange(len(targets)), targets]", "own: Doubles = shifted[np.arange(len(targets)), targets - 1]", "class index off by one"),
    Mutant("_losses.py", "wrong |= np.minimum.reduce(rows, -1, initial=0.0) < 0", "pass", "negative probabilities not refused"),
    Mutant("_losses.py", "wrong = ~(abs(sums - 1) <= tolerance)", "wrong = np.isnan(sums)", "sums of probability rows unchecked"),
    Mutant("_losses.py", "outside = (targets < 0) | (targets >= n_classes)", "outside = targets >= n_classes", "class index -1 wraps to the last class"),
    Mutant("_losses.py", "np.copyto(shifted, 0.0, where=targets == 0)", "pass", "0 times -inf is NaN"),
    Mutant("_losses.py", "remainder = 1 - targets[rows, columns]", "remainder = 0.0", "soft targets taken for hard in the gradient"),
    Mutant("_losses.py", "against = np.where(scores > 0,", "against = np.where(scores < 0,", "binary targets swapped"),
    Mutant("_losses.py", "loss += np.log1p(np.exp(-size))", "loss += np.log(1 + np.exp(-size))", "log1p lost in the binary loss"),
    Mutant("_losses.py", "for start in range(0, n_rows, step):", "for start in range(0, max(1, n_rows - step), step):", "last block of rows dropped"),
    Mutant("_losses.py", "terms[:, :half] += terms[:, n_terms - half :]", "terms[:, :half] += terms[:, half : 2 * half]", "odd class lost in a sum"),
    # The objective
    Mutant("_penalty.py", "total = 0.5 * float(np.vdot(slope, weights))", "total = float(np.vdot(slope, weights))", "l2 for l2 / 2"),
    Mutant("_penalty.py", "return float((np.abs(weights).sum(axis=0) * self.l1).sum())", "return float((weights.sum(axis=0) * self.l1).sum())", "l1 of the weights with their signs"),
    Mutant("_likelihood/logits.py", "Z += parameters.intercept", "Z += 0.0 * parameters.intercept", "intercept left out of the logits"),
    Mutant("_prediction.py", "Z -= np.maximum.reduce(Z, axis=1, keepdims=True)", "pass", "predictions without the shift"),
    Mutant("_prediction.py", "Z /= np.add.reduce(Z, axis=1, keepdims=True)", "Z /= np.add.reduce(Z, axis=0, keepdims=True)", "predictions normalised over rows"),
    Mutant("_likelihood/loss.py", "residual *= part.weight[:, np.newaxis]", "pass", "sample weights missing in the gradient"),
    Mutant("_likelihood/loss.py", "return float(np.dot(each.astype(np.float64), weight))", "return float(each.sum())", "sample weights missing in the loss"),
    Mutant("_likelihood/loss.py", "residual = residual.astype(np.float64, copy=False)", "residual = residual.astype(np.float32)", "residual rounded to float32"),
    Mutant("_likelihood/loss.py", "intercept += residual.sum(axis=0)", "intercept = residual.sum(axis=0)", "earlier blocks of the gradient dropped"),
    Mutant("_objective.py", "return Parameters(weights / block.total(), intercept / block.total())", "return Parameters(weights, intercept)", "gradient without the mean"),
    Mutant("_likelihood/products.py", "out[...] = (X @ weights.T).T", "out[...] = (X @ weights.T).T[::-1]", "classes of wide float32 rows reversed"),
    # Gradient descent
    Mutant("_descent.py", "np.multiply(gradient, -rate, out=velocity)", "np.multiply(gradient, rate, out=velocity)", "sign of the gradient"),
    Mutant("_descent.py", "velocity -= gradient", "velocity += gradient", "sign of the gradient with momentum"),
    Mutant("_descent.py", "velocity *= self.momentum", "velocity *= -self.momentum", "sign of the momentum"),
    Mutant("_descent.py", "np.clip(weights, -rate * self.l1, rate * self.l1)", "np.clip(weights, -2 * rate * self.l1, 2 * rate * self.l1)", "l1 threshold doubled"),
    Mutant("_descent.py", "weights = out[: self.n_weights]", "weights = out", "intercept shrunk by l1"),
    Mutant("_descent.py", "np.subtract(out, theta, out=velocity)", "pass", "velocity forgets the step of l1"),
    Mutant("_descent.py", "weights += slope", "weights += 0.5 * slope", "half of l2 in the gradient"),
    Mutant("_descent.py", "weights, _ = self._parts\n            weights += slope", "weights, intercept = self._parts\n            weights += slope\n            intercept += self.penalty.l2 * parameters.intercept", "penalised intercept"),
    Mutant("_descent.py", "intercept[...] = sums if is_first else intercept + sums", "intercept += sums", "stale buffer: the intercept's gradients add up"),
    Mutant("_descent.py", "intercept[...] = sums if is_first else intercept + sums", "intercept[...] = sums", "the intercept's gradient of the last piece alone"),
    Mutant("_descent.py", "weights += (self._logits @ X)[: self.n_classes]", "weights[...] = (self._logits @ X)[: self.n_classes]", "the gradient of the last piece alone"),
    Mutant("_descent.py", "loss += loss_of_piece", "loss = loss_of_piece", "the loss of the last piece alone"),
    Mutant("_batches.py", "weight[_within(batch, rows)]", "weight[: rows.stop - rows.start]", "every piece with the weights of the first"),
    Mutant("_batches.py", "X[_within(rows, batch)]", "X[: batch.stop - batch.start]", "the first of the batches that were gathered, again and again"),
    Mutant("_descent.py", "normaliser[normaliser.argmin()] > self._least_normal:\n                break", "True:\n                break", "no logit is ever shifted"),
    Mutant("_batches.py", "equal = 1.0 / (batch.stop - batch.start)", "equal = 1.0", "sum for mean over the batch"),
    Mutant("_batches.py", "equal = 1.0 / (batch.stop - batch.start)", "equal = 1.0 / self.batch_size", "last batch divided by the full size"),
    Mutant("_batches.py", "rows = slice(0, self.n_rows if order is None else order.size)", "n_rows = self.n_rows if order is None else order.size\n        rows = slice(0, max(1, n_rows - n_rows % self.batch_size))", "last smaller batch dropped"),
    Mutant("_descent.py", "rate = self.schedule(state.epoch)", "rate = self.schedule(state.epoch + 1)", "off by one in the schedule"),
    Mutant("_descent.py", "state.epoch += 1", "pass", "epochs not counted"),
    Mutant("_descent.py", "return total / n_batches if n_batches else math.nan", "return total if n_batches else math.nan", "loss curve sums over the batches"),
    Mutant("_descent.py", "normaliser[normaliser.argmin()] > self._least_normal", "normaliser[normaliser.argmin()] > 0", "digits lost to underflow"),
    Mutant("_descent.py", "Z -= np.maximum.reduce(Z, axis=0)", "pass", "overflowing logits not shifted"),
    Mutant("_batches.py", "(weight / weight.sum())", "(weight / self.batch_size)", "weights of a batch not normalised"),
    Mutant("_descent.py", "P *= weight / normaliser", "P *= weight", "softmax not normalised"),
    Mutant("_descent.py", "                    state.theta, state.velocity = other, np.zeros_like(other)\n                    raise", "                    raise", "diverged parameters kept"),
    Mutant("_descent.py", "generator.permutation(self.batches.n_rows if rows is None else rows)", "generator.permutation(self.batches.n_rows)", "held-out rows learned from"),
    Mutant("_batches.py", "return gathered, targets.take(chosen)", "return gathered, targets.take(rows)", "rows shuffled without their labels"),
    # Targets
    Mutant("_likelihood/targets.py", "full * size + np.arange(size)", "full * size", "every row of a part takes its first row's probabilities"),
    Mutant("_likelihood/targets.py", "true_class = (1.0 - self.smoothing) * true_class + self", "true_class = true_class + self", "smoothing without 1 - s"),
    Mutant("_likelihood/targets.py", "            scale = np.multiply(scale, 1.0 - self.smoothing)\n        P.reshape", "        P.reshape", "smoothing without 1 - s in the gradient"),
    Mutant("_likelihood/targets.py", "given = (1.0 - self.smoothing) * given + self.smoothing * Z.mean(axis=0)", "given = (1.0 - self.smoothing) * given + self.smoothing * Z.sum(axis=0)", "smoothing not divided by the classes"),
    Mutant("_likelihood/targets.py", "np.bincount(self.labels, sample_weight, self.n_classes)", "np.bincount(self.labels, None, self.n_classes)", "class totals without weights"),
    Mutant("_likelihood/targets.py", "(np.count_nonzero(self.rows, axis=1) > 1).any()", "False", "soft targets taken for separable"),
    Mutant("_likelihood/targets.py", "return None if self.smoothing else self.labels", "return self.labels", "smoothed targets taken for separable"),
    Mutant("_input/labels.py", "present = distinct(y[sample_weight > 0])", "present = classes", "absent classes learned"),
    Mutant("_input/labels.py", "return np.where(classes[labels] == y, labels, -1)", "return labels", "unknown labels taken for their neighbours"),
    Mutant("_losses.py", "tolerance = math.sqrt(np.finfo(np.float16 if half else rows.dtype).eps)", "tolerance = 0.1", "probability rows hardly checked"),
    Mutant("_likelihood/targets.py", "self._places = self.labels * n_rows", "self._places = (self.labels - 1) * n_rows", "true class off by one"),
    # Weights
    Mutant("_input/weights.py", "np.divide(least, found,", "np.divide(found, least,", "balanced weights inverted"),
    Mutant("_input/weights.py", "return _scaled(rows if sample_weight is None else sample_weight * rows), weighted", "return _scaled(rows), weighted", "class weights replace sample weights"),
    Mutant("_input/weights.py", "if sample_weight is None else sample_weight * rows), weighted", "if sample_weight is None else sample_weight * rows), targets", "class weights weigh whole probability rows"),
    Mutant("_likelihood/targets.py", "weight, ProbabilityRows(rows, self.smoothing)", "weight, ProbabilityRows(rows)", "class weights forget the smoothing"),
    Mutant("_input/given.py", "learned_y = weighted.given", "pass", "a fit weighs whole probability rows"),
    Mutant("_input/weights.py", "return block._replace(weight=weight, targets=targets).counted()", "return block._replace(weight=weight).counted()", "a stream weighs whole probability rows"),
    Mutant("_input/weights.py", "targets.weighted(factors)", "targets.weighted(factors**2)", "class weights squared"),
    Mutant("_input/weights.py", "np.ldexp(weights, -math.frexp(weights.max(initial=0.0))[1])", "weights / max(weights.max(initial=0.0), 1e-300)", "weights rounded by their scale"),
    Mutant("_input/weights.py", "legal = np.isfinite(weights) & (weights >= 0)", "legal = np.isfinite(weights)", "negative weights accepted"),
    # When to stop, and what to keep
    Mutant("_progress.py", "if value < self._since - self.tol", "if value < self._since + self.tol", "a rise within tol counts as a fall"),
    Mutant("_progress.py", "if math.isnan(value):", "if False:", "NaN counts towards a plateau"),
    Mutant("_progress.py", "return self.waited >= self.patience", "return self.waited > self.patience", "patience off by one"),
    Mutant("_progress.py", "if self.best is None or value < self.early.lowest:", "if True:", "early stopping keeps the last epoch"),
    Mutant("_progress.py", "self.best = Parameters(*(array.copy() for array in current))", "self.best = current", "best epoch overwritten by later ones"),
    # What a fit tells
    Mutant("_progress.py", "if not isinstance(answer, (bool, np.bool_)):", "if answer is None:", "any true value of a callback ends the fit"),
    Mutant("_progress.py", "if answer and not self._callback_decides:", "if answer:", "a callback that decides is doubted"),
    Mutant("_progress.py", "if answer and not self._callback_decides:", "if False:", "a fit ends by a stray True in silence"),
    Mutant("_progress.py", "min(gap, loss) if", "gap if", "a gap on the way above F"),
    Mutant("_progress.py", "        progress._close()\n", "", "weights read late are those of the end"),
    Mutant("_progress.py", "Parameters(*map(np.array, ", "Parameters(*(", "a callback writes into the fit's weights"),
    Mutant("_progress.py", "(passes, entries - 1)", "(entries, entries - 1)", "steps called epochs"),
    Mutant("_ending.py", "asked = settings.get(\"tol\") == 0 and", "asked = False and", "a fit that did what was asked is told as a failure"),
    Mutant("_ending.py", "(textbook or reason != \"max_iter\")", "True", "tol=0 without a learning rate taken for a wish to end at max_iter"),
    Mutant("_fit.py", "if learned.stop_reason == \"callback\":", "if True:", "advice on a callback that ended nothing"),
    Mutant("_proven.py", "return monitor.stopped_by or solution.reason", "return solution.reason", "a callback's end not told"),
    Mutant("_display.py", "lowest = halves[-1] - gap / 2 if gap else", "lowest =", "a proven curve dives at its end"),
    Mutant("_display.py", "return counted(entries - 1, \"step\")", "return counted(entries, \"epoch\")", "steps drawn as epochs"),
    Mutant("_likelihood/block.py", "if self.weight is None or self.weight.all():", "if True:", "rows of weight 0 take places in batches"),
    Mutant("_likelihood/held_out.py", "held[first[np.logical_and.reduceat(held, first)]] = False", "pass", "all rows of a class held out"),
    Mutant("_likelihood/held_out.py", "return np.sort(order[~held]), np.sort(order[held])", "return np.sort(order), np.sort(order[held])", "hold-out overlaps"),
    Mutant("_likelihood/held_out.py", "order = order[np.argsort(labels[order], kind=\"stable\")]", "pass", "hold-out not stratified"),
    Mutant("_likelihood/block.py", "weight = None if self.weight is None else self.weight[rows]", "weight = None", "weights of held-out rows dropped"),
    Mutant("_objective.py", "return float(total / block.total())\n", "return float(total / block.n_rows)\n", "loss divided by the rows, not their weight"),
    Mutant("_textbook.py", "    if monitor.best is not None:\n        start.state", "    if False:\n        start.state", "best parameters not restored"),
    Mutant("_proven.py", "objective = objective_at(kept)", "pass", "the loss curve ends at parameters that are not kept"),
    Mutant("_textbook.py", "rose = bool(curve) and not last <= tolerated * first", "rose = bool(curve) and not last <= tolerated * curve[0]", "a rise within the first epoch is none"),
    Mutant("_textbook.py", "last = monitor.early.lowest if monitor.early else curve[-1] if curve else first", "last = curve[-1] if curve else first", "a rise of the training loss where the validation loss is watched"),
    Mutant("_fit.py", "start.state.epoch += not math.isnan(loss)", "pass", "a schedule stands still in partial_fit"),
    Mutant("_textbook.py", "epochs = min(len(curve) - 1, settings.n_iter_no_change)", "epochs = len(curve) - 1", "advice on all epochs instead of the last"),
    Mutant("_stream.py", "stream = copied(start.stream)", "stream = start.stream", "an interrupted partial_fit changes the stream"),
    Mutant("_stream.py", "own.metric = copy(stream.metric)", "own.metric = stream.metric", "an interrupted partial_fit changes the metric"),
    Mutant("_stream.py", "stream.is_above(_excess(solution))", "pass", "a fit cut short is worth all its rows"),
    Mutant("_stream.py", "lacking[:, :n_features] = settings.l1 * np.sign(kept.weights)", "pass", "the stream after l1 begins where its objective is not least"),
    Mutant("_textbook.py", "if not mean > 2.0 * equal + CHANCE / (n_rows * len(recent)):", "if not mean > 2.0 * equal:", "one unlucky row is an alarm"),
    Mutant("_proven.py", "rise = max(objective - solution.objective, 0.0)", "rise = 0.0", "rounding to float32 missing in the gap"),
    Mutant("_proven.py", "solution.converged and within,", "solution.converged,", "a gap above tol after rounding to float32 has converged"),
    Mutant("_likelihood/margins.py", "(Z.max(axis=1) - ahead).max()", "(Z.max(axis=1) - ahead).min()", "one row makes data separable"),
    Mutant("_separation/search.py", "basis[np.abs(basis) < CLEAN] = 0.0", "pass", "rounding taken for a pair on the border"),
    Mutant("_separation/search.py", "if not {c.of, c.against} & set(empty)", "", "contrasts with an empty class are listed"),
    Mutant("_separation/search.py", "if targets.smoothing:\n        return ()", "if False:\n        return ()", "smoothing does not fill an empty class"),
    Mutant("_separation/multipliers.py", "spent = (left < KEPT * multipliers.scale) & ~pairs.tied", "spent = left < -np.inf", "multipliers may be negative"),
    Mutant("_separation/multipliers.py", "(spent | space.stray())", "spent", "pairs outside the span are taken for held"),
    Mutant("_separation/pairs.py", "tied = targets > 0", "tied = targets > 1", "soft targets tie no classes"),
    Mutant("_separation/faces.py", "-vectors[rest[tied[rest]]]", "-vectors[:0]", "tied pairs may be parted"),
    Mutant("_separation/border.py", "margin = np.where(pairs.tied, -np.abs(margin), margin)", "pass", "tied pairs of all rows may be parted"),
    Mutant("_separation/border.py", "bool((new & (loose | (margin < 0))).any())", "bool((new & (margin < 0)).any())", "pairs on the border of a guess are not looked at"),
    Mutant("_separation/coordinates.py", "outward[:, :, -1] -= directions[:, :, :-1] @ shift", "pass", "the intercept of the centred columns is named"),
    Mutant("_separation/coordinates.py", "spread = np.where(spread > 0, spread, _farthest(X, centre, among))", "pass", "columns constant in the sample keep their scale"),
    Mutant("_proven.py", "if settings.fit_intercept:\n        empty", "if True:\n        empty", "an empty class without an intercept has no minimum"),
    Mutant("_learned.py", "self.separation.kind == \"unknown\" and self.stop_reason == \"tol\"", "False", "what is too large is not told"),
    Mutant("_optimum/curvature.py", "self.ridge += missing[:, None, None]", "self.ridge += 0 * missing[:, None, None]", "a column that the sample misses has no curvature"),
    Mutant("_fit.py", "curve = [] if math.isnan(loss) else [loss]", "curve = [loss]", "a pass without weight counts"),
    Mutant("_learned.py", "start.n_iter + self.n_iter", "self.n_iter", "a warm start counts its epochs anew"),
    Mutant("_learned.py", "np.concatenate([start.loss_curve, self.loss_curve])", "np.array(self.loss_curve)", "a warm start drops the loss curve"),
    # The estimator
    Mutant("_learned.py", "DescentState(theta, velocity, left.get(\"_epoch\", 0))", "DescentState(theta, velocity, 0)", "warm start forgets the epoch"),
    Mutant("_learned.py", "if velocity.shape != theta.shape:", "if True:", "partial_fit resets the velocity"),
    Mutant("_learned.py", "left.get(\"_velocity\", theta[:0]).astype(theta.dtype)", "left.get(\"_velocity\", theta[:0])", "an interrupted fit changes the velocity"),
    Mutant("_learned.py", "stream=left[\"_stream\"] if _stands_where_its_stream_does(left) else None,", "stream=left.get(\"_stream\"),", "a stream ignores parameters set by hand"),
    Mutant("_learned.py", "for vector in (state.theta, state.velocity):", "for vector in (state.velocity,):", "an intercept no longer wanted is kept"),
    Mutant("_learned.py", "for vector in (state.theta, state.velocity):", "for vector in (state.theta,):", "an intercept no longer wanted is moved by momentum"),
    Mutant("_learned.py", "deepcopy(left[\"_draws\"])", "left[\"_draws\"]", "an interrupted fit advances the generator"),
    Mutant("_state.py", "self.__dict__ = kept | learned.attributes(description, start)", "for key, value in learned.attributes(description, start).items():\n            setattr(self, key, value)", "model taken over attribute by attribute"),
    Mutant("_estimator.py", "return fitted[\"classes_\"][best]", "return best", "predict returns the index"),
    Mutant("_prediction.py", "= Z.argmax(axis=1)", "= Z.shape[1] - 1 - Z[:, ::-1].argmax(axis=1)", "ties go to the last class"),
    Mutant("_estimator.py", "np.average(predicted == true, weights=weight)", "np.average(predicted == true)", "score ignores weights"),
    Mutant("_parameters.py", "np.diff(self.weights, axis=0), np.diff(self.intercept)", "-np.diff(self.weights, axis=0), -np.diff(self.intercept)", "sign of the two-class decision"),
    Mutant("_prediction.py", "return np.asarray(Z[:, 1] - Z[:, 0])", "return np.asarray(Z[:, 0] - Z[:, 1])", "sign of a two-class decision between the largest logits"),
    Mutant("_likelihood/logits.py", "for rows in blocks[1:]:", "for rows in blocks[1:-1]:", "last block of predictions left out"),
    Mutant("_input/given.py", "problem_of(features, checked_y, weight, classes, name", "problem_of(features, checked_y, None, classes, name", "validation weights dropped"),
    # What is told to whom
    Mutant("_warn.py", "frame.f_code.co_filename.startswith(PACKAGE)", "False", "warnings name the library's lines"),
    Mutant("_input/labels.py", "return np.append(order, -1)[_positions(classes[order], y)]", "return _positions(classes[order], y)", "labels misplaced among unsorted classes"),
    Mutant("_input/labels.py", "np.arange(y.shape[1]) if columns is None else columns", "np.arange(y.shape[1])", "columns of a data frame forgotten"),
    Mutant("_input/labels.py", "if columns is None or columns.tolist() == classes.tolist():", "if True:", "columns in another order accepted"),
    Mutant("_input/features.py", "if DATES.match(kind):", "if False:", "dates of polars learned as numbers"),
    Mutant("_fitted.py", "and coef.shape[:1] == intercept.shape == classes.shape", "", "weights set by hand unchecked"),
    Mutant("_input/labels.py", "    refuse_misfit(y, classes, name)\n", "", "text labels taken for unknown numbers"),
    Mutant("_arrays.py", "    _refuse_look_alikes(values, name)\n", "", "masks of masked arrays ignored"),
    # Checks of X
    Mutant("_input/features.py", "and not np.isfinite(flat).all()", "and np.isnan(flat).any()", "infinite features accepted"),
    # The optimum
    Mutant("_penalty.py", "np.asarray(0.5 / l2)", "np.asarray(0.25 / l2)", "half of the gap"),
    Mutant("_penalty.py", "np.asarray(0.5 / l2)", "0.5 * np.isfinite(l2)", "gap without the penalty"),
    Mutant("_penalty.py", "not self.holds_all:\n            return math.inf", "not self.holds_all:\n            return 0.0", "a proof where there is none"),
    Mutant("_optimum/certificate.py", "theta = self.intercepts.solve(found.theta, self._share(found), np.float64)\n        return self.as_it_stands(self.objective.at(theta))", "theta = self.intercepts.solve(found.theta, self._share(found), np.float64)\n        return self.as_it_stands(self.objective.at(theta, np.float32))", "certificate in float32"),
    Mutant("_optimum/intercepts.py", "solved[:, -1] += self._correction(theta.copy(), share, dtype)", "pass", "Newton's steps on the intercepts skipped"),
    Mutant("_optimum/certificate.py", "return share * divergence, share * change", "return share * divergence, 0.0 * change", "closed gap without the gradient's change"),
    Mutant("_optimum/certificate.py", "return share * divergence, share * change", "return 0.0, share * change", "closed gap without the divergence"),
    Mutant("_optimum/certificate.py", "(point.value - penalty + float(np.vdot(M, point.theta)))", "(point.value - penalty)", "divergence with the loss for the normaliser"),
    Mutant("_optimum/certificate.py", "share = float((residual[present] / mean[present]).max())", "share = float(residual[present].max())", "share of the residual not relative to its class"),
    Mutant("_optimum/full_phase.py", "return self.gap <= self.limits.tol or (", "return self.gap <= 2 * self.limits.tol or (", "tol compared with half of the gap"),
    Mutant("_optimum/full_phase.py", "return self.decrement <= (1.0 if exact else", "return self.decrement <= (100.0 if exact else", "unpenalised fits end early"),
    Mutant("_likelihood/coordinates.py", "self.intercept(theta) - weights @ self.centre", "self.intercept(theta)", "centre not restored"),
    Mutant("_likelihood/coordinates.py", "weights = theta[:, : self.n_features] / self.scale\n        return Parameters", "weights = theta[:, : self.n_features]\n        return Parameters", "scale not restored"),
    Mutant("_penalty.py", "self.l2 / coordinates.scale**2", "self.l2 / coordinates.scale", "penalty in the wrong units"),
    Mutant("_penalty.py", "l1, l2 = np.zeros((2, coordinates.n_columns))", "l1, l2 = np.zeros(coordinates.n_columns), np.full(coordinates.n_columns, np.max(self.l2))", "penalised intercept at the optimum"),
    Mutant("_likelihood/coordinates.py", "intercept = original.intercept + original.weights @ self.centre", "intercept = original.intercept", "warm start misses the centre"),
    Mutant("_objective.py", "gradient = data + slope", "gradient = data + 0.0 * slope", "penalty missing in the gradient"),
    Mutant("_objective.py", "loss / total, gradient / total)", "loss / total, gradient / self.likelihood.n_rows)", "gradient divided by the rows, not their weight"),
    Mutant("_likelihood/value.py", "        losses *= chunk.weight\n", "", "sample weights missing in the pass's loss"),
    Mutant("_likelihood/value.py", "        p *= chunk.weight\n", "", "sample weights missing in the pass's gradient"),
    Mutant("_likelihood/information.py", "return np.asarray(1 - np.eye(n_classes, dtype=dtype))", "return np.asarray(np.ones((n_classes, n_classes), dtype))", "what is left of 1 is all of it"),
    Mutant("_likelihood/information.py", "return p * complements(p)", "return 2 * p * complements(p)", "factor 2 in the curvature"),
    Mutant("_likelihood/information.py", "covariances[first] = variances[k]", "pass", "Hessian of all pairs negative"),
    Mutant("_optimum/moments.py", "return factors(common)[:, :, None] * mean_second_moment", "return 2 * factors(common)[:, :, None] * mean_second_moment", "factor 2 in the curvature without weights"),
    Mutant("_likelihood/information.py", "            c *= chunk.weight[some]\n", "            pass\n", "sample weights missing in the curvature"),
    Mutant("_likelihood/information.py", "values = values * np.sqrt(chunk.weight)[:, None]", "values = values * chunk.weight[:, None]", "weights squared in the second moment"),
    Mutant("_optimum/curvature.py", "return np.eye(n_classes - 1) - 1 / n_classes", "return np.eye(n_classes - 1)", "penalty of the last class missing"),
    Mutant("_optimum/curvature.py", "blocks_cost(likelihood) <= BLOCKS_WORTH * passes", "blocks_cost(likelihood) < 0.0", "class blocks never built"),
    Mutant("_likelihood/curvature.py", "along = chunk.rows.dense().values @ axes", "along = 2 * chunk.rows.dense().values @ axes", "factor 4 in the principal curvatures"),
    Mutant("_optimum/spread.py", "solve(gradient - self.means * gradient[:, -1:])", "solve(gradient)", "weights and intercept pull at each other"),
    Mutant("_optimum/spread.py", "self.squares - self.weight * along**2", "self.squares", "spread around 0 for that around the mean"),
    Mutant("_likelihood/curvature.py", "        variances *= chunk.weight\n    if axes is None:", "        pass\n    if axes is None:", "sample weights missing in the spread"),
    Mutant("_optimum/spread.py", "LEAST_SPREAD * self.squares)", "-np.inf)", "negative spread where rounding is all"),
    Mutant("_optimum/intercepts.py", "else _divided(mean - products)", "else _divided(mean)", "many classes: the mean for its variance"),
    Mutant("_optimum/damped_newton.py", "foretold = 0.5 * (damping * length - slope)", "foretold = -100 * slope", "a fall foretold that is too large"),
    Mutant("_optimum/damped_newton.py", "if fall >= DECREASE * foretold or", "if True or", "damped steps that raise F accepted"),
    Mutant("_optimum/damped_newton.py", "if not 0.0 <= decrement <= self.settled or", "if decrement > self.settled or", "an undamped step uphill"),
    Mutant("_optimum/full_phase.py", "if self.unseen >= UNSEEN:", "if False:", "damped steps in the rounding of F without an end"),
    Mutant("_optimum/damped_newton.py", "self.damping = min(self.damping, -slope / length)", "pass", "the old damping after an undamped step failed"),
    Mutant("_optimum/exact_hessian.py", "theta, np.float64, 1, self.order)", "theta, np.float64, 8, self.order)", "Newton's Hessian from a sample"),
    Mutant("_optimum/exact_hessian.py", "return np.asarray(found + damping * direction)", "return np.asarray(found)", "products without their damping"),
    Mutant("_optimum/pace.py", "return left > min(self.cost, self.max_iter - passes)", "return left > self.cost", "passes beyond max_iter waited for"),
    Mutant("_optimum/pace.py", "bisect_right(self.passes, passes // 2) - 1", "bisect_right(self.passes, 0) - 1", "the pace of all passes"),
    Mutant("_optimum/full_phase.py", "elif not (self.objective.proves or self._estimates()):", "elif False:", "L-BFGS's decrement taken for the Hessian's"),
    Mutant("_optimum/conjugate_gradients.py", "direction = scaled + size / previous * direction", "direction = scaled", "steepest descent for conjugate gradients"),
    Mutant("_optimum/proximal.py", "if given is not None and given.value <= frequencies.value:", "if given is not None:", "a start worse than the frequencies, with l1"),
    Mutant("_likelihood/targets.py", "        _close(P, self._true_places())\n", "        self.subtract_from(P, scale)\n", "p - 1 of rows nearly sure left to rounding"),
    Mutant("_likelihood/information.py", "        rest[k, i] = np.add.reduce(others, axis=0)\n", "        pass\n", "1 - p of rows nearly sure left to rounding"),
    Mutant("_optimum/exact_hessian.py", "np.roll(classes, -1 - int(curvature.sum(axis=1).argmax()))", "np.roll(classes, -1 - int(curvature.sum(axis=1).argmin()))", "the class of the least curvature follows from the others"),
    Mutant("_optimum/free_columns.py", "left, error = gradient + change, slack * root + rounding", "left, error = gradient, slack * root + rounding", "a dual point whose other gradients stay"),
    Mutant("_optimum/free_columns.py", "error[np.ix_(reference, places)] = error[others].sum(axis=0)", "pass", "an error of the others for free in the class that follows"),
    Mutant("_optimum/column_space.py", ">= RESOLVED * len(free)", ">= -1.0", "any share of the rows taken for proof that columns differ"),
    Mutant("_optimum/column_space.py", "axes[varying] = found.T", "axes[varying] = np.eye(len(found))", "columns for their principal axes"),
    Mutant("_optimum/minimise.py", "objective = max(found.objective, objective)", "objective = found.objective", "F of the axes for that of the weights"),
    Mutant("_optimum/full_phase.py", "math.inf if beyond or former_beyond else", "math.inf if beyond else", "a decrement after a step beyond taken for an estimate"),
    Mutant("_optimum/full_phase.py", "FORMER * self.share)", "FORMER)", "a decrement of a Hessian without digits taken for an estimate"),
    Mutant("_optimum/full_phase.py", "and self.left <= FLAT", "and True", "a decrement far from quadratic taken for an estimate"),
    Mutant("_optimum/quadratic.py", "        first //= 2\n", "        first = 0\n", "a step along an orthant cut once"),
    Mutant("_optimum/quadratic.py", "new[crossing[order[:first]]] = 0.0", "pass", "coordinates next to zero where a step ends at their zero"),
    Mutant("_optimum/reduced_hessian.py", "matrix *= copies / max(weight, 1e-300)", "matrix *= 1.0 / max(weight, 1e-300)", "curvature of opposite weights counted once"),
    Mutant("_optimum/reduced_hessian.py", "squares *= copies /", "squares *= 1 /", "diagonal of opposite weights counted once"),
    Mutant("_optimum/local_model.py", "            step[0] = -step[1]\n", "            pass\n", "two classes whose weights are not opposites"),
    Mutant("_optimum/elastic_net.py", "return min(gap, self._gap(point, data) + float(left.sum()))", "return self._gap(point, data) + float(left.sum())", "an estimate for free columns where the gap itself is less"),
    Mutant("_optimum/proximal.py", "-slope > STEEP * self.decrement", "-slope > 1e9 * self.decrement", "no step of two classes goes on"),
    Mutant("_optimum/quadratic.py", "for _ in range(hessian.drops):", "for _ in range(1):", "one sign at a time in a proximal Newton step"),
    Mutant("_optimum/exact_hessian.py", "self.ridge = objective.l2 + flat(objective.likelihood)", "self.ridge = objective.l2", "curvature of a constant sparse column waited for"),
    Mutant("_optimum/full_phase.py", "dear = step_passes", "dear = True or step_passes", "a Hessian of many steps ago taken for an estimate"),
    Mutant("_optimum/line_search.py", "if rise <= DECREASE * length * slope:", "if True:", "any rise of F accepted"),
    Mutant("_optimum/lbfgs.py", "descent -= correction", "descent += correction", "sign of the L-BFGS correction"),
    Mutant("_optimum/lbfgs.py", "self.inverse[:, row] = self.inverse @ inner / -curvature", "self.inverse[:, row] = self.inverse.T @ inner / -curvature", "wrong triangle in L-BFGS"),
    Mutant("_optimum/lbfgs.py", "np.stack([middle @ self.inverse, -self.scale * a])", "np.stack([middle @ self.inverse, -a])", "scale of the first matrix forgotten"),
    Mutant("_optimum/lbfgs.py", "scaled = new.solved - old.solved", "scaled = new.solved", "P⁻¹ of a gradient for P⁻¹ of its change"),
    Mutant("_optimum/lbfgs.py", "if self.last is not None and self.last.gradient is gradient:", "if self.last is not None:", "products with another gradient reused"),
    Mutant("_optimum/lbfgs.py", "max(self.least_scale, ", "max(0.0, ", "least scale of the first matrix forgotten"),
    Mutant("_optimum/lbfgs.py", "row = self.added % PAIRS", "row = min(self.added, PAIRS - 1)", "the newest pair dropped instead of the oldest"),
    Mutant("_likelihood/survey.py", "(1.0 - smoothing) * frequency + smoothing / block.targets.n_classes", "frequency", "mean targets without smoothing"),
    Mutant("_likelihood/products.py", "_by_fours(weights[:-1] - weights[-1], matrix)", "_by_fours(weights[:-1], matrix)", "logits of few classes not relative"),
    Mutant("_likelihood/products.py", "    logits[len(weights) - 1] = 0.0\n", "    logits[len(weights) - 1] = 1.0\n", "logits of the last class not the others' zero"),
    Mutant("_likelihood/products.py", "[sums, -np.add", "[sums, np.add", "gradient of the last class negated"),
    Mutant("_likelihood/information.py", "    sums *= np.sign(np.add.reduce(c, axis=1))[:, None, None]\n", "", "sign of the factors lost"),
    Mutant("_likelihood/rows.py", "sums -= total[:, None] * self.centre", "pass", "gradient not centred"),
    Mutant("_likelihood/rows.py", "self._appended(sums / self._scale, total)", "self._appended(sums, total)", "gradient not scaled"),
    Mutant("_likelihood/rows.py", "logits += theta[:, n_features:] - (weights @ self.centre)[:, None]", "logits += theta[:, n_features:]", "logits not centred"),
    Mutant("_likelihood/rows.py", "weights = theta[:, :n_features] / self._scale", "weights = theta[:, :n_features]", "logits not scaled"),
    Mutant("_likelihood/rows.py", "squares -= centre * (2 *", "squares -= centre * (1 *", "sparse curvature not centred"),
    Mutant("_likelihood/coordinates.py", "return Coordinates(mean if fit_intercept else none, none + 1.0, fit_intercept)", "return Coordinates(none, none + 1.0, fit_intercept)", "sparse rows not centred"),
    Mutant("_prediction.py", "    lost += raised\n", "", "log-probabilities of two classes lose the digits of a small loss"),
    Mutant("_prediction.py", "return (Z[:, 0] > 0).astype(np.intp)", "return (Z[:, 0] >= 0).astype(np.intp)", "a tie of two classes is the second's"),
    Mutant("_state.py", "            check_finite(features, X, \"X\")\n            raise\n", "            raise\n", "rows that are not finite are told to overflow"),
    Mutant("_likelihood/two_classes.py", "losses -= behind", "pass", "margins of the wrong class cost log 2"),
    Mutant("_likelihood/two_classes.py", "np.maximum(raised, behind, out=raised)", "pass", "the wrong side's residual where the other class is ahead"),
    Mutant("_prediction.py", "np.maximum(raised, difference >= 0), inverse", "raised, inverse", "the class ahead has the share of the one behind"),
    Mutant("_likelihood/two_classes.py", "    if chunk.weight is not None:\n        losses *= chunk.weight\n        residual *= chunk.weight\n", "", "sample weights missing of two classes"),
    Mutant("_likelihood/two_classes.py", "np.concatenate([gradient, -gradient])", "np.concatenate([gradient, gradient])", "both classes go the same way"),
    Mutant("_likelihood/two_classes.py", "losses += target * margins", "pass", "soft targets of two classes cost nothing"),
    Mutant("_likelihood/targets.py", "return signs, (1.0 - self.smoothing) * lesser + self.smoothing / self.n_classes", "return signs, lesser", "rows of two classes not smoothed"),
    Mutant("_likelihood/rows.py", "squares.T / np.square(self._scale)", "squares.T", "squares of rows that are scaled after their products in raw units"),
    Mutant("_likelihood/rows.py", "margins += change[n_features] - weights @ self.centre", "margins += change[n_features]", "margins of rows that are not centred"),
    Mutant("_likelihood/survey.py", "return shift[0] + first, spread, sums / total - np.outer(targets, first)", "return shift[0] + first, spread, sums / total", "target rows not centred"),
    Mutant("_likelihood/coordinates.py", "moved = survey.targets[:, None] * (survey.mean - self.centre)", "moved = 0.0", "target rows without intercept centred"),
    Mutant("_likelihood/survey.py", "np.maximum(second / total - first * first, 0.0)", "np.maximum(second / total, 0.0)", "spread around the first rows' mean"),
    Mutant("_likelihood/coordinates.py", "(np.abs(self.centre) <= NEAR * self.scale).all()", "True", "float64 passes over columns far from zero"),
    Mutant("_likelihood/survey.py", "return unit * mean, unit * spread, unit * target_rows", "return mean, spread, target_rows", "moments left in their unit"),
    Mutant("_likelihood/coordinates.py", "return 0.25 * float(rounding @ rounding)", "return 0.0", "rounded intercepts for free"),
    Mutant("_optimum/row_space.py", "            rows -= self.rest\n", "            pass\n", "weights rounded by an offset"),
    Mutant("_optimum/minimise.py", "gap = solution.gap + rise if isinstance", "gap = solution.gap if isinstance", "rounded intercepts for free in the row space"),
    Mutant("_optimum/elastic_net.py", "self._proven(point) + rounding", "self._proven(point)", "rounded intercepts for free with l1"),
    Mutant("_optimum/first_matrix.py", "if left >= WORTH * chosen.cost:", "if True:", "matrices built that do not pay"),
    Mutant("_optimum/first_matrix.py", "bound, self.steps - first)", "bound, self.steps)", "the pace of another matrix"),
    Mutant("_optimum/empty_columns.py", "l2[self.occupied] if isinstance(l2, np.ndarray) else l2", "l2[: len(self.occupied)] if isinstance(l2, np.ndarray) else l2", "the l2 of other columns"),
    Mutant("_optimum/empty_columns.py", "            centre=self._filled(found.centre),\n", "", "the means of some columns for those of all"),
    Mutant("_selection/search.py", "return self._below(x) if above is None else above", "return above", "a minimum guessed from one side"),
    Mutant("_optimum/plan.py", "newton = work <= (10.0 if changes else 1.0) * NEWTON_WORK", "newton = work <= 10.0 * NEWTON_WORK", "Newton's method for larger problems"),
    Mutant("_optimum/plan.py", "polish = polish and work <= in_reach and asked", "polish = polish and work <= in_reach", "polish whatever tol"),
    Mutant("_optimum/full_phase.py", "self.plan.reuses and self.left <= UNCHANGED", "self.plan.reuses", "one Hessian for all of Newton's steps"),
    Mutant("_optimum/full_phase.py", "(self.plan.newton and not self.former)", "self.plan.newton", "a Hessian taken again is trusted as one at the point"),
    Mutant("_optimum/plan.py", "reuses=newton and tol >= POLISHED_TOL", "reuses=newton", "Hessians taken again where all digits are asked for"),
    Mutant("_optimum/full_phase.py", "gap = min(found.bound, found.value) if self.objective.proves", "gap = found.bound if self.objective.proves", "a gap above F"),
    Mutant("_optimum/curvature.py", "return Full(objective) if whole else PrincipalAxes(objective)", "return PrincipalAxes(objective)", "two classes by their axes"),
    Mutant("_optimum/minibatch.py", "noise = 2.0 * D + DECAY * math.sqrt(D * (self.rows + self.behind))", "noise = 2.0 * D + DECAY * math.sqrt(D * self.rows)", "steps after a fit as long as from nothing"),
    Mutant("_optimum/minibatch.py", "newest = EXPONENT * count / (self.rows + EXPONENT * (self.behind + count))", "newest = EXPONENT * count / (self.rows + EXPONENT * count)", "the fit has no weight in the average"),
    Mutant("_optimum/minibatch.py", "newest * (self.parameters - self.average)", "(self.parameters - self.average)", "stream not averaged"),
    Mutant("_optimum/minibatch.py", "            if length * (data + penalty) <= 2.0 * slope:", "            if True:", "strange rows overshot"),
    Mutant("_optimum/minibatch.py", "        change -= change.mean(axis=0)\n", "", "the shift common to all classes bends"),
    Mutant("_optimum/minibatch.py", "share = worth / max(excess * (self.rows + self.behind), worth)", "share = 1.0", "no excess makes rows worth less"),
    Mutant("_optimum/minibatch.py", "if self.in_random_order and metric.rows >= metric.known_rows:", "if False:", "the fit's own epoch goes on observing"),
    Mutant("_optimum/minibatch.py", "added = (penalty - self.penalty) * self.average", "added = 0.0 * self.average", "another penalty costs nothing"),
    Mutant("_optimum/row_metric.py", "centred = gradient[:, :d] - np.outer(intercept, self.mean)", "centred = gradient[:, :d]", "gradient of rows that are not centred"),
    Mutant("_optimum/row_metric.py", "step - weights @ self.mean", "step", "direction of centred rows taken for that of the rows"),
    Mutant("_optimum/row_metric.py", "max(self.known_rows, MEMORY * self.seen, count)", "math.inf", "nothing is forgotten"),
    Mutant("_optimum/row_metric.py", "(self.variance + share * moved**2)", "self.variance", "variances without the means' difference"),
    Mutant("_optimum/row_metric.py", "spread = (1 - part) * share**2 + part * (1 - share) ** 2", "spread = 0.0", "covariances without the means' difference"),
    Mutant("_optimum/row_metric.py", "self.decay *= 1 - part", "pass", "covariances never forget"),
    Mutant("_optimum/row_metric.py", "values /= math.sqrt(self.decay)", "pass", "recent rows are forgotten as if they were old"),
    Mutant("_optimum/row_metric.py", "total += self.summed", "pass", "covariances of the recent rows alone"),
    Mutant("_optimum/cholesky.py", "return np.asarray(lower.T @ lower)", "return np.asarray(lower @ lower.T)", "the inverse's factors the wrong way round"),
    Mutant("_optimum/cholesky.py", "= -last @ (lower[half:", "= last @ (lower[half:", "sign of the triangle's inverse"),
    Mutant("_optimum/row_metric.py", "constant = variance <= np.maximum((CONSTANT * self.mean) ** 2, 1e-300)", "constant = variance < 0.0", "constant columns take steps"),
    Mutant("_optimum/row_metric.py", "np.where(largest <= 0.5, largest, 2 * largest * (1 - largest))", "np.full_like(largest, 0.5)", "Böhning's bound for all probabilities"),
    Mutant("_optimum/row_metric.py", "stride = FOLLOWING if self.covariance_rows >= self.known_rows else 1", "stride = 1", "rows that tell little more are all counted"),
    Mutant("_optimum/row_space.py", "weights @ self.rest - weights @ self.centre", "weights @ self.rest", "row space forgets the centre"),
    Mutant("_optimum/row_space.py", "-weight @ self.coordinates / weight[heaviest]", "-weight @ self.coordinates", "the heaviest row forgets its weight"),
    Mutant("_optimum/row_space.py", "return growth <= WORST_CONDITION", "return True", "row space kept where it loses digits"),
    Mutant("_optimum/curvature.py", "features[:] = features.mean(axis=1, keepdims=True)", "features[:] = 1.0", "rotated rows without their curvature"),
    Mutant("_objective.py", "(raised / total)[:, None] * np.add.reduce(M, axis=0) - M", "-M", "gradient without weights misses the mean row"),
    Mutant("_optimum/minimise.py", "objective = Objective(likelihood, within)", "objective = Objective(likelihood, within if space is None else Penalty(0.0, 0.0))", "row space without l2"),
    Mutant("_optimum/elastic_net.py", "/ (2.0 * np.where(held, l2, np.inf))", "/ (4.0 * np.where(held, l2, np.inf))", "half of the gap with l1 and l2"),
    Mutant("_optimum/elastic_net.py", "gap = point.value - scaling * entropy", "gap = point.value - entropy", "gap with l1 from an infeasible point"),
    Mutant("_penalty.py", "return total + self.l1_value(weights) if self.has_l1 else total, slope", "return total, slope", "F without the l1 term"),
    Mutant("_penalty.py", "np.where(self.l1, self.l1 / coordinates.scale, 0.0)", "self.l1", "l1 in the wrong units"),
    Mutant("_likelihood/curvature.py", "return np.negative(products, out=products)", "return products", "curvature between classes of the wrong sign"),
    Mutant("_likelihood/curvature.py", "p, root = p * scale, root * scale", "pass", "sample weights missing in the free columns"),
    Mutant("_likelihood/curvature.py", "growth -= np.einsum(\"kb,kb->b\", p, growth)", "pass", "dual point whose rows do not sum to one"),
    Mutant("_optimum/free_columns.py", "0.5 * _enlargement(float(share)) * length**2", "0.25 * _enlargement(float(share)) * length**2", "half of the divergence"),
    Mutant("_optimum/free_columns.py", "if not share <= LARGEST_SHARE:", "if False:", "dual point with negative probabilities"),
    Mutant("_optimum/free_columns.py", "return 1.0 + share", "return 1.0 - share", "divergence below its bound"),
    Mutant("_optimum/free_columns.py", "if not least > 0.0:", "if False:", "collinear free columns told apart"),
    Mutant("_optimum/elastic_net.py", "left[:, chosen] -= asked", "pass", "free columns asked for no gradient with l1"),
    Mutant("_optimum/elastic_net.py", "float(np.vdot(data, point.theta)) - divergence", "float(np.vdot(data, point.theta))", "divergence missing with l1"),
    Mutant("_optimum/full_phase.py", "if self.point.value <= self.aim:", "if False:", "a fit that goes on below tol"),
    Mutant("_optimum/column_space.py", "along[:, kept] / self.spread", "along[:, kept]", "axes not of unit spread"),
    Mutant("_optimum/column_space.py", "@ self.axes * self.spread", "@ self.axes", "a warm start in axes of another spread"),
    Mutant("_optimum/column_space.py", "self._keep(spread > least,", "self._keep(spread >= 0 * least,", "axes of rounding kept"),
    Mutant("_optimum/column_space.py", "EPS * self._far(axes)", "0.0 * self._far(axes)", "axes of the rounding of columns far from zero kept"),
    Mutant("_optimum/told_apart.py", "cumsum(pairs) <= most", "cumsum(pairs) <= 0.0 * most", "classes told apart by nothing at all"),
    Mutant("_optimum/told_apart.py", "mass[shared > 0.0] = np.inf", "pass", "classes that share a target told apart"),
    Mutant("_optimum/told_apart.py", "(targets * chunk.weights()) @ p.T", "targets @ p.T", "classes told apart by rows without their weights"),
    Mutant("_optimum/told_apart.py", "l2=objective.l2 / share)", "l2=objective.l2)", "groups with less than the whole penalty"),
    Mutant("_optimum/told_apart.py", "lowest += share *", "lowest +=", "minima of groups as of all rows"),
    Mutant("_optimum/told_apart.py", "found.value - found.bound", "found.value", "groups taken for minimised"),
    Mutant("_optimum/told_apart.py", "likelihood.count(readings)", "pass", "readings of groups not counted"),
    Mutant("_optimum/certificate.py", "if self.objective.proves and bound > self.tol:", "if False:", "a proof without groups of classes"),
    Mutant("_optimum/elastic_net.py", "gap = min(gap, gap_by_groups(", "gap = max(gap, gap_by_groups(", "a proof without groups of classes, with l1"),
    Mutant("_optimum/told_apart.py", "ROUNDING * (point.value + 2.0 * size)", "ROUNDING * point.value", "a gap below what rounding of logits hides"),
    Mutant("_optimum/told_apart.py", "prove(own, balanced(point.theta[group]))", "prove(own, point.theta[group])", "a group's weights that do not sum to zero"),
    Mutant("_optimum/proximal.py", "self.aim = LOWERED * min(self.aim, point.bound)", "pass", "an estimate that was no proof taken for the end"),
    Mutant("_optimum/minimise.py", "if likelihood.sparse and _blurred(block, likelihood):", "if False:", "sparse rows far from zero centred after products"),
    Mutant("_optimum/minimise.py", "if likelihood.sparse and _blurred(block, likelihood):", "if likelihood.sparse:", "all sparse rows filled in"),
    Mutant("_proven.py", "solution.decrement + rise", "solution.decrement", "rounding to float32 not told"),
    Mutant("_proven.py", "parameters.intercept + moved", "parameters.intercept", "intercepts that do not make up for rounded weights"),
    Mutant("_proven.py", "for times in ROUNDINGS:", "for times in ():", "collinear columns rounded as they are"),
    Mutant("_proven.py", "if float(text) < bound:", "if False:", "digits of a bound rounded down"),
    Mutant("_optimum/quadratic.py", "return x - np.minimum(np.maximum(x, -threshold), threshold)", "return x - np.minimum(np.maximum(x, -2 * threshold), 2 * threshold)", "l1 threshold doubled at the optimum"),
    # Reading a fit
    Mutant("_inference/tails.py", "return 0.0 if statistic > 0.0 else math.nan", "return math.nan", "no tail at infinity"),
    Mutant("_inference/tails.py", "power *= v * v", "power *= v", "deviance of the saddle point"),
    Mutant("_inference/covariance.py", "whole[other, :, k] = block.T", "whole[other, :, k] = -block.T", "covariance of two classes negated below the diagonal"),
    Mutant("_inference/covariance.py", "begin, end = np.searchsorted(codes, (first, first + at_once))", "begin, end = np.searchsorted(codes, (first, first + at_once - 1))", "a cluster lost between two batches"),
    Mutant("_inference/estimate.py", "blocks[:, j, :, j] -= each / n_classes", "pass", "prior of contrasts taken for independent"),
    Mutant("_inference/estimate.py", "return np.asarray(self.l2 * (theta - theta.mean(axis=0)))", "return np.asarray(self.l2 * theta)", "penalty of contrasts with the reference"),
    Mutant("_inference/estimate.py", "if not distance <= FARTHEST:", "if False:", "a fit far from the optimum accepted"),
    Mutant("_inference/estimate.py", ".distance <= 0.5 * FARTHEST:", ".distance <= FARTHEST:", "a fit near the optimum refused, or a far one accepted, by rounding"),
    Mutant("_inference/estimate.py", "if distance <= close and not curve.rounded:", "if distance <= close:", "a matrix returned where rounding has led"),
    Mutant("_inference/covariance.py", "return likelihood.n_rows * likelihood.n_columns <= FEW_ENTRIES", "return True", "many rows all made anew in float64"),
    Mutant("_likelihood/information.py", "firsts = range(0, max(1, chunk.rows.n_rows), size)", "firsts = range(0, max(1, chunk.rows.n_rows - size), size)", "the last rows of a chunk left out"),
    Mutant("_likelihood/products.py", "-n_rows % 4 if least", "4 - n_rows if least", "rows filled up to four at most"),
    Mutant("_inference/form.py", "if self.prior and not self.has_maximum:", "if False:", "maximum likelihood recommended where there is none"),
    Mutant("_inference/explanation.py", "return adding if adding <= MOST_ROWS else FIRST_ROWS", "return adding", "all that adds printed, however much"),
    Mutant("_likelihood/information.py", "sums = _weighted_moments(chunk, p[order], class_covariances, theta.shape[1], exact)", "sums = _weighted_moments(chunk, p, class_covariances, theta.shape[1], exact)", "information of classes in another order"),
    Mutant("_inference/question.py", "return meat * (number / (number - 1.0))", "return meat", "G / (G - 1) lost"),
    Mutant("_inference/question.py", "number = likelihood.survey.weight if counts else float(block.n_rows)", "number = float(block.n_rows)", "patterns counted for rows"),
    Mutant("_inference/hypotheses.py", "theta[[first, last], -1] += np.log(share)", "pass", "score test of merged classes at other intercepts"),
    Mutant("_inference/hypotheses.py", "return Restricted(fit.log_likelihood + divided, theta)", "return Restricted(fit.log_likelihood, theta)", "merged classes not divided"),
    Mutant("_inference/effects.py", "derivative[:, :, j] += direct", "pass", "slopes of an effect taken for fixed"),
    Mutant("_inference/intervals.py", "direction[:, others] = -mixture / total", "direction[:, others] = 0.0", "other classes taken for fixed"),
    Mutant("_likelihood/scores.py", "c += class_covariances(targets[:, rows])", "pass", "a pattern of counts as one row"),
    Mutant("_likelihood/averages.py", "- (weight * own) * p * relative", "", "the mean slope taken for fixed"),
    # The rooms: one door to the rows, one penalty, one objective
    Mutant("_penalty.py", "np.maximum(np.asarray(self.l2) * n_classes, 1e-150)", "np.maximum(np.asarray(self.l2), 1e-150)", "the cheapest shift with l2 for K l2"),
    Mutant("_penalty.py", "l2[inside] = np.minimum(squares, LARGEST)", "l2[inside] = squares", "a penalty that overflows"),
    Mutant("_penalty.py", "return weights * np.asarray(self.l2, weights.dtype)", "return weights * np.asarray(self.l2)", "a slope in another precision than the weights"),
    Mutant("_penalty.py", "if self.has_l1 or not", "if not", "a bound that l1 does not see"),
    Mutant("_penalty.py", "l2=np.asarray(self.l2)[chosen])", "l2=np.asarray(self.l2)[: len(chosen)])", "the penalty of other columns"),
    Mutant("_objective.py", "self.penalty = penalty.within(likelihood.coordinates)", "self.penalty = penalty", "a penalty on θ as if it were W"),
    Mutant("_objective.py", "np.maximum(survey.targets, 0.1 / survey.n_rows)", "survey.targets", "the log of an empty class's frequency"),
    Mutant("_objective.py", "np.concatenate([chosen, intercept])", "np.concatenate([intercept, chosen])", "the penalties of chosen columns in another order"),
    Mutant("_objective.py", "- self.likelihood.survey.targets @ intercept)", ")", "F without weights misses the targets"),
    Mutant("_likelihood/survey.py", "np.hypot(within, np.sqrt(one * two) * apart)", "within", "deviations of two blocks without their means' difference"),
    Mutant("_likelihood/survey.py", "self.mean + two * apart", "0.5 * (self.mean + other.mean)", "the mean of two blocks without their weights"),
    Mutant("_likelihood/survey.py", "one * (self.target_rows - np.outer(self.targets, two * apart))", "one * self.target_rows", "target rows about the mean of one block"),
    Mutant("_likelihood/survey.py", "one * self.targets + two * other.targets", "self.targets", "mean targets of the first block alone"),
    Mutant("_likelihood/survey.py", "self.n_rows + other.n_rows", "self.n_rows", "rows of the first block alone"),
    Mutant("_likelihood/survey.py", "return self if self.weight else other", "return self", "a first block without weight hides the others"),
    Mutant("_likelihood/coordinates.py", "scale=self.scale[chosen]", "scale=self.scale[: len(chosen)]", "the scale of other columns"),
    Mutant("_likelihood/coordinates.py", "map_[-1, : self.n_features] = -self.centre / self.scale", "pass", "covariances of intercepts without the centre"),
    Mutant("_likelihood/coordinates.py", "rows[:, -1] = survey.targets", "rows[:, -1] = 1.0", "mean target rows without the targets"),
    Mutant("_likelihood/coordinates.py", "np.hypot(survey.spread, mean)", "survey.spread", "columns without an intercept not of unit length"),
    Mutant("_likelihood/block.py", "if size + sum(each.size for each in self._kept.values()) > self.limit:", "if size > self.limit:", "a budget for every name"),
    Mutant("_likelihood/block.py", "return entry.values if entry and _same(entry.key, key) else {}", "return entry.values if entry else {}", "what was kept for another key"),
    Mutant("_likelihood/block.py", "if entry is None or not _same(entry.key, key):", "if entry is None:", "what is kept for an old key never dropped"),
    Mutant("_likelihood/working.py", "        self._readings[0] += 1\n        seen", "        seen", "sums that do not count as readings"),
    Mutant("_likelihood/working.py", "        self._readings[0] += 1\n        for item", "        for item", "an epoch that does not count as a reading"),
    Mutant("_likelihood/working.py", "self._readings = [readings + (known is None)]", "self._readings = [readings]", "a survey that does not count as a reading"),
    Mutant("_likelihood/working.py", "return np.random.default_rng(self.number)", "return np.random.default_rng(self.number[1])", "all blocks draw the same"),
    Mutant("_likelihood/working.py", "(block.number, number), memo", "(block.number, 0), memo", "all chunks draw and keep the same"),
    Mutant("_likelihood/working.py", "part.mean_target_rows = self.mean_target_rows[:, kept]", "part.mean_target_rows = self.mean_target_rows[:, : len(kept)]", "mean target rows of other columns"),
    Mutant("_likelihood/working.py", "rows = rows[:, coordinates.chosen]", "rows = rows[:, : coordinates.n_features]", "rows of other columns"),
    Mutant("_likelihood/working.py", "plain = not self.sparse and self.dtype is np.float64 and self.coordinates.chosen is None", "plain = not self.sparse and self.dtype is np.float64", "products of all columns for those of some"),
    Mutant("_likelihood/sums.py", "return Largest(np.maximum(self, other))", "return Largest(float(self) + float(other))", "largest numbers that add up"),
    Mutant("_likelihood/sums.py", "one + other for one, other in zip(total, result, strict=True)", "one for one, _ in zip(total, result, strict=True)", "all blocks but the first left out"),
    Mutant("_likelihood/information.py", "return c if exact else c.astype(np.float32, copy=False)", "return c.astype(np.float32)", "an exact information in float32"),
    Mutant("_likelihood/information.py", "first = parts * width + begin.astype(np.intp)", "first = parts * run", "a sample that is always the first rows"),
    Mutant("_likelihood/information.py", "return chunk.total(), _weighted_moments(", "return float(chunk.rows.n_rows), _weighted_moments(", "information divided by the rows, not their weight"),
    Mutant("_likelihood/scores.py", "chunk.weight[rows] if counts else chunk.weight[rows] ** 2", "chunk.weight[rows]", "squared scores with single weights"),
    Mutant("_likelihood/scores.py", "own = groups[first : first + chunk.rows.n_rows]", "own = groups[: chunk.rows.n_rows]", "the groups of the first chunk for all"),
    Mutant("_selection/one_step.py", "sums[:, j == other] *= 0.5", "pass", "packed squares twice"),
    Mutant("_selection/one_step.py", "- values @ step.left.T", "+ values @ step.left.T", "a step up the gradient"),
    Mutant("_selection/surface.py", "self.weight - squared_weight / self.weight", "self.weight", "the penalty of the row that is left out"),
    Mutant("_selection/surface.py", "- weight * self.slope", "", "a group that leaves its penalty behind"),
    Mutant("_likelihood/margins.py", "        if not behind < 0.0:\n            break\n", "", "rows read after some that are not parted"),
    Mutant("_selection/search.py", "np.log(ratios * rises[0] / rises[1])", "np.log(ratios)", "a training loss that rises with any power of l2"),
    Mutant("_selection/search.py", "if stays else None", "if high > self.start else None", "a minimum above the start as a plateau"),
    Mutant("_selection/search.py", "(x + beyond) / 2.0 if x == top else None", "None", "a best l2 above all others as a minimum"),
    Mutant("_selection/search.py", "return self._beyond(found)", "return found", "a search that creeps"),
    Mutant("_selection/fits.py", "theta = theta - step", "pass", "a fit that is settled where it was"),
    Mutant("_selection/curve.py", "losses[sample] += times *", "losses[sample] +=", "a sample of rows as all of them"),
    Mutant("_likelihood/margins.py", "return (Largest(np.inf),)", "continue", "rows of several classes parted"),
    Mutant("_likelihood/intercepts.py", "root *= np.sqrt(chunk.weight).astype(np.float32)", "pass", "sample weights missing in the intercepts' curvature"),
    Mutant("_likelihood/intercepts.py", "chunk.kept(\"logits\", (theta,), lambda: chunk.rows.logits(theta))", "chunk.kept(\"logits\", (), lambda: chunk.rows.logits(theta))", "logits of another θ"),
    Mutant("_likelihood/value.py", "logits *= 1 / np.add.reduce(logits, axis=0)", "pass", "probabilities that do not sum to one"),
    Mutant("_proven.py", "settings.max_iter - spent", "settings.max_iter", "max_iter for each search anew"),
    Mutant("_optimum/minimise.py", "0, likelihood.readings + 1", "0, 0", "readings for the axes not counted"),
    Mutant("_optimum/first_matrix.py", "self.renewal = self.steps + max(1, int(left))", "pass", "the question whether a matrix pays asked at every step"),
    # An l2 for each column
    Mutant("_input/hyperparameters.py", "legal = np.isfinite(numbers) & (numbers >= 0.0)", "legal = np.isfinite(numbers)", "l2 for each column: negative"),
    Mutant("_input/hyperparameters.py", "if len(self.l2) != n_features:", "if False:", "l2 for each column: for another number of columns"),
    Mutant("_input/hyperparameters.py", "float(self.l2[0])) if (self.l2 == self.l2[0]).all() else self", "float(self.l2[0]))", "l2 for each column: the first one for all"),
    Mutant("_penalty.py", "np.sqrt(np.asarray(self.l2) / most)", "np.asarray(self.l2) / most", "l2 for each column: columns scaled by l2, not by its root"),
    Mutant("_penalty.py", "0.0 < np.max(self.l2) <= FARTHEST * np.min(self.l2)", "0.0 < np.max(self.l2)", "l2 for each column: evened where a column has none"),
    Mutant("_optimum/row_space.py", "            weights /= self.scale\n", "            pass\n", "l2 for each column: weights of scaled columns"),
    Mutant("_optimum/row_space.py", "@ self._scaled(parameters.weights).T", "@ parameters.weights.T", "l2 for each column: a start in other columns than the scaled ones"),
    Mutant("_optimum/column_space.py", "np.zeros(len(self.spread)), self.l2[self.held]", "np.zeros(len(self.spread)), 0.0 * self.l2[self.held]", "l2 for each column: axes beside columns that have lost it"),
    Mutant("_optimum/column_space.py", "np.concatenate([along, standardised[:, self.held]], axis=1)", "np.concatenate([along, 0.0 * standardised[:, self.held]], axis=1)", "l2 for each column: a start without the columns that have one"),
    Mutant("_optimum/certificate.py", "np.where(l2, l2, np.inf)", "np.where(l2, np.inf, np.inf)", "l2 for each column: a proof that forgets the columns that have one"),
    Mutant("_optimum/certificate.py", "return found.value  # F is never below 0", "return 0.0", "l2 for each column: a proof far from the minimum"),
    Mutant("_optimum/elastic_net.py", "allowed[:, ~held]", "allowed[:, :0]", "l2 for each column: a dual point that columns without one forbid"),
    Mutant("_separation/search.py", "weights[:, among] = fit.weights[:, among]", "weights[:] = fit.weights", "l2 for each column: classes parted by columns that have one"),
    Mutant("_separation/search.py", "columns.named(infinite)", "infinite", "l2 for each column: contrasts with the names of other columns"),
    Mutant("_separation/coordinates.py", "place[among] = np.arange(n_columns)", "place[:n_columns] = np.arange(n_columns)", "l2 for each column: other columns of sparse rows"),
    Mutant("_proven.py", "if not (settings.l1 or Penalty(0.0, settings.l2).holds_all):", "if not (settings.l1 or Penalty(0.0, settings.l2).has_l2):", "l2 for each column: separation unseen where a column has one"),
    Mutant("_stream.py", "penalty[:n_features] = settings.l2", "penalty[:n_features] = np.max(settings.l2)", "l2 for each column: the largest for all in a stream"),
    Mutant("_persistence.py", "VERSION if penalty else BEFORE_L2", "BEFORE_L2", "l2 for each column: in a file that an older library takes"),
    Mutant("_inference/existence.py", "among=settings.unpenalised", "among=None", "l2 for each column: separation by columns that have one"),
]  # fmt: skip


def tests_for(file: str) -> list[str]:
    """Return what watches over a file, its mirror first, or else over its folder."""
    path = Path(file)
    chosen = WATCHED_BY.get(file) or WATCHED_BY[path.parts[0]]
    mirror = path.with_name(f"test_{path.name.lstrip('_')}").as_posix().lstrip("_")
    if (PROJECT / "tests" / mirror).exists():
        chosen = [mirror, *chosen]
    for name in chosen:
        if not (PROJECT / "tests" / name).exists():
            message = f"{file} is watched by {name}, which is not there"
            raise FileNotFoundError(message)
    return [f"tests/{name}" for name in dict.fromkeys(chosen)]


class Judge:
    """Runs chosen tests against faulty copies of a project's package."""

    def __init__(self, project: Path, extra: list[str]) -> None:
        self.project, self.extra = project, extra

    def run(self, package: Path, tests: list[str], seconds: float = SECONDS) -> tuple[bool, str]:
        """Whether the tests pass against the package in a folder, and what stopped them."""
        environment = os.environ | {
            "PYTHONPATH": str(package),
            "OPENBLAS_NUM_THREADS": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(package / "hypothesis"),
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no"]
        try:
            done = subprocess.run(
                [*command, *tests, *self.extra],
                cwd=self.project,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False, "time limit"
        if done.returncode > 2:  # pytest was asked for what is not there, or found no test
            raise RuntimeError(done.stdout + done.stderr)
        lines = [x for x in done.stdout.splitlines() if x.startswith(("FAILED", "ERROR"))]
        by = lines[0].split(" - ", 1)[0].split("::", 1)[-1] if lines else "an error at import"
        return done.returncode == 0, by

    def sound(self, mutants: list[Mutant]) -> bool:
        """Whether the tests pass without a fault: only then does a failure mean anything."""
        tests = sorted({test for mutant in mutants for test in tests_for(mutant.file)})
        passed, by = self.run(self.project / "src", tests, 10 * SECONDS)
        if not passed:
            print(f"without any fault the tests fail already: {by}")
        return passed

    def verdict(self, mutant: Mutant) -> tuple[str, str]:
        """Apply one fault; say whether it is noticed, and by what."""
        source = (self.project / PACKAGE / mutant.file).read_text(encoding="utf-8")
        if mutant.fragment not in source:
            return "NOT APPLICABLE", "its fragment is not in the file"
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, PACKAGE.name)
            shutil.copytree(self.project / PACKAGE, copy)
            changed = source.replace(mutant.fragment, mutant.replacement, 1)
            compile(changed, mutant.file, "exec")
            (copy / mutant.file).write_text(changed, encoding="utf-8")
            passed, by = self.run(Path(folder), tests_for(mutant.file))
        return ("NOT NOTICED", "no test fails") if passed else ("noticed", by)


def frozen(folder: Path) -> Path:
    """Copy the project, so that all faults are judged by the same state of it."""
    ignored = shutil.ignore_patterns("__pycache__", "interop", "benchmarks")
    shutil.copytree(PROJECT / PACKAGE, folder / PACKAGE, ignore=ignored)
    shutil.copytree(PROJECT / "tests", folder / "tests", ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="faults whose file or name has this word")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time")
    parser.add_argument("--list", action="store_true", help="print the faults and their files")
    parser.add_argument("extra", nargs="*", help="arguments for pytest, after --")
    given = parser.parse_args()
    mutants = [m for m in MUTANTS if given.only in m.file or given.only in m.name]
    if given.list:
        print(*(f"{m.file}: {m.name}" for m in mutants), sep="\n")
        return 0
    begin = time.perf_counter()
    counts = {"noticed": 0, "NOT NOTICED": 0, "NOT APPLICABLE": 0}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.jobs) as pool:
        judge = Judge(frozen(Path(folder)), given.extra)
        if not judge.sound(mutants):
            return 2
        for mutant, (verdict, by) in zip(mutants, pool.map(judge.verdict, mutants), strict=True):
            counts[verdict] += 1
            print(f"{verdict:<14} {mutant.file}: {mutant.name}  ({by})", flush=True)
    print(*(f"{count} {verdict}" for verdict, count in counts.items()), sep=", ", end="; ")
    print(f"{time.perf_counter() - begin:.0f} s")
    return 0 if counts["noticed"] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
