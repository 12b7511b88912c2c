"""Running-time budgets: how a check asks for one. `race` is what it calls; the verdict is `statistics`.

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
    part = { batch = 2 }            # begin with this much: who takes too long for it is not asked for all
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
    run(who, *inputs)           what is timed; returns the outputs to look at: a value, or a tuple or list of values.
    setup(who) -> anything      once on each side, before all else; `run` and `prepare` get what it returns in the place
                                of `who`: a model, or a tuple of a model and an optimizer. Here `who` is an ordinary
                                proxy: `setup` may load weights into a model and keep what calls return. Both sides must
                                come out alike: draw values once, outside of `setup`.
    prepare(who, *inputs)       before each call, off the clock; what it returns is one more input of `run`, the last.
                                A backward pass is timed so:

        race(
            "backward",
            lambda who, x, w, upstream, cache: who.Conv.backward(upstream, cache),
            draw,
            prepare=lambda who, x, w, upstream: who.Conv.forward(x, w, PARAM)[1],
        )

In `run` and `prepare` nothing is computed: the functions are called once with stand-ins, and what they call is written
down and repeated on each side, with other inputs, in one request. Only calls, attributes and `[index]` are written
down, of the submission, of objects, of tensors (`who.net(x).square().mean().backward()`); no arithmetic, no `if` on a
value. An input that `prepare` mentions is put there before it, any other one after it, so that nothing can be done
beforehand with what `run` alone sees.

A step of training, on a model and an optimizer that `setup` made:

    def step(made, x, upstream):
        model, optimizer = made
        optimizer.zero_grad()
        scores = model(x)
        scores.backward(upstream)
        optimizer.step()
        return scores

Steps change what they work on, on both sides alike; over hundreds of them rounding grows, so let them be small.

Where `baseline` is a dotted name, it stands on the baseline's side where the question's `component` stands: with
component "Conv" and baseline "FastConv", `who.Conv.forward` is `FastConv.forward` there. Both must answer alike.

What the numbers in `run`'s outputs are is the correctness question's affair, but wrong ones fail here too: parts of
every output of every call are compared with the baseline's, at places drawn after the run. At least one output must
hold a tensor or a number.

A case passes within the first band, ends `too_slow` beyond it (with the credit of its band), and `too_noisy` where the
machine did not let us say; `pending` where the manifest names no device that this run has.

`race.size(budget)` gives the sizes beforehand, and raises the same `pending`.

A training budget bounds seconds on CUDA and, elsewhere, what the check makes of the sizes (a number of steps):

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
that the budget allows) and returns what it returned; beyond the seconds the case is `too_slow`. What was trained is
fetched and judged by the check.
"""
