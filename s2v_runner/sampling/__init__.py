"""From noise to clips: schedules, guidance, the denoising loop, and the loop over clips.

Axes are named as in `s2v_runner.transformer`.
"""
