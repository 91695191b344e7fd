from __future__ import annotations

import pytest

from chanflow.features.pool import InProcess


@pytest.mark.parametrize("threads", [0, 65, -1])
def test_threads_outside_their_bounds_are_refused(threads: int) -> None:
    with pytest.raises(ValueError, match=f"threads is {threads}, allowed is 1 to 64"):
        InProcess(threads)
