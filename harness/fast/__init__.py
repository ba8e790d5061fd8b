"""The vectorised fast path: whole-column indicators and batch trade simulation for research over millions of bars.

The event loop is the judge, this package is the fast copy of it: every rule here is written twice, once on whole
columns (:mod:`harness.fast.signals`, :mod:`harness.fast.simulate`) and once bar by bar in the plainest Python
(:mod:`harness.fast.event`, :mod:`harness.fast.reference`), and the two must agree trade by trade
(:mod:`harness.fast.fidelity`). The rules are stated in ``docs/fast-path.md``.
"""
