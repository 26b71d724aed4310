"""The original's command lines as they stand: `torchrun --nproc_per_node=2 generate.py --task s2v-14B …`."""

from s2v_runner.generate import main

if __name__ == "__main__":
    raise SystemExit(main())
