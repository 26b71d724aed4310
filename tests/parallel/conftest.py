from tests.sweep.conftest import busy_session, rig

__all__ = ["busy_session", "rig"]
