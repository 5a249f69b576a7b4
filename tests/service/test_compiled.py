"""What a start does before it connects."""

import gc

from streamgmm.service.compiled import load_compiled


async def test_garbage_is_looked_for_again_once_all_is_loaded_and_what_stays_is_left_out():
    gc.disable()  # as `streamgmm run` starts
    try:
        await load_compiled("full")
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
