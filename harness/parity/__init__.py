"""Whether two backtests are the same backtest: order by order, figure by figure.

:func:`harness.parity.diff.diff_results` compares two results by :class:`harness.parity.rules.ParityRules`;
:func:`harness.parity.recording.compare_with_recording` holds an engine against a recording of real Lean.
"""
