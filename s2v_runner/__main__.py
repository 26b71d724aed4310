from s2v_runner.cli import main

raise SystemExit(main())
