"""Running-time budgets, for authors of checks. A check calls `race`; `statistics` decides the verdict.

A question's manifest names its budgets and the sizes that are run on each device:

    [[questions]]
    id = "conv-speed"
    depends = ["conv-forward"]      # wrong or missing work is blocked there, and not called slow

    [[questions.budgets]]
    id = "forward"
    baseline = "reference"          # or a dotted name in the reference's module, "FastConv"
    bands = [{ ratio = 2.0, credit = 1.0 }, { ratio = 5.0, credit = 0.5 }]     # or `ratio = 2.0` alone
    [questions.budgets.sizes.cpu]   # on a device that is not listed the budget is not graded
    batch = 16
    part = { batch = 2 }            # begin with this part: if it already takes too long, the rest is not run
    [questions.budgets.sizes.cuda]
    batch = 128

A check asks for it by the fixture `race`, once:

    @pytest.mark.question("conv-speed")
    def test_forward(race):
        def draw(rng, size):
            return rng.normal(size.batch, 3, 32, 32, dtype=torch.float32), rng.normal(8, 3, 3, 3, dtype=torch.float32)

        race("forward", lambda who, x, w: who.Conv.forward(x, w, PARAM)[0], draw)

`race(budget, run, draw, *, setup=None, prepare=None)`:

    draw(rng, size) -> tuple    the inputs of one call, fresh ones for every call: tensors and plain data. `rng` is a
                                `checks.Draw` whose `normal` and `uniform` are quick; `size` has the manifest's sizes
                                for the device as attributes (`size.batch`), and `size.device`, "cpu" or "cuda".
                                Tensors are put on the device for you. Draw weights here too, unless `setup` makes them.
    run(who, *inputs)           the timed calls; returns the outputs to look at: a value, or a tuple or list of values.
    setup(who) -> anything      once on each side, before all else; `run` and `prepare` get its result in the place of
                                `who`: a model, or a tuple of a model and an optimizer. Here `who` is an ordinary
                                proxy: `setup` may load weights into a model and keep what calls return. Both sides must
                                come out alike: draw values once, outside of `setup`.
    prepare(who, *inputs)       before each call, off the clock; its result is one more input of `run`, the last.
                                Example, for a backward pass:

        race(
            "backward",
            lambda who, x, w, upstream, cache: who.Conv.backward(upstream, cache),
            draw,
            prepare=lambda who, x, w, upstream: who.Conv.forward(x, w, PARAM)[1],
        )

`run` and `prepare` compute nothing: each is called once with stand-ins, which record its calls. The recorded calls are
repeated on each side, with other inputs, in one request. Only calls, attributes and `[index]` of the submission, of
objects and of tensors are recorded (`who.net(x).square().mean().backward()`); no arithmetic, no `if` on a value.

Inputs used by `prepare` are sent before it runs, the others only afterwards, so `prepare` cannot precompute on inputs
that only `run` uses.

A step of training, on a model and an optimizer that `setup` made:

    def step(made, x, upstream):
        model, optimizer = made
        optimizer.zero_grad()
        scores = model(x)
        scores.backward(upstream)
        optimizer.step()
        return scores

Steps change the model on both sides alike. Rounding errors grow over hundreds of steps, so let the steps be small.

If `baseline` is a dotted name, it replaces the question's `component` on the baseline's side: with component "Conv" and
baseline "FastConv", `who.Conv.forward` is `FastConv.forward` there. Both must answer alike.

The correctness question grades values. A race samples outputs only to detect skipped work: it compares parts of every
output of every call with the baseline's, at places drawn after the run. Wrong values fail there too. At least one
output must hold a tensor or a number.

A case passes within the first band, ends `too_slow` beyond it (with the credit of its band), and `too_noisy` if the
machine was too busy to tell; `pending` if the manifest names no device that this run has.

`race.size(budget)` gives the sizes beforehand, and raises the same `pending`.

A training budget limits the seconds on CUDA. On other devices the check derives a limit from the sizes, for
example a number of steps:

    [[questions.budgets]]
    id = "half-minute"
    kind = "training"
    seconds = 30.0
    [questions.budgets.sizes.cuda]

    def test_half_minute(race):
        solver = race.train("half-minute", lambda who, size: ...)      # `size.seconds` is 30.0 on CUDA, None elsewhere
        assert_accuracy(scores_of(solver.model.loss, images, 10), labels, at_least=0.7, what="…")

Sizes may name the figure that a training has to reach, such as `mean_iou = 0.4`, for `assert_reaches(found,
size.mean_iou, "…")`.

`race.train(budget, call)` calls `call(who, size)` once on the submission's side (an ordinary proxy with the deadline
that the budget allows) and returns its result; beyond the seconds the case is `too_slow`. The check fetches the trained
model and judges it.
"""
